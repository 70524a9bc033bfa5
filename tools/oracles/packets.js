#!/usr/bin/env node
// packets.js - random valid control packets, encoded by npm's mqtt-packet, for tools/differential.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: NODE_PATH=FOLDER/node_modules node packets.js VERSION COUNT SEED
//
// Writes one JSON object a line: the number of the connection, the direction, the encoder's bytes in hex, and what the
// packet was made from, in the form that expected.py describes. The same arguments give the same lines.

'use strict'

const { Buffer } = require('node:buffer')
const mqtt = require('mqtt-packet')
const { Chance } = require('./chance.js')

const version = Number(process.argv[2])
const count = Number(process.argv[3])
const chance = new Chance(`${process.argv[4]}/${version}`)

const PUBLISH_ANSWERS = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
const CODES = {
  connack: [0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a,
    0x9b, 0x9c, 0x9d, 0x9f],
  puback: PUBLISH_ANSWERS,
  pubrec: PUBLISH_ANSWERS,
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnectOfClient: [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99],
  disconnectOfServer: [0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
    0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
  auth: [0x00, 0x18, 0x19]
}

// mqtt-packet's name, the identifier, and how a value is made; the packets are in PROPERTIES_OF.
const flag = () => chance.coin()
const word = () => chance.number(0, 0xffff)
const wordNotZero = () => chance.number(1, 0xffff)
const long = () => chance.number(0, 0xffffffff)
const longNotZero = () => chance.number(1, 0xffffffff)
const PROPERTIES = {
  payloadFormatIndicator: [0x01, flag],
  messageExpiryInterval: [0x02, long],
  contentType: [0x03, () => chance.text()],
  responseTopic: [0x08, () => chance.topic()],
  correlationData: [0x09, () => chance.bytes()],
  subscriptionIdentifier: [0x0b, () => chance.varint()],
  sessionExpiryInterval: [0x11, long],
  assignedClientIdentifier: [0x12, () => chance.text()],
  serverKeepAlive: [0x13, word],
  authenticationMethod: [0x15, () => chance.text()],
  authenticationData: [0x16, () => chance.bytes()],
  requestProblemInformation: [0x17, flag],
  willDelayInterval: [0x18, long],
  requestResponseInformation: [0x19, flag],
  responseInformation: [0x1a, () => chance.text()],
  serverReference: [0x1c, () => chance.text()],
  reasonString: [0x1f, () => chance.text()],
  receiveMaximum: [0x21, wordNotZero],
  topicAliasMaximum: [0x22, word],
  topicAlias: [0x23, () => chance.number(1, 9)],
  maximumQoS: [0x24, () => chance.number(0, 1)],
  retainAvailable: [0x25, flag],
  userProperties: [0x26, userProperties],
  maximumPacketSize: [0x27, longNotZero],
  wildcardSubscriptionAvailable: [0x28, flag],
  subscriptionIdentifiersAvailable: [0x29, flag],
  sharedSubscriptionAvailable: [0x2a, flag]
}

const ANSWER = ['reasonString', 'userProperties']
const MESSAGE = ['payloadFormatIndicator', 'messageExpiryInterval', 'contentType', 'responseTopic', 'correlationData',
  'userProperties']
const AUTHENTICATION = ['authenticationMethod', 'authenticationData']
const PROPERTIES_OF = {
  connect: [...AUTHENTICATION, 'sessionExpiryInterval', 'requestProblemInformation', 'requestResponseInformation',
    'receiveMaximum', 'topicAliasMaximum', 'userProperties', 'maximumPacketSize'],
  will: [...MESSAGE, 'willDelayInterval'],
  connack: [...AUTHENTICATION, ...ANSWER, 'sessionExpiryInterval', 'assignedClientIdentifier', 'serverKeepAlive',
    'responseInformation', 'serverReference', 'receiveMaximum', 'topicAliasMaximum', 'maximumQoS', 'retainAvailable',
    'maximumPacketSize', 'wildcardSubscriptionAvailable', 'subscriptionIdentifiersAvailable',
    'sharedSubscriptionAvailable'],
  publish: [...MESSAGE, 'topicAlias', 'subscriptionIdentifier'],
  puback: ANSWER,
  pubrec: ANSWER,
  pubrel: ANSWER,
  pubcomp: ANSWER,
  subscribe: ['subscriptionIdentifier', 'userProperties'],
  suback: ANSWER,
  unsubscribe: ['userProperties'],
  unsuback: ANSWER,
  disconnect: [...ANSWER, 'sessionExpiryInterval', 'serverReference'],
  auth: [...AUTHENTICATION, ...ANSWER]
}

// Names may repeat; an object without a prototype, since any name may come.
function userProperties () {
  const pairs = Object.create(null)
  for (let left = chance.number(1, 4); left > 0; left--) {
    const name = chance.text()
    if (name in pairs || chance.one(5)) {
      pairs[name] = [].concat(name in pairs ? pairs[name] : [], chance.text(), chance.coin() ? chance.text() : [])
    } else {
      pairs[name] = chance.text()
    }
  }
  return pairs
}

// Random properties for a packet, in a random order; undefined (no property) now and then.
function makeProperties (packet, without) {
  if (version !== 5 || chance.one(4)) return undefined
  const names = chance.shuffled(PROPERTIES_OF[packet].filter(name => !without.includes(name)))
  const chosen = names.slice(0, chance.one(8) ? names.length : chance.number(0, Math.min(names.length, 3)))
  const properties = {}
  for (const name of chosen) {
    const make = PROPERTIES[name][1]
    const several = packet === 'publish' && name === 'subscriptionIdentifier' && chance.coin()
    properties[name] = several ? Array.from({ length: chance.number(1, 4) }, make) : make()
  }
  return properties
}

// The properties as [identifier, value] in the order in which they were given to the encoder.
function listed (properties) {
  const out = []
  for (const name of Object.keys(properties || {})) {
    const value = properties[name]
    const id = PROPERTIES[name][0]
    if (name === 'userProperties') {
      for (const key of Object.keys(value)) {
        for (const each of [].concat(value[key])) out.push([id, [key, each]])
      }
    } else {
      for (const each of Array.isArray(value) ? value : [value]) out.push([id, plain(each)])
    }
  }
  return out
}

function plain (value) {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  return typeof value === 'boolean' ? Number(value) : value
}

// Binary data is given to the encoder as bytes or, where it is text, as text.
function hex (value) {
  return Buffer.from(value).toString('hex')
}

// ---- One function for each packet: [what the encoder is given, what is told of it]

function makeConnect () {
  const clean = chance.coin()
  const clientId = version === 3 || !clean ? chance.textOf(1, 23) : chance.text()
  const protocolId = version === 3 ? 'MQIsdp' : 'MQTT'
  const packet = { cmd: 'connect', protocolId, protocolVersion: version, clean, clientId }
  const told = { protocol: protocolId, clean, client_id: clientId, will: null, user_name: null, password: null }
  packet.keepalive = told.keep_alive = word()
  // mqtt-packet 9.0.2 writes level 3 for a bridge that speaks 5.0.
  packet.bridgeMode = version !== 5 && chance.one(10)
  told.level = version | (packet.bridgeMode ? 0x80 : 0)
  packet.properties = makeProperties('connect', [])
  told.properties = listed(packet.properties)
  if (chance.coin()) {
    const payload = chance.coin() ? chance.bytes() : chance.text()
    const will = { topic: chance.topic(), payload, qos: chance.number(0, 2), retain: chance.coin() }
    packet.will = { ...will, properties: makeProperties('will', []) }
    told.will = { ...will, payload: hex(payload), properties: listed(packet.will.properties) }
  }
  if (chance.coin()) {
    packet.username = told.user_name = chance.text()
    if (chance.coin()) {
      packet.password = chance.coin() ? chance.bytes() : chance.text()
      told.password = hex(packet.password)
    }
  }
  return [packet, told]
}

function makeConnack () {
  const code = chance.one(4) ? chance.pick(version === 5 ? CODES.connack : [0, 1, 2, 3, 4, 5]) : 0
  const sessionPresent = version !== 3 && code === 0 && chance.coin()
  const packet = { cmd: 'connack', sessionPresent, properties: makeProperties('connack', []) }
  packet[version === 5 ? 'reasonCode' : 'returnCode'] = code
  return [packet, { session_present: sessionPresent, code, properties: listed(packet.properties) }]
}

function makePublish (toServer, aliases) {
  const qos = chance.number(0, 2)
  const packet = { cmd: 'publish', qos, dup: qos > 0 && chance.one(4), retain: chance.one(4) }
  packet.properties = makeProperties('publish', toServer ? ['subscriptionIdentifier'] : [])
  const alias = (packet.properties || {}).topicAlias
  packet.topic = aliases.has(alias) && chance.coin() ? '' : chance.topic()
  if (alias !== undefined) aliases.add(alias)
  if (qos > 0) packet.messageId = wordNotZero()
  packet.payload = chance.payload()
  return [packet, {
    qos, dup: packet.dup, retain: packet.retain, topic: packet.topic, id: packet.messageId || null,
    payload: hex(packet.payload), properties: listed(packet.properties)
  }]
}

function makePublishAnswer (cmd) {
  const packet = { cmd, messageId: wordNotZero() }
  const told = { id: packet.messageId, code: null, properties: null }
  if (version === 5) {
    packet.reasonCode = chance.pick(CODES[cmd])
    packet.properties = makeProperties(cmd, [])
    // Without properties the encoder leaves out a code of 0, and with it the Property Length.
    if (packet.properties !== undefined || packet.reasonCode !== 0) {
      told.code = packet.reasonCode
      told.properties = listed(packet.properties)
    }
  }
  return [packet, told]
}

function makeSubscribe () {
  const packet = { cmd: 'subscribe', messageId: wordNotZero(), properties: makeProperties('subscribe', []) }
  // Only MQTT 3.1 has DUP in a SUBSCRIBE.
  packet.dup = version === 3 && chance.one(4)
  packet.subscriptions = Array.from({ length: chance.number(1, 6) }, () => {
    const entry = { topic: chance.filter(), qos: chance.number(0, 2) }
    return version === 5 ? { ...entry, nl: chance.coin(), rap: chance.coin(), rh: chance.number(0, 2) } : entry
  })
  return [packet, {
    id: packet.messageId, dup: packet.dup, filters: packet.subscriptions, properties: listed(packet.properties)
  }]
}

function makeUnsubscribe () {
  const packet = { cmd: 'unsubscribe', messageId: wordNotZero(), properties: makeProperties('unsubscribe', []) }
  packet.dup = version === 3 && chance.one(4)
  packet.unsubscriptions = Array.from({ length: chance.number(1, 6) }, () => chance.filter())
  return [packet, {
    id: packet.messageId,
    dup: packet.dup,
    filters: packet.unsubscriptions.map(topic => ({ topic })),
    properties: listed(packet.properties)
  }]
}

function makeSubscribeAnswer (cmd) {
  const packet = { cmd, messageId: wordNotZero(), properties: makeProperties(cmd, []) }
  const codes = { 3: [0, 1, 2], 4: [0, 1, 2, 0x80], 5: CODES[cmd] }[version]
  const hasCodes = cmd === 'suback' || version === 5
  packet.granted = Array.from({ length: chance.number(1, chance.one(20) ? 300 : 6) }, () => chance.pick(codes))
  return [packet, {
    id: packet.messageId, codes: hasCodes ? packet.granted : null, properties: listed(packet.properties)
  }]
}

function makeEnd (cmd, toServer) {
  if (version !== 5) return [{ cmd }, { code: null, properties: null }]
  const codes = cmd === 'auth' ? CODES.auth : toServer ? CODES.disconnectOfClient : CODES.disconnectOfServer
  const without = cmd === 'auth' ? [] : toServer ? ['serverReference'] : ['sessionExpiryInterval']
  const packet = { cmd, reasonCode: chance.pick(codes), properties: makeProperties(cmd, without) }
  return [packet, { code: packet.reasonCode, properties: listed(packet.properties) }]
}

const MAKERS = {
  connect: makeConnect,
  connack: makeConnack,
  publish: makePublish,
  puback: () => makePublishAnswer('puback'),
  pubrec: () => makePublishAnswer('pubrec'),
  pubrel: () => makePublishAnswer('pubrel'),
  pubcomp: () => makePublishAnswer('pubcomp'),
  subscribe: makeSubscribe,
  suback: () => makeSubscribeAnswer('suback'),
  unsubscribe: makeUnsubscribe,
  unsuback: () => makeSubscribeAnswer('unsuback'),
  pingreq: () => [{ cmd: 'pingreq' }, {}],
  pingresp: () => [{ cmd: 'pingresp' }, {}],
  disconnect: toServer => makeEnd('disconnect', toServer),
  auth: toServer => makeEnd('auth', toServer)
}
const EITHER = ['publish', 'publish', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp']
if (version === 5) EITHER.push('auth')
const OF_CLIENT = [...EITHER, 'subscribe', 'unsubscribe', 'pingreq']
const OF_SERVER = [...EITHER, 'suback', 'unsuback', 'pingresp']

let written = 0
let connection = 0

function put (cmd, toServer, aliases) {
  const [packet, told] = MAKERS[cmd](toServer, aliases)
  const bytes = mqtt.generate(packet, { protocolVersion: version })
  const described = { type: cmd, version, ...told }
  const line = { connection, to_server: toServer, bytes: bytes.toString('hex'), packet: described }
  process.stdout.write(JSON.stringify(line) + '\n')
  written++
}

while (written < count) {
  const aliases = [new Set(), new Set()]
  put('connect', true)
  put('connack', false)
  for (let left = chance.number(0, chance.one(5) ? 100 : 15); left > 0; left--) {
    const toServer = chance.coin()
    put(chance.pick(toServer ? OF_CLIENT : OF_SERVER), toServer, aliases[Number(toServer)])
  }
  if (chance.coin()) put('disconnect', version !== 5 || chance.coin())
  connection++
}
