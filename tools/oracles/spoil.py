# spoil.py: damages one control packet in one place.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A byte is changed, put in, or taken out, or the packet ends early. Mostly the Remaining Length is put right again, so
that what is inside is damaged and not only the framing."""

from __future__ import annotations

import random

import benchtraffic


def split_fixed_header(packet: bytes) -> tuple[int, int] | None:
    """(Bytes of the fixed header, Remaining Length); None where the length does not end within four bytes."""
    value = 0
    for at in range(1, min(5, len(packet))):
        value |= (packet[at] & 0x7F) << 7 * (at - 1)
        if packet[at] < 0x80:
            return at + 1, value
    return None


def first_packet(data: bytes) -> bytes:
    """The bytes up to the end of the packet that they begin with: what follows is framed from garbage."""
    header = split_fixed_header(data)
    return data if header is None else data[:sum(header)]


def _damage(data: bytes, chance: random.Random) -> bytes:
    """Most damage is done near the beginning, where a packet has most of its fields."""
    at = chance.randrange(min(len(data), chance.choice((8, 24, 100, 100_000))))
    old = data[at]
    new = chance.choice((0, 1, old ^ 1 << chance.randrange(8), 0x7F, 0x80, 0xFF, chance.randrange(256)))
    kind = chance.randrange(4)
    if kind == 0:
        return data[:at] + bytes([new]) + data[at + 1:]
    if kind == 1:
        return data[:at] + bytes([new]) + data[at:]
    if kind == 2:
        return data[:at] + data[at + 1:]
    return data[:at]


def spoil(packet: bytes, chance: random.Random) -> bytes:
    """The damaged packet, or its beginning if its Remaining Length says more."""
    header = split_fixed_header(packet)
    if header is None or header[1] == 0 or chance.random() < 0.25:
        return first_packet(_damage(packet, chance)) or packet[:1]
    body = _damage(packet[header[0]:], chance)
    first = packet[0] if chance.random() < 0.95 else chance.randrange(256)
    return benchtraffic.packet(first, body)
