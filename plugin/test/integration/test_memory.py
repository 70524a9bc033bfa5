# test_memory.py: what is kept of a file stays within the user's limit, whatever the file does.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each shape would take several times the limit. Its peak of memory is compared with that of the same file with the plugin's
protocol disabled: the difference is at most a quarter above the limit and the allowance for each packet. Where the
limit is reached an expert item says so."""

from __future__ import annotations

import struct
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402
from hostile import UPGRADE_REQUEST, UPGRADE_RESPONSE  # noqa: E402
from benchtraffic import Client, Segment, connack, connect, packet, publish, text, write_segments  # noqa: E402

LIMIT_MIB = 16
ALLOWANCE = 64 + 32
"""Bytes for each control packet, beside the limit: for links and times, and for the journeys of messages."""
MEMORY_LIMIT_MIB = 3000
"""Address space of a run."""
SEGMENT = 1448
LONG_SEGMENT = 30_000


def _open(client: Client, properties: bytes = b"") -> Iterator[Segment]:
    yield client, True, connect(5, f"hostile-{client.number}", properties)
    yield client, False, connack(5)


def _identifier(number: int) -> bytes:
    return struct.pack(">H", number % 65535 + 1)


def _batches(client: Client, towards: bool, packets: Iterator[bytes], size: int = SEGMENT) -> Iterator[Segment]:
    """Packets in segments of about so many bytes."""
    batch = b""
    for each in packets:
        if len(batch) + len(each) > size and batch:
            yield client, towards, batch
            batch = b""
        batch += each
    yield client, towards, batch


def identifiers_in_flight() -> Iterator[Segment]:
    """PUBLISHes of QoS 1 under all identifiers of several connections, of which none is acknowledged."""
    for number in range(5):
        client = Client(number)
        yield from _open(client)
        yield from _batches(client, True, (publish(5, "a", b"x", 1, each + 1) for each in range(65535)))


def identifiers_reused() -> Iterator[Segment]:
    """Packets that fit nothing under all identifiers: each leaves something to remember of its identifier."""
    for number in range(3):
        client = Client(number)
        yield from _open(client)
        for first in (0x62, 0x50):
            yield from _batches(client, first == 0x62, (packet(first, _identifier(each)) for each in range(65535)))


def sessions_in_flight() -> Iterator[Segment]:
    """A Client that comes back without its session, with much in flight each time."""
    for number in range(30):
        client = Client(number)
        yield client, True, connect(5, "one")
        yield client, False, connack(5)
        yield from _batches(client, True, (publish(5, "a", b"x", 1, each + 1) for each in range(5000)))
        yield client, True, packet(0xE0, b"")


def aliases() -> Iterator[Segment]:
    """Topic Aliases of long topics, each of them used."""
    client = Client(0)
    yield from _open(client, b"\x22\xff\xff")
    def packets() -> Iterator[bytes]:
        for number in range(40_000):
            alias = b"\x23" + _identifier(number)
            yield publish(5, f"{number}/" + "t" * 700, b"x", properties=alias)
            yield publish(5, "", b"x", properties=alias)
    yield from _batches(client, True, packets(), LONG_SEGMENT)


def connect_properties() -> Iterator[Segment]:
    """CONNECTs with ever other Client Identifiers and limits."""
    client = Client(0)
    def packets() -> Iterator[bytes]:
        for number in range(40_000):
            properties = b"\x15" + text("method") + b"\x21" + _identifier(number)
            yield connect(5, f"{number}" + "c" * 300, properties)
    yield from _batches(client, True, packets(), LONG_SEGMENT)


def connacks() -> Iterator[Segment]:
    """CONNACKs with ever other limits: what is known of the connection changes with each."""
    client = Client(0)
    yield from _open(client)
    yield from _batches(client, False, (connack(5, b"\x21" + _identifier(each) + b"\x13" + _identifier(each))
                                        for each in range(250_000)))


def subscribe_filters() -> Iterator[Segment]:
    """SUBSCRIBEs of many filters, all of them granted."""
    for number in range(20):
        client = Client(number)
        yield from _open(client)
        def packets(number: int = number) -> Iterator[bytes]:
            for each in range(200):
                filters = b"".join(text(f"{number}/{each}/{one}") + b"\1" for one in range(100))
                yield packet(0x82, _identifier(each) + b"\0" + filters)
        yield from _batches(client, True, packets(), LONG_SEGMENT)
        yield from _batches(client, False, (packet(0x90, _identifier(each) + b"\0" + b"\1" * 100) for each in range(200)))


def subscribe_again() -> Iterator[Segment]:
    """SUBSCRIBEs that take the identifier of one that was never answered."""
    client = Client(0)
    yield from _open(client)
    yield from _batches(client, True, (packet(0x82, b"\0\1\0" + text(f"{each}/" + "f" * 200) + b"\1")
                                       for each in range(150_000)), LONG_SEGMENT)


def wills() -> Iterator[Segment]:
    """CONNECTs with ever other Wills."""
    client = Client(0)
    def packets() -> Iterator[bytes]:
        for number in range(150_000):
            will = b"\0" + text(f"will/{number}") + text(f"payload {number}")
            yield packet(0x10, text("MQTT") + b"\x05\x06\x00\x3c\x00" + text(f"hostile-{number}") + will)
    yield from _batches(client, True, packets(), LONG_SEGMENT)


def auth() -> Iterator[Segment]:
    """Enhanced authentication that never ends."""
    client = Client(0)
    yield from _open(client, b"\x15" + text("method"))
    body = b"\x18\x09\x15" + text("method")
    yield from _batches(client, True, (packet(0xF0, body) for _ in range(100_000)), LONG_SEGMENT)
    yield from _batches(client, False, (packet(0xF0, body) for _ in range(100_000)), LONG_SEGMENT)


def _frame(payload: bytes, masked: bool) -> bytes:
    """A WebSocket frame."""
    mask = 0x80 if masked else 0
    length = bytes([mask | len(payload)]) if len(payload) < 126 else bytes([mask | 126]) + struct.pack(">H", len(payload))
    return b"\x82" + length + (b"\0\0\0\0" if masked else b"") + payload


def websocket_fragments() -> Iterator[Segment]:
    """Packets that span WebSocket messages: many of them, and one of which each message has two bytes."""
    client = Client(0)
    yield client, True, UPGRADE_REQUEST.format(host="10.0.0.1", protocol="mqtt").encode()
    yield client, False, UPGRADE_RESPONSE.format(choice="Sec-WebSocket-Protocol: mqtt\r\n").encode()
    yield client, True, _frame(connect(5, "hostile"), True)
    yield client, False, _frame(connack(5), False)
    stream = publish(5, "a/b", b"x" * 30_000)
    yield from _batches(client, True, (_frame(stream[at:at + 2], True) for at in range(0, len(stream), 2)))
    for _ in range(200):
        stream = publish(5, "a/b", b"x" * 100_000)
        yield from _batches(client, True, (_frame(stream[at:at + 1000], True) for at in range(0, len(stream), 1000)))


@dataclass(frozen=True)
class Shape:
    """One kind of expensive traffic."""

    segments: Callable[[], Iterator[Segment]]
    packets: int
    """About how many control packets it has, or WebSocket messages."""
    is_limited: bool = True
    """It reaches the limit."""


SHAPES = (
    Shape(identifiers_in_flight, 5 * 65_535),
    Shape(identifiers_reused, 6 * 65_535),
    Shape(sessions_in_flight, 30 * 5000, is_limited=False),
    Shape(aliases, 80_000),
    Shape(connect_properties, 40_000),
    Shape(connacks, 250_000),
    Shape(subscribe_filters, 20 * 400),
    Shape(subscribe_again, 150_000),
    Shape(wills, 150_000),
    Shape(auth, 200_000, is_limited=False),
    Shape(websocket_fragments, 15_000 + 200 * 101),
)


class TestMemory(unittest.TestCase):
    """See the file's head."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "memory.pcap")

    def check_shape(self, shape: Shape) -> None:
        """The peak of a shape, and whether it says that the limit is reached."""
        write_segments(self.path, shape.segments(), LONG_SEGMENT)
        self.path.chmod(0o644)
        limit = ["-o", f"mqttscope.max_memory:{LIMIT_MIB}"]
        _, with_plugin = harness.tshark_costs(*limit, capture=self.path, memory_limit_mib=MEMORY_LIMIT_MIB)
        _, without = harness.tshark_costs("--disable-protocol", "mqttscope", capture=self.path,
                                          memory_limit_mib=MEMORY_LIMIT_MIB)
        allowed = 1.25 * LIMIT_MIB + shape.packets * ALLOWANCE / 2**20
        self.assertLessEqual(with_plugin - without, allowed, f"MiB of {shape.segments.__name__}")
        said = harness.tshark(*limit, "-Y", "mqttscope.limit_memory", "-T", "fields", "-e", "frame.number",
                              capture=self.path)
        self.assertEqual(said != "", shape.is_limited, "says that the limit is reached")


def _add_tests() -> None:
    for shape in SHAPES:
        def test(self: TestMemory, shape: Shape = shape) -> None:
            self.check_shape(shape)
        test.__name__ = f"test_{shape.segments.__name__}"
        test.__doc__ = shape.segments.__doc__
        setattr(TestMemory, test.__name__, test)


_add_tests()

if __name__ == "__main__":
    unittest.main()
