#!/usr/bin/env node
// mqttjs-client.js - scripted MQTT sessions with MQTT.js, to be recorded by tools/record-captures.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: mqttjs-client.js SCENARIO URL [PROTOCOL VERSION 3|4|5] [CA FILE] [ALPN]
//
// Each step waits for what the broker answers. The module is found through NODE_PATH.

const fs = require('fs')
const mqtt = require('mqtt')

const [scenario, url, version, ca, alpn] = process.argv.slice(2)
const protocolVersion = Number(version || 4)

function options(clientId, more) {
  const all = { clientId, protocolVersion, keepalive: 60, reconnectPeriod: 0, ...more }
  if (protocolVersion === 3) all.protocolId = 'MQIsdp'
  if (ca) all.ca = fs.readFileSync(ca)
  if (alpn) all.ALPNProtocols = [alpn]
  return all
}

// A client that counts its messages; until(n) resolves when n of them have come.
async function connect(clientId, more) {
  const client = await mqtt.connectAsync(url, options(clientId, more))
  let count = 0
  let waiting = []
  client.on('message', () => {
    count += 1
    waiting = waiting.filter(({ n, resolve }) => count < n || resolve())
  })
  client.until = (n) => count >= n ? Promise.resolve() : new Promise((resolve) => waiting.push({ n, resolve }))
  return client
}

const scenarios = {
  // Two clients, each QoS in both directions, a retained message, a will that is not sent, an unsubscribe.
  async session() {
    const sub = await connect('mqttjs-sub', { will: { topic: 'state/mqttjs-sub', payload: 'gone', qos: 1, retain: true } })
    await sub.subscribeAsync({ 'sensor/+/temperature': { qos: 0 }, 'sensor/+/humidity': { qos: 1 }, 'alarm/#': { qos: 2 } })
    const pub = await connect('mqttjs-pub')
    await pub.publishAsync('sensor/attic/temperature', '19.0')
    await pub.publishAsync('sensor/attic/humidity', '40', { qos: 1 })
    await pub.publishAsync('alarm/window', Buffer.from([0, 1, 2, 253, 254, 255]), { qos: 2, retain: true })
    await sub.until(3)
    await sub.unsubscribeAsync(['sensor/+/temperature', 'sensor/+/humidity'])
    await pub.publishAsync('alarm/window', '', { qos: 1, retain: true })
    await sub.until(4)
    await pub.endAsync()
    await sub.endAsync()
  },

  // MQTT 5.0: aliases assigned by the library, subscription identifiers, request and response, properties everywhere.
  async properties() {
    const sub = await connect('mqttjs-v5-sub', {
      properties: {
        sessionExpiryInterval: 30, receiveMaximum: 20, topicAliasMaximum: 5, requestResponseInformation: true,
        requestProblemInformation: true, userProperties: { program: 'MQTT.js', tag: ['one', 'two'] }
      },
      will: {
        topic: 'state/mqttjs-v5-sub', payload: 'gone', qos: 1,
        properties: { willDelayInterval: 3, contentType: 'text/plain', messageExpiryInterval: 60, responseTopic: 'state/answer',
          correlationData: Buffer.from('will'), userProperties: { why: 'lost' } }
      }
    })
    await sub.subscribeAsync('plant/#', { qos: 2, nl: true, rap: true, rh: 1, properties: { subscriptionIdentifier: 42, userProperties: { filter: 'all' } } })
    await sub.subscribeAsync('plant/+/speed', { qos: 1, properties: { subscriptionIdentifier: 268435455 } })
    const pub = await connect('mqttjs-v5-pub', { autoAssignTopicAlias: true, properties: { topicAliasMaximum: 5 } })
    for (const value of [10, 20, 30]) {
      await pub.publishAsync('plant/mill/speed', String(value), { qos: value === 10 ? 0 : 1 })
      await pub.publishAsync('plant/mill/torque', String(value), { qos: 2 })
    }
    await pub.publishAsync('plant/request', '{"ask": 1}', {
      qos: 1,
      properties: { payloadFormatIndicator: true, messageExpiryInterval: 90, contentType: 'application/json',
        responseTopic: 'plant/response', correlationData: Buffer.from([1, 2, 3, 0]), userProperties: { language: 'en' } }
    })
    await sub.until(7)
    await sub.unsubscribeAsync('plant/#', { properties: { userProperties: { why: 'done' } } })
    await pub.endAsync(false, { reasonCode: 4, properties: { sessionExpiryInterval: 0, reasonString: 'end of shift' } })
    await sub.endAsync()
  },

  async small() {
    const client = await connect('mqttjs-small')
    await client.subscribeAsync('echo/#', { qos: 1 })
    await client.publishAsync('echo/1', 'hello!', { qos: 1 })
    await client.until(1)
    await client.endAsync()
  },

  async large() {
    const client = await connect('mqttjs-large')
    await client.subscribeAsync('echo/#', { qos: 1 })
    await client.publishAsync('echo/large', '0123456789abcdef'.repeat(6250), { qos: 1 })
    await client.until(1)
    await client.endAsync()
  }
}

setTimeout(() => { console.error('mqttjs-client.js: gave up waiting'); process.exit(1) }, 30000).unref()
scenarios[scenario]().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
