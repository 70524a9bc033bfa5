#!/usr/bin/env node
// aedes-broker.js - the aedes broker on a TCP port, for tools/record-captures.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: aedes-broker.js PORT
//
// The module is found through NODE_PATH.

const net = require('net')
const aedes = require('aedes')()

net.createServer(aedes.handle).listen(Number(process.argv[2]), '127.0.0.1')
