#!/usr/bin/env node
// judge.js - asks npm's mqtt-packet whether it takes control packets, for tools/differential.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: NODE_PATH=FOLDER/node_modules node judge.js <LINES
//
// Each line holds the version of a connection and one packet in hex. The answer to it is a line: "packet" if the
// decoder took it, "waits" if it asks for more bytes, or "error" with the message.

'use strict'

const { Buffer } = require('node:buffer')
const readline = require('node:readline')
const mqtt = require('mqtt-packet')

function judge (version, bytes) {
  let verdict = 'waits'
  const parser = mqtt.parser({ protocolVersion: version })
  parser.on('packet', () => { if (verdict === 'waits') verdict = 'packet' })
  parser.on('error', error => { if (!verdict.startsWith('error')) verdict = `error ${error.message}` })
  try {
    parser.parse(bytes)
  } catch (thrown) {
    verdict = `error ${thrown.message}`
  }
  return verdict
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  const [version, hex] = line.split(' ')
  process.stdout.write(judge(Number(version), Buffer.from(hex, 'hex')) + '\n')
})
