#!/usr/bin/env node
// aedes.js - the aedes broker at 127.0.0.1:1883 for tools/interop; it refuses a user with a password, and what is forbidden.
// SPDX-License-Identifier: GPL-2.0-or-later

'use strict'

const net = require('net')
const isForbidden = topic => topic.endsWith('/forbidden')
const aedes = require('aedes')({
  authenticate: (client, user, password, done) => done(null, !password),
  authorizePublish: (client, packet, done) => done(isForbidden(packet.topic) ? new Error('forbidden') : null),
  authorizeSubscribe: (client, subscription, done) => done(null, isForbidden(subscription.topic) ? null : subscription)
})

net.createServer(aedes.handle).listen(1883, '127.0.0.1')
