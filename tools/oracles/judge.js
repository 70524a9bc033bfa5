#!/usr/bin/env node
// judge.js - asks npm's mqtt-packet what it makes of control packets, for tools/differential.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: NODE_PATH=FOLDER/node_modules node judge.js <LINES
//
// Each line holds the version of a connection and one packet in hex. The answer to it is a line: "packet" and what the
// decoder read, as JSON that accepted.py describes; "waits" if it asks for more bytes; or "error" with the message.

'use strict'

const { Buffer } = require('node:buffer')
const readline = require('node:readline')
const mqtt = require('mqtt-packet')

const HAS_IDENTIFIER = /^(pub(ack|rec|rel|comp)|(un)?sub(scribe|ack))$/

const hex = buffer => buffer.toString('hex')

function told (packet, version) {
  const out = { id: null, code: null, codes: [], filters: [] }
  if (HAS_IDENTIFIER.test(packet.cmd) || (packet.cmd === 'publish' && packet.qos > 0)) out.id = packet.messageId
  switch (packet.cmd) {
    case 'connect':
      Object.assign(out, { client_id: packet.clientId, keep_alive: packet.keepalive, clean: packet.clean })
      if (packet.will) {
        const { topic, payload, qos, retain } = packet.will
        out.will = { topic, payload: hex(payload), qos, retain }
      }
      if (packet.username !== undefined) out.user_name = packet.username
      if (packet.password !== undefined && packet.password !== null) out.password = hex(packet.password)
      break
    case 'publish':
      Object.assign(out, { topic: packet.topic, payload: hex(packet.payload) })
      Object.assign(out, { qos: packet.qos, dup: packet.dup, retain: packet.retain })
      break
    case 'connack':
      out.code = packet.returnCode ?? packet.reasonCode
      out.session_present = packet.sessionPresent
      break
    case 'suback':
    case 'unsuback':
      out.codes = packet.granted || []
      break
    case 'subscribe':
      out.filters = packet.subscriptions
      break
    case 'unsubscribe':
      out.filters = packet.unsubscriptions.map(topic => ({ topic }))
      break
    case 'disconnect':
    case 'auth':
      if (packet.length > 0 && version === 5) out.code = packet.reasonCode
      break
    default:
      if (packet.length > 2 && version === 5) out.code = packet.reasonCode
  }
  return out
}

function judge (version, bytes) {
  let verdict = 'waits'
  const parser = mqtt.parser({ protocolVersion: version })
  parser.on('packet', packet => {
    if (verdict === 'waits') verdict = `packet ${JSON.stringify(told(packet, version))}`
  })
  parser.on('error', error => { if (!verdict.startsWith('error')) verdict = `error ${error.message}` })
  try {
    parser.parse(bytes)
  } catch (thrown) {
    verdict = `error ${thrown.message}`
  }
  return verdict
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  const [version, packet] = line.split(' ')
  process.stdout.write(judge(Number(version), Buffer.from(packet, 'hex')) + '\n')
})
