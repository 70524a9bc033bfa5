#!/usr/bin/env node
// tls-terminator.js - ends TLS in front of a broker and selects an ALPN protocol, as cloud brokers do on port 443.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: tls-terminator.js PORT BROKER_PORT CERTIFICATE KEY ALPN...
//
// mosquitto does not select an ALPN protocol itself; this stands in front of it.

const fs = require('fs')
const net = require('net')
const tls = require('tls')

const [port, brokerPort, certificate, key, ...protocols] = process.argv.slice(2)

const server = tls.createServer({
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  ALPNProtocols: protocols
}, (client) => {
  const broker = net.connect(Number(brokerPort), '127.0.0.1')
  client.pipe(broker).pipe(client)
  client.on('error', () => broker.destroy())
  broker.on('error', () => client.destroy())
})
server.listen(Number(port))
