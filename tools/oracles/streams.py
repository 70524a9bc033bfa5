# streams.py: puts control packets into TCP connections of a capture, and knows in which frame each of them ends.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames are made by benchtraffic.py. A packet is shown in the frame that brings its last byte."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import benchtraffic

LARGEST_SEGMENT = 65_000
START_S = 1_700_000_000


class Capture:
    """A pcap file in the making; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = 0
        self.clients: dict[int, benchtraffic.Client] = {}
        self._out: IO[bytes]

    def __enter__(self) -> Capture:
        self._out = self.path.open("wb", buffering=1 << 20)
        self._out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()
        self.path.chmod(0o644)

    def _put(self, frame: bytes) -> None:
        self.frames += 1
        seconds, microseconds = divmod(self.frames * 20, 1_000_000)
        self._out.write(struct.pack("<IIII", START_S + seconds, microseconds, len(frame), len(frame)) + frame)

    def send(self, connection: int, to_server: bool, data: bytes) -> int:
        """Adds a segment, behind the handshake of a new connection; returns the number of its frame."""
        client = self.clients.get(connection)
        if client is None:
            client = self.clients[connection] = benchtraffic.Client(connection)
            client.sent = [0, 0]
            for direction, flags in ((True, 0x02), (False, 0x12)):
                self._put(next(benchtraffic.frames(client, direction, b"", flags)))
                client.sent[direction] = 1
        for frame in benchtraffic.frames(client, to_server, data, 0x18, LARGEST_SEGMENT):
            self._put(frame)
        return self.frames


@dataclass
class Sent:
    """A packet on its way."""

    connection: int
    to_server: bool
    data: bytes
    frame: int = 0


Segment = tuple[bytes, list[Sent]]
"""The bytes, and the packets that end with them or in them."""


def _cut(packets: list[Sent], chance: random.Random) -> list[Segment]:
    """Packets of one direction in a run as one segment, or cut anywhere into several."""
    data = b"".join(packet.data for packet in packets)
    cuts = {len(data)} | set(range(LARGEST_SEGMENT, len(data), LARGEST_SEGMENT))
    if chance.random() < 0.15 and len(data) > 1:
        cuts |= {chance.randrange(1, len(data)) for _ in range(chance.randrange(1, 4))}
    segments, start, end, left = [], 0, 0, list(packets)
    for cut in sorted(cuts):
        ended = []
        while left and end + len(left[0].data) <= cut:
            end += len(left[0].data)
            ended.append(left.pop(0))
        segments.append((data[start:cut], ended))
        start = cut
    return segments


def _segments(packets: list[Sent], chance: random.Random) -> list[tuple[bool, Segment]]:
    """All packets of one connection as segments: several packets of a direction may share one."""
    out: list[tuple[bool, Segment]] = []
    while packets:
        most = chance.choice((1, 1, 2, 5, 20))
        count = 1
        while count < min(most, len(packets)) and packets[count].to_server == packets[0].to_server:
            count += 1
        out += [(packets[0].to_server, segment) for segment in _cut(packets[:count], chance)]
        packets = packets[count:]
    return out


def write_connections(path: Path, packets: list[Sent], chance: random.Random) -> None:
    """Writes packets, which stand in the order of their connections, and tells each its frame. A few connections are
    open at a time, and their segments mixed."""
    waiting: dict[int, list[Sent]] = {}
    for packet in packets:
        waiting.setdefault(packet.connection, []).append(packet)
    queue = [(number, _segments(each, chance)) for number, each in waiting.items()]
    queue.reverse()
    alive: list[tuple[int, list[tuple[bool, Segment]]]] = []
    with Capture(path) as capture:
        while queue or alive:
            while queue and len(alive) < 8:
                alive.append(queue.pop())
            at = chance.randrange(len(alive))
            number, segments = alive[at]
            to_server, (data, ended) = segments.pop(0)
            frame = capture.send(number, to_server, data)
            for packet in ended:
                packet.frame = frame
            if not segments:
                alive.pop(at)
