# benchtraffic.py: makes the captures that tools/bench measures with, the same bytes each time.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Workloads of MQTT traffic as pcap files, written frame by frame so that millions of messages need no memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

START_S = 1_700_000_000
SEGMENT = 1448
"""Bytes of payload in a segment."""

Segment = tuple["Client", bool, bytes]
"""Who, towards the server or not, and what."""


def varint(number: int) -> bytes:
    """A Variable Byte Integer."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (128 if number else 0))
        if not number:
            return bytes(out)


def text(value: str) -> bytes:
    """A UTF-8 Encoded String."""
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def packet(first: int, body: bytes) -> bytes:
    """A control packet around its variable header and payload."""
    return bytes([first]) + varint(len(body)) + body


def connect(version: int, name: str, properties: bytes = b"") -> bytes:
    """A CONNECT with Clean Start and a Keep Alive of 60 seconds."""
    block = varint(len(properties)) + properties if version == 5 else b""
    return packet(0x10, text("MQTT") + bytes([version, 2, 0, 60]) + block + text(name))


def connack(version: int, properties: bytes = b"") -> bytes:
    """A CONNACK that accepts."""
    return packet(0x20, b"\x00\x00" + (varint(len(properties)) + properties if version == 5 else b""))


def publish(version: int, topic: str, payload: bytes, qos: int = 0, packet_id: int = 0, properties: bytes = b"") -> bytes:
    """A PUBLISH."""
    block = varint(len(properties)) + properties if version == 5 else b""
    return packet(0x30 | qos << 1, text(topic) + (struct.pack(">H", packet_id) if qos else b"") + block + payload)


@dataclass
class Client:
    """One TCP connection to the broker at 10.0.0.1:1883."""

    number: int
    sent: list[int] = field(default_factory=lambda: [1, 1])
    """Next sequence number: from the broker, from the client."""
    waiting: list[int] = field(default_factory=lambda: [0, 0])
    """Segments not acknowledged yet: from the broker, from the client."""

    def ends(self) -> tuple[bytes, int]:
        """Address and port: each connection has its own."""
        return struct.pack(">BBH", 10, 1 + self.number // 60000 // 256, self.number // 60000 % 256), 1024 + self.number % 60000


def qos0(messages: int) -> Iterator[Segment]:
    """One publisher, QoS 0."""
    client = Client(0)
    yield client, True, connect(4, "publisher-0")
    yield client, False, connack(4)
    for number in range(messages):
        yield client, True, publish(4, f"sensors/room-{number % 50}/temperature", b"21.%02d" % (number % 100))


def qos1v5(messages: int) -> Iterator[Segment]:
    """1,000 connections of MQTT 5.0, QoS 1, with properties and Topic Aliases; half the messages are acknowledgements."""
    clients = [Client(number) for number in range(1000)]
    for client in clients:
        yield client, True, connect(5, f"device-{client.number}", b"\x11\x00\x00\x00\x3c\x21\x00\x14")
        yield client, False, connack(5, b"\x22\x00\x0a\x21\x00\x64")
    for number in range(messages // 2):
        client, turn = clients[number % 1000], number // 1000
        topic = f"fleet/device-{client.number}/state/{turn % 5}" if turn < 5 else ""
        properties = b"\x23\x00" + bytes([turn % 5 + 1]) + b"\x26" + text("unit") + text("kelvin")
        identifier = turn % 65535 + 1
        yield client, True, publish(5, topic, b'{"value": %d}' % number, 1, identifier, properties)
        yield client, False, packet(0x40, struct.pack(">H", identifier))


def conns(messages: int) -> Iterator[Segment]:
    """Connections that connect, publish once and disconnect: four messages each."""
    for number in range(messages // 4):
        client = Client(number)
        yield client, True, connect(4, f"device-{number}")
        yield client, False, connack(4)
        yield client, True, publish(4, f"devices/{number}/hello", b"here I am")
        yield client, True, packet(0xE0, b"")


def batch(messages: int) -> Iterator[Segment]:
    """One publisher, twenty messages in a segment."""
    client = Client(0)
    yield client, True, connect(4, "publisher-0")
    yield client, False, connack(4)
    for number in range(0, messages, 20):
        yield client, True, b"".join(publish(4, f"sensors/room-{each % 50}/t", b"21.%02d" % (each % 100))
                                     for each in range(number, min(messages, number + 20)))


def mixed(messages: int) -> Iterator[Segment]:
    """100 connections of both versions, QoS 0, 1 and 2, both directions, pings."""
    clients = [(Client(number), 5 if number % 2 else 4) for number in range(100)]
    for client, version in clients:
        yield client, True, connect(version, f"node-{client.number}")
        yield client, False, connack(version)
        yield client, True, packet(0x82, b"\x00\x01" + (b"\x00" if version == 5 else b"") + text("all/#") + b"\x01")
        yield client, False, packet(0x90, b"\x00\x01" + (b"\x00" if version == 5 else b"") + b"\x01")
    made, turn = 400, 0
    while made < messages:
        client, version = clients[turn % 100]
        identifier = struct.pack(">H", turn // 100 % 65534 + 2)
        number = struct.unpack(">H", identifier)[0]
        for segment in ((True, publish(version, "all/zero", b"0" * 40)),
                        (False, publish(version, "all/one", b"1" * 40, 1, number)), (True, packet(0x40, identifier)),
                        (True, publish(version, "all/two", b"2" * 40, 2, number)), (False, packet(0x50, identifier)),
                        (True, packet(0x62, identifier)), (False, packet(0x70, identifier)),
                        (True, packet(0xC0, b"")), (False, packet(0xD0, b""))):
            yield client, *segment
        made, turn = made + 9, turn + 1


def large(messages: int) -> Iterator[Segment]:
    """Payloads of 1 MiB, one for each 2,000 messages of the other workloads."""
    client = Client(0)
    yield client, True, connect(4, "camera-0")
    yield client, False, connack(4)
    image = bytes(range(256)) * 4096
    for number in range(max(1, messages // 2000)):
        yield client, True, publish(4, f"cameras/{number % 4}/image", image)


def fanout(messages: int) -> Iterator[Segment]:
    """One publisher, 100 subscribers, QoS 0 and 1: each message is delivered 100 times; every other one is like the last."""
    publisher, *subscribers = [Client(number) for number in range(101)]
    yield publisher, True, connect(4, "publisher-0")
    yield publisher, False, connack(4)
    for each in subscribers:
        yield each, True, connect(4, f"subscriber-{each.number}")
        yield each, False, connack(4)
        yield each, True, packet(0x82, b"\x00\x01" + text("fan/#") + bytes([each.number % 2]))
        yield each, False, packet(0x90, b"\x00\x01" + bytes([each.number % 2]))
    made, turn = 402, 0
    while made < messages:
        payload = b"ON" if turn % 2 else b"turn %d" % turn
        qos, number = turn // 2 % 2, turn % 65534 + 2
        yield publisher, True, publish(4, f"fan/{turn % 50}", payload, qos, number)
        made += 1
        if qos:
            yield publisher, False, packet(0x40, struct.pack(">H", number))
            made += 1
        for each in subscribers:
            granted = min(qos, each.number % 2)
            yield each, False, publish(4, f"fan/{turn % 50}", payload, granted, number)
            made += 1
            if granted:
                yield each, True, packet(0x40, struct.pack(">H", number))
                made += 1
        turn += 1


WORKLOADS: dict[str, Callable[[int], Iterator[Segment]]] = {
    "qos0": qos0, "qos1v5": qos1v5, "conns": conns, "batch": batch, "mixed": mixed, "large": large, "fanout": fanout}


def frames(client: Client, to_server: bool, data: bytes, flags: int, segment: int = SEGMENT) -> Iterator[bytes]:
    """The Ethernet frames of one chunk of data; checksums are left out, Wireshark does not look at them."""
    host, port = client.ends()
    server = (b"\x0a\x00\x00\x01", 1883)
    mine = (host[:2] + host[2:4], port)
    source, target = (mine, server) if to_server else (server, mine)
    for at in range(0, max(1, len(data)), segment):
        part = data[at:at + segment]
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(part), 0, 0x4000, 64, 6, 0, source[0], target[0])
        tcp = struct.pack(">HHIIBBHHH", source[1], target[1], client.sent[to_server], client.sent[not to_server], 0x50,
                          flags, 0xFFFF, 0, 0)
        client.sent[to_server] += len(part)
        yield b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\x00" + header + tcp + part


def write(path: Path, workload: str, messages: int) -> None:
    """Writes a workload of about so many control packets."""
    write_segments(path, WORKLOADS[workload](messages))


def write_segments(path: Path, segments: Iterable[Segment], largest: int = SEGMENT) -> None:
    """Writes what the clients and their brokers send, each connection with its handshake; `largest` is in bytes."""
    with path.open("wb", buffering=1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        now_us, seen = 0, set()

        def put(frame: bytes) -> None:
            nonlocal now_us
            now_us += 20
            out.write(struct.pack("<IIII", START_S + now_us // 1_000_000, now_us % 1_000_000, len(frame), len(frame)))
            out.write(frame)

        for client, to_server, data in segments:
            if client.number not in seen:
                seen.add(client.number)
                client.sent = [0, 0]
                for direction, flags in ((True, 0x02), (False, 0x12)):
                    for frame in frames(client, direction, b"", flags):
                        put(frame)
                    client.sent[direction] = 1
            for frame in frames(client, to_server, data, 0x18, largest):
                put(frame)
                client.waiting[to_server] += 1
                client.waiting[not to_server] = 0
                if client.waiting[to_server] == 2:
                    client.waiting[to_server] = 0
                    put(next(frames(client, not to_server, b"", 0x10)))
