#!/usr/bin/env node
// u8mqtt.js - the scenario of tools/interop with u8-mqtt, which has QoS 0 and 1.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: NODE_PATH=FOLDER/node_modules node u8mqtt.js VERSION NAME; the broker is at 127.0.0.1:1883

'use strict'

const net = require('net')
const u8 = require('u8-mqtt')

const version = Number(process.argv[2])
const name = process.argv[3]
const is5 = version === 5
const limited = process.env.INTEROP_LIMITED
const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
const within = (ms, begun) => Promise.race([Promise.resolve(begun).catch(() => null), wait(ms)])

async function client (suffix, { clean = true, host = '127.0.0.1', ...more } = {}) {
  const made = (is5 ? u8.mqtt_v5 : u8.mqtt_v4)({ on_error: () => {} })
  made.log_conn = made.on_error = () => {}
  made.socket = net.connect(1883, host)
  made.socket.on('error', () => {})
  made.with_stream(made.socket)
  await within(2000, made.connect({
    client_id: name + suffix,
    keep_alive: 60,
    flags: { clean_start: clean },
    username: process.env.INTEROP_USER,
    password: process.env.INTEROP_PASSWORD,
    ...more
  }))
  return made
}

const publish = (made, topic, payload, qos, more) => within(1000, made.pub({ topic: `${name}/${topic}`, payload, qos, ...more }))
const subscribe = (made, filter, qos) => within(1000, made.subscribe([filter], { qos }))

async function close (made) {
  await within(1000, made.disconnect())
  made.socket.end()
}

// What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message.
async function refusal () {
  await close(await client('-wrong', { username: process.env.INTEROP_WRONG_USER || 'nobody', password: 'wrong' }))
  await close(await client('-idle', { keep_alive: 600 }))
  await close(await client('', { client_id: '', clean: false }))
  await close(await client('-mourned', { will: { topic: `${name}/forbidden`, payload: 'gone away', qos: 1 } }))
  const refused = await client('-refused')
  await within(1000, refused.subscribe([`${name}/forbidden`, `${name}/zero`], { qos: 1 }))
  await publish(refused, 'forbidden', 'not wanted', 1)
  await close(refused)
}

// The limits of the client: messages wait for one that takes few at once, and nothing large. Those of the broker: more at once than it takes,
// then with more than it allows, each on a connection of its own.
async function limits () {
  const few = {
    clean: false,
    ...(is5 && { props: { session_expiry_interval: 60, receive_maximum: 2, maximum_packet_size: 200, topic_alias_maximum: 3 } })
  }
  let subscriber = await client('-few', few)
  await subscribe(subscriber, `${name}/many`, 1)
  await close(subscriber)
  const publisher = await client('-many')
  await Promise.all([1, 2, 3, 4, 5, 6].map(i => publish(publisher, 'many', `message ${i}`, 1)))
  await publish(publisher, 'many', 'large'.padStart(400), 1)
  await close(publisher)
  subscriber = await client('-few', few)
  await wait(1500)
  await close(subscriber)
  if (!limited) return
  subscriber = await client('-low', { host: limited })
  await subscribe(subscriber, `${name}/low`, 1)
  const tries = [['message'], ['large'.padStart(3000)], ...(is5 ? [2, 9].map(alias => ['with an alias', { props: { topic_alias: alias } }]) : [])]
  for (const [text, more] of tries) {
    const made = await client('-high', { host: limited })
    await publish(made, 'low', text, 1, more)
    await close(made)
  }
  await close(subscriber)
}

async function main () {
  const keeps = { clean: false, ...(is5 && { props: { session_expiry_interval: 60, receive_maximum: 5, topic_alias_maximum: 4 } }) }
  let subscriber = await client('-sub', keeps)
  for (const [qos, topic] of [[0, 'zero'], [1, 'one'], [1, 'two']]) await subscribe(subscriber, `${name}/${topic}`, qos)
  const publisher = await client('-pub', { keep_alive: 1, will: { topic: `${name}/will`, payload: 'gone away', qos: 1 } })
  for (const topic of ['zero', 'one', 'two']) {
    for (const qos of [0, 1]) await publish(publisher, topic, `message to ${topic} of QoS ${qos}`, qos)
  }
  await publish(publisher, 'kept', 'a retained message', 1, { retain: 1 })
  await wait(300)
  await close(subscriber)
  await publish(publisher, 'two', 'while the subscriber is away', 1)
  await publish(publisher, 'one', 'the second while it is away', 1)
  subscriber = await client('-sub', keeps)
  await wait(300)
  await subscribe(subscriber, `${name}/kept`, 1)
  await subscribe(subscriber, `${name}/will`, 1)
  if (is5) {
    const shared = await client('-share')
    await subscribe(shared, `$share/group/${name}/shared`, 1)
    await publish(publisher, 'shared', 'for one of the group', 1)
    for (const topic of [`${name}/zero`, '']) await within(1000, publisher.pub({ topic, payload: 'with an alias', qos: 0, props: { topic_alias: 1 } }))
    await publish(publisher, 'one', 'with all that there is', 1, {
      props: {
        user_properties: { key: 'value' },
        content_type: 'text/plain',
        response_topic: `${name}/answer`,
        correlation_data: '7',
        message_expiry_interval: 60,
        payload_format_indicator: 1
      }
    })
    await close(shared)
  }
  const twin = await client('-sub', keeps)
  await wait(300)
  await within(1000, twin.unsubscribe([`${name}/zero`]))
  await wait(2200)
  publisher.socket.destroy()
  await wait(500)
  await publish(twin, 'kept', '', 1, { retain: 1 })
  await close(twin)
  await refusal()
  await limits()
  process.exit(0)
}

process.on('unhandledRejection', () => {})
main()
