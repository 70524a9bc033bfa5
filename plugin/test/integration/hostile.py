# hostile.py: traffic that is made to be expensive.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each shape is a function of its size: twice the size is twice the work for a dissector that is linear."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from benchtraffic import SEGMENT, Client, Segment, connack, connect, packet, publish, text, varint  # noqa: E402
from casewire import UPGRADE_REQUEST, UPGRADE_RESPONSE  # noqa: E402

LONGEST = b"\xff\xff\xff\x7f"
"""The longest Remaining Length, 268,435,455."""


def _open(client: Client, version: int = 5) -> Iterator[Segment]:
    yield client, True, connect(version, f"hostile-{client.number}")
    yield client, False, connack(version)


def _identifier(number: int) -> bytes:
    return struct.pack(">H", number % 65535 + 1)


def announced(size: int) -> Iterator[Segment]:
    """A packet of 268,435,455 bytes is announced, and some of it sent. Wireshark's own reassembly is quadratic in it."""
    client = Client(0)
    yield from _open(client)
    yield client, True, b"\x30" + LONGEST + text("a/b") + b"\0"
    for _ in range(size):
        yield client, True, b"x" * 1000


def announced_often(size: int) -> Iterator[Segment]:
    """The same on many connections, of which nothing more comes."""
    for number in range(size):
        client = Client(number)
        yield from _open(client)
        yield client, True, b"\x30" + LONGEST + text("a/b") + b"\0"
        yield client, True, b"x"


def one_byte(size: int) -> Iterator[Segment]:
    """Small packets in segments of one byte."""
    client = Client(0)
    yield from _open(client)
    data = publish(5, "a/b", b"some payload") + packet(0xC0, b"")
    for at in range(size):
        yield client, True, data[at % len(data):at % len(data) + 1]


def one_byte_large(size: int) -> Iterator[Segment]:
    """One large packet in segments of one byte."""
    client = Client(0)
    yield from _open(client)
    data = publish(5, "a/b", b"x" * size)
    yield client, True, data[:5]
    for at in range(5, len(data)):
        yield client, True, data[at:at + 1]


def in_flight(size: int) -> Iterator[Segment]:
    """PUBLISHes that nobody acknowledges, from both ends."""
    client = Client(0)
    yield from _open(client)
    for number in range(size):
        yield client, number % 2 == 0, publish(5, "a/b", b"x", 1 + number % 4 // 2, number % 65535 + 1)


def requests(size: int) -> Iterator[Segment]:
    """SUBSCRIBEs under ever the same identifiers, never answered, each for another filter."""
    client = Client(0)
    yield from _open(client)
    for number in range(size):
        yield client, True, packet(0x82, _identifier(number % 100) + b"\0" + text(f"{number}/" + "f" * 1000) + b"\1")


def subscriptions(size: int) -> Iterator[Segment]:
    """A session with ever more subscriptions."""
    client = Client(0)
    yield from _open(client)
    for number in range(size):
        filters = b"".join(text(f"{number}/{each}") + b"\1" for each in range(10))
        yield client, True, packet(0x82, _identifier(number) + b"\0" + filters)
        yield client, False, packet(0x90, _identifier(number) + b"\0" + b"\1" * 10)


def aliases(size: int) -> Iterator[Segment]:
    """65,535 Topic Aliases with long topics, which are defined anew for ever, and each of them used."""
    client = Client(0)
    yield from _open(client)
    for number in range(size):
        alias = b"\x23" + _identifier(number)
        yield client, True, publish(5, f"{number}/" + "t" * 1000, b"x", properties=alias)
        yield client, True, publish(5, "", b"x", properties=alias)


def connections(size: int) -> Iterator[Segment]:
    """Connections with one packet each."""
    for number in range(size):
        yield Client(number), True, connect(5, f"hostile-{number}")


def same_name(size: int) -> Iterator[Segment]:
    """Connections with one Client Identifier, each of which takes the session of the one before with all in it over."""
    for number in range(size):
        client = Client(number)
        yield client, True, packet(0x10, text("MQTT") + b"\x05\x00\0\0" + b"\x05\x11\xff\xff\xff\xff" + text("one"))
        yield client, False, packet(0x20, b"\1\0\0" if number else b"\0\0\0")
        yield client, True, publish(5, "a/b", b"x", 2, number % 65535 + 1)


def connect_again(size: int) -> Iterator[Segment]:
    """CONNECTs on one connection, fifty in a segment, ever another Client Identifier."""
    client = Client(0)
    for number in range(size):
        yield client, True, b"".join(connect(5, f"{number}-{each}") for each in range(50))


def pings(size: int) -> Iterator[Segment]:
    """The smallest packets, 700 in a segment."""
    client = Client(0)
    yield from _open(client)
    for _ in range(size):
        yield client, True, packet(0xC0, b"") * 700


def user_properties(size: int) -> Iterator[Segment]:
    """One packet with so many user properties."""
    client = Client(0)
    yield from _open(client)
    yield client, True, publish(5, "a/b", b"x", properties=(b"\x26" + text("k") + text("v")) * size)


def filters(size: int) -> Iterator[Segment]:
    """One SUBSCRIBE of so many filters, and its answer."""
    client = Client(0)
    yield from _open(client)
    yield client, True, packet(0x82, b"\0\1\0" + b"".join(text(f"{each:x}") + b"\1" for each in range(size)))
    yield client, False, packet(0x90, b"\0\1\0" + b"\1" * size)


def fragments(size: int) -> Iterator[Segment]:
    """WebSocket messages in two fragments, which nearly seem to be a single one at every third place of their segment."""
    like = (b"\xfe" + struct.pack(">H", size)) * size
    message = bytes(like[7 + at % 3] ^ like[3 + at % 4] for at in range(size - 1)) + b"?"
    no_mask = b"\0\0\0\0"
    for number in range(80 if size > 1 else 1):
        client = Client(number)
        yield client, True, UPGRADE_REQUEST.format(host="10.0.0.1", protocol="mqtt").encode()
        yield client, False, UPGRADE_RESPONSE.format(choice="Sec-WebSocket-Protocol: mqtt\r\n").encode()
        yield client, True, b"".join((
            b"\x02\xff" + struct.pack(">Q", size - 1) + no_mask + message[:-1], b"\x80\x81" + no_mask + message[-1:],
            b"\x82\xff" + struct.pack(">Q", 3 * size) + no_mask + like[:2 * size]))


@dataclass(frozen=True)
class Shape:
    """One kind of expensive traffic."""

    segments: Callable[[int], Iterator[Segment]]
    size: int
    """What a test begins with."""
    large: int
    """What a long run goes up to."""
    segment: int = SEGMENT
    """Bytes of payload in a segment."""


SHAPES: dict[str, Shape] = {each.segments.__name__: each for each in (
    Shape(announced, 2000, 60_000),
    Shape(announced_often, 2000, 100_000),
    Shape(one_byte, 8000, 1_000_000),
    Shape(one_byte_large, 4000, 32_000),
    Shape(in_flight, 16_384, 2 * 65_535),
    Shape(requests, 4000, 100_000),
    Shape(subscriptions, 3000, 65_535),
    Shape(aliases, 4000, 3 * 65_535),
    Shape(connections, 4000, 100_000),
    Shape(same_name, 2000, 20_000),
    Shape(connect_again, 500, 4000),
    Shape(pings, 50, 2000),
    Shape(user_properties, 15_000, 60_000),
    Shape(filters, 15_000, 60_000),
    Shape(fragments, 5000, 20_000, segment=65_000),
)}
