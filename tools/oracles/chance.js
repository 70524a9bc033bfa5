// chance.js - random numbers, texts and bytes from a seed: the same seed gives the same ones.
// SPDX-License-Identifier: GPL-2.0-or-later

'use strict'

const { Buffer } = require('node:buffer')
const { createHash } = require('node:crypto')

const ASCII = 'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789_.,:;!?"%&()=*<>|@{}[]\\\'$~^`'
const LONGEST = 65535
// In UTF-16 units, which take no more than three bytes each.
const LONGEST_TOPIC = 20000
// Ranges of code points, from usual to odd; surrogates and U+0000 are what MQTT forbids.
const RANGES = [[0x20, 0x7e], [0xa0, 0x24f], [0x370, 0x5ff], [0x900, 0xdff], [0x3040, 0x9fff], [0xac00, 0xd7a3],
  [0x1f300, 0x1faff], [0x1, 0x1f], [0x7f, 0x9f], [0x1, 0xd7ff], [0xe000, 0xffff], [0x10000, 0x10ffff]]
const WHERE_LENGTHS_GROW = [127, 128, 255, 256, 16383, 16384]

class Chance {
  constructor (seed) {
    this.state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  }

  // 32 random bits: a Weyl sequence whose numbers are mixed.
  bits () {
    this.state = (this.state + 0x9e3779b9) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }

  // A number of a range, its ends included, and the ends more often than others.
  number (least, most) {
    const size = most - least + 1
    if (size > 1000 && this.bits() % 10 === 0) return this.coin() ? least : most
    return least + Math.floor(this.bits() / 0x100000000 * size)
  }

  coin () { return this.bits() >= 0x80000000 }

  // True once in so many times.
  one (times) { return this.bits() % times === 0 }

  pick (list) { return list[this.bits() % list.length] }

  shuffled (list) {
    const out = [...list]
    for (let at = out.length - 1; at > 0; at--) {
      const other = this.bits() % (at + 1);
      [out[at], out[other]] = [out[other], out[at]]
    }
    return out
  }

  varint () {
    return this.pick([1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, this.number(1, 268435455)])
  }

  // Most are short, some stand where a length needs another byte, few are as long as can be.
  length () {
    const kind = this.bits() % 1000
    if (kind < 800) return this.number(0, 20)
    if (kind < 960) return this.number(0, 150)
    if (kind < 990) return this.pick(WHERE_LENGTHS_GROW.slice(0, 4)) - this.number(0, 12)
    if (kind < 998) return this.number(0, 2000)
    return this.pick([16383, 16384, LONGEST - 1, LONGEST])
  }

  bytes (length = this.length()) {
    const out = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; at++) out[at] = this.bits() >>> 24
    return out
  }

  // A text of so many bytes in UTF-8.
  textOf (least, most) { return this.textOfBytes(this.number(least, most)) }

  text () { return this.textOfBytes(this.length()) }

  textOfBytes (length) {
    let out = ''
    let left = length
    if (length > 3000 || this.coin()) {
      const start = this.bits() % ASCII.length
      return ASCII.repeat(Math.ceil((start + length) / ASCII.length)).slice(start, start + length)
    }
    while (left > 0) {
      const [least, most] = this.pick(RANGES)
      let character = String.fromCodePoint(this.number(least, most))
      if (Buffer.byteLength(character) > left) character = 'x'
      out += character
      left -= Buffer.byteLength(character)
    }
    return out
  }

  // A Topic Name: no wildcards, at least one character.
  topic () {
    const levels = Array.from({ length: this.number(1, 5) }, () => this.text().replace(/[+#]/g, '-'))
    // The cut must not leave half of a surrogate pair.
    return levels.join('/').slice(0, LONGEST_TOPIC).replace(/[\ud800-\udbff]$/, '') || 'a'
  }

  filter () {
    const level = () => this.one(4) ? '+' : this.text().replace(/[+#/]/g, '-')
    const levels = Array.from({ length: this.number(1, 5) }, level)
    if (this.one(4)) levels.push('#')
    if (this.one(8)) levels.unshift('$share', 'group')
    const filter = levels.join('/')
    return filter && filter.length < LONGEST_TOPIC ? filter : '#'
  }

  payload () {
    const kind = this.bits() % 10000
    if (kind === 0) return this.bytes(this.pick([2097151, 2097152]))
    if (kind < 20) return this.bytes(this.number(65536, 200000))
    if (kind < 80) return this.bytes(this.pick(WHERE_LENGTHS_GROW) - this.number(0, 30))
    if (kind < 1000) return JSON.stringify({ value: this.number(0, 1000), unit: this.text() })
    return this.coin() ? this.bytes() : this.text()
  }
}

module.exports = { Chance }
