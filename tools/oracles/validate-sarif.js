#!/usr/bin/env node
// validate-sarif.js - says what in files is no SARIF 2.1.0, by the standard's schema, which npm's @microsoft/jest-sarif brings.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: NODE_PATH=FOLDER/node_modules node validate-sarif.js FILE...
//
// Prints a line for each complaint, and ends with status 1 if there is any.

'use strict'

const { readFileSync } = require('node:fs')
const Ajv = require('ajv')
const schema = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json')

const ajv = new Ajv({ schemaId: 'auto', allErrors: true })
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-06.json'))
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'))
const validate = ajv.compile(schema)

for (const path of process.argv.slice(2)) {
  if (validate(JSON.parse(readFileSync(path, 'utf8')))) continue
  process.exitCode = 1
  for (const each of validate.errors) console.log(`${path}${each.dataPath}: ${each.message}`)
}
