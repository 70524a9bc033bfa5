#!/usr/bin/env node
// mqttjs.js - the scenario of tools/interop with MQTT.js.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: NODE_PATH=FOLDER/node_modules node mqttjs.js VERSION NAME; the broker is at 127.0.0.1:1883

'use strict'

const mqtt = require('mqtt')

const version = Number(process.argv[2])
const name = process.argv[3]
const is5 = version === 5
const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
const within = (ms, begun) => Promise.race([begun.catch(() => null), wait(ms)])

async function client (suffix, more = {}) {
  const made = mqtt.connect({
    protocol: 'mqtt',
    host: '127.0.0.1',
    port: 1883,
    clientId: name + suffix,
    protocolVersion: version,
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    reconnectPeriod: 0,
    clean: true,
    username: process.env.INTEROP_USER,
    password: process.env.INTEROP_PASSWORD,
    ...more
  })
  made.on('error', () => {})
  await within(2000, new Promise(resolve => made.once('connect', resolve)))
  return made
}

const publish = (made, topic, text, options) => within(1000, made.publishAsync(`${name}/${topic}`, text, options))
const subscribe = (made, filter, qos) => within(1000, made.subscribeAsync(filter, { qos }))
const close = made => within(1000, made.endAsync())
const limited = process.env.INTEROP_LIMITED

// What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message.
async function refusal () {
  await close(await client('-wrong', { username: process.env.INTEROP_WRONG_USER || 'nobody', password: 'wrong' }))
  await close(await client('-idle', { keepalive: 600 }))
  if (version !== 3) await close(await client('-none', { clientId: '' }))
  await close(await client('-mourned', { will: { topic: `${name}/forbidden`, payload: Buffer.from('gone away'), qos: 1 } }))
  const refused = await client('-refused')
  await within(1000, refused.subscribeAsync([`${name}/forbidden`, `${name}/zero`], { qos: 1 }))
  await publish(refused, 'forbidden', 'not wanted', { qos: 1 })
  await close(refused)
}

// The limits of the client: messages wait for one that takes few at once, and nothing large. Those of the broker: more at once than it takes,
// then with more than it allows, each on a connection of its own.
async function limits () {
  const few = {
    clean: false,
    ...(is5 && { properties: { sessionExpiryInterval: 60, receiveMaximum: 2, maximumPacketSize: 200, topicAliasMaximum: 3 } })
  }
  let subscriber = await client('-few', few)
  await subscribe(subscriber, `${name}/many`, 2)
  await close(subscriber)
  const publisher = await client('-many')
  await Promise.all([1, 2, 3, 4, 5, 6].flatMap(i => [1, 2].map(qos => publish(publisher, 'many', `message ${i}`, { qos }))))
  await publish(publisher, 'many', 'large'.padStart(400), { qos: 1 })
  await close(publisher)
  subscriber = await client('-few', few)
  await wait(1500)
  await close(subscriber)
  if (!limited) return
  subscriber = await client('-low', { host: limited })
  await subscribe(subscriber, `${name}/low`, 2)
  const tries = [['message', { qos: 1 }], ['message', { qos: 2 }], ['large'.padStart(3000), { qos: 1 }],
    ...(is5 ? [2, 9].map(topicAlias => ['with an alias', { qos: 1, properties: { topicAlias } }]) : [])]
  for (const [text, options] of tries) {
    const made = await client('-high', { host: limited })
    await publish(made, 'low', text, options)
    await close(made)
  }
  await close(subscriber)
}

async function main () {
  const keeps = { clean: false, ...(is5 && { properties: { sessionExpiryInterval: 60, receiveMaximum: 5, topicAliasMaximum: 4 } }) }
  let subscriber = await client('-sub', keeps)
  for (const [qos, topic] of ['zero', 'one', 'two'].entries()) await subscribe(subscriber, `${name}/${topic}`, qos)
  const publisher = await client('-pub', { keepalive: 1, will: { topic: `${name}/will`, payload: Buffer.from('gone away'), qos: 1 } })
  for (const topic of ['zero', 'one', 'two']) {
    for (const qos of [0, 1, 2]) await publish(publisher, topic, `message to ${topic} of QoS ${qos}`, { qos })
  }
  await publish(publisher, 'kept', 'a retained message', { qos: 1, retain: true })
  await wait(300)
  await close(subscriber)
  await publish(publisher, 'two', 'while the subscriber is away', { qos: 2 })
  await publish(publisher, 'one', 'the second while it is away', { qos: 1 })
  subscriber = await client('-sub', keeps)
  await wait(300)
  await subscribe(subscriber, `${name}/kept`, 1)
  await subscribe(subscriber, `${name}/will`, 1)
  if (is5) {
    const shared = await client('-share')
    await subscribe(shared, `$share/group/${name}/shared`, 1)
    await publish(publisher, 'shared', 'for one of the group', { qos: 1 })
    for (const text of ['sets the alias', 'uses the alias']) await publish(publisher, 'zero', text, { qos: 0, properties: { topicAlias: 1 } })
    await publish(publisher, 'one', 'with all that there is', {
      qos: 1,
      properties: {
        userProperties: { key: 'value' },
        contentType: 'text/plain',
        responseTopic: `${name}/answer`,
        correlationData: Buffer.from('7'),
        messageExpiryInterval: 60,
        payloadFormatIndicator: true
      }
    })
    await close(shared)
  }
  const twin = await client('-sub', keeps)
  await wait(300)
  await within(1000, twin.unsubscribeAsync(`${name}/zero`))
  await wait(2200)
  publisher.stream.destroy()
  await wait(500)
  await publish(twin, 'kept', '', { qos: 1, retain: true })
  await close(twin)
  await refusal()
  await limits()
  process.exit(0)
}

main()
