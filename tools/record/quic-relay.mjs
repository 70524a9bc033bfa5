#!/usr/bin/env node
// quic-relay.mjs - carries MQTT connections over QUIC: TCP in, one QUIC connection with one stream for each, TCP out to a broker.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: quic-relay.mjs CLIENTS_PORT QUIC_PORT BROKER_PORT CERTIFICATE KEY KEY_LOGS
//
// Any MQTT client that connects to CLIENTS_PORT thus speaks over QUIC with ALPN "mqtt" to any broker, each packet on
// one bidirectional stream that the client's side opened. Both ends are in this program; what is worth recording is
// between them, on the UDP port. The library starts a key log afresh for each connection, so each gets its own:
// KEY_LOGS.0, KEY_LOGS.1 and so on. The module is found in NODE_PATH.

import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'

const [clientsPort, quicPort, brokerPort, certificate, key, keyLogs] = process.argv.slice(2)
const folder = join(process.env.NODE_PATH, '@matrixai', 'quic', 'dist', 'index.js')
const { QUICClient, QUICServer, events } = await import(pathToFileURL(folder))

// Carries bytes both ways until the sides end; errors of a torn connection are of no interest here.
function connectPipes(socket, stream) {
  const quiet = () => {}
  socket.on('error', quiet)
  const incoming = Readable.fromWeb(stream.readable).on('error', quiet)
  const outgoing = Writable.fromWeb(stream.writable).on('error', quiet)
  socket.pipe(outgoing)
  incoming.pipe(socket)
}

const sign = (secret, data) => createHmac('sha256', Buffer.from(secret)).update(Buffer.from(data)).digest()
const server = new QUICServer({
  crypto: {
    key: randomFillSync(new Uint8Array(32)).buffer,
    ops: {
      sign: async (secret, data) => new Uint8Array(sign(secret, data)).buffer,
      verify: async (secret, data, signature) => timingSafeEqual(sign(secret, data), Buffer.from(signature))
    }
  },
  config: {
    key: readFileSync(key, 'utf8'), cert: readFileSync(certificate, 'utf8'), verifyPeer: false, applicationProtos: ['mqtt']
  }
})
server.addEventListener(events.EventQUICServerConnection.name, ({ detail: connection }) => {
  connection.addEventListener(events.EventQUICConnectionStream.name, ({ detail: stream }) => {
    connectPipes(net.connect(Number(brokerPort), '127.0.0.1'), stream)
  })
})
await server.start({ host: '127.0.0.1', port: Number(quicPort) })

let connections = 0
net.createServer({ allowHalfOpen: true }, async (socket) => {
  socket.pause()
  const client = await QUICClient.createQUICClient({
    host: '127.0.0.1',
    port: Number(quicPort),
    serverName: 'localhost',
    crypto: { ops: { randomBytes: async (data) => { randomFillSync(new Uint8Array(data)) } } },
    config: { verifyPeer: false, applicationProtos: ['mqtt'], logKeys: `${keyLogs}.${connections++}` }
  })
  socket.on('close', () => client.destroy({ isApp: true, errorCode: 0, force: false }).catch(() => {}))
  connectPipes(socket, client.connection.newStream('bidi'))
}).listen(Number(clientsPort), '127.0.0.1')
