# spreadfile.py: reads a capture record by record and says which frames belong together, with nothing dissected.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Part of tools/spread. Reads pcap and pcapng as a stream, in blocks of some megabytes; looks at no more of a frame
than its addresses and ports.

    Capture      every record of a capture, and the buffer that holds it
    Classifier   whose frame it is: the key that all frames of a connection share, in both directions
"""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

BLOCK = 16 << 20
"""Bytes read at once."""
SAMPLE = 4 << 20
"""Bytes that are looked at before the parts are begun."""
LARGEST_RECORD = 256 << 20
"""A record that says it is larger is broken."""
REMEMBERED = 1 << 16
"""Fragmented datagrams whose first fragment is remembered."""

ETHERNET, NULL, LOOP, IPV4, IPV6, COOKED, COOKED_2 = 1, 0, 108, 228, 229, 113, 276
RAW_IP = frozenset({12, 14, 101, IPV4, IPV6})
VLAN_TYPES = frozenset({0x8100, 0x88A8, 0x9100})
BROKER_PORTS = frozenset({1883, 8883})
TCP, UDP, VXLAN_PORT = 6, 17, 4789


class BadCapture(Exception):
    """The input is no capture, or one that cannot be split."""


Record = tuple[bytes, int, int, int, int, int]
"""(data, start, end, at, stop, link): the record is data[start:end], the frame in it data[at:stop]. `link` is the
frame's link type, or one of the following. A plain tuple, since there are millions."""
FRAME_WITHOUT_LINK, NOT_A_FRAME, SECTION_HEADER = -1, -2, -3


# ---- Records ---------------------------------------------------------------------------------

class Capture:
    """A capture that is read once, from beginning to end."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.cut = False
        """The capture ends within a record."""
        self.data = stream.read(BLOCK)
        """What was read first; a sample may be taken of it before records() is asked for the rest."""
        magic = self.data[:4]
        if magic == b"\x0a\x0d\x0d\x0a":
            self.suffix, self.header = ".pcapng", b""
            self.sections: _Sections | None = _Sections()
        elif magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
            if len(self.data) < 24:
                raise BadCapture("the file ends in its header")
            self.suffix, self.header, self.sections = ".pcap", self.data[:24], None
            self.order = "<" if magic[0] in (0xD4, 0x4D) else ">"
            self.link = struct.unpack_from(self.order + "I", self.data, 20)[0] & 0x03FFFFFF
        elif magic[:2] == b"\x1f\x8b" or magic == b"\x28\xb5\x2f\xfd":
            raise BadCapture("the capture is compressed: pipe it, as in zcat FILE | tools/spread split -o FOLDER -")
        else:
            raise BadCapture("neither pcap nor pcapng")

    def _in_block(self, data: bytes, position: int, sections: _Sections | None) -> Iterator[Record]:
        """The records that lie in `data` as a whole, from `position` on."""
        return sections.records(data, position) if sections is not None else self._frames(data, position)

    def sample(self) -> Iterator[Record]:
        """The first records, which stay to be read."""
        for record in self._in_block(self.data, len(self.header), _Sections() if self.sections else None):
            if record[1] >= SAMPLE:
                return
            yield record

    def records(self) -> Iterator[Record]:
        """All records."""
        data, position = self.data, len(self.header)
        self.data = b""
        while True:
            end = position
            for record in self._in_block(data, position, self.sections):
                yield record
                end = record[2]
            more = self.stream.read(BLOCK)
            if not more:
                self.cut = end < len(data)
                return
            data, position = data[end:] + more, 0

    def _frames(self, data: bytes, position: int) -> Iterator[Record]:
        """Records of pcap."""
        lengths = struct.Struct(self.order + "8xI4x").unpack_from
        link, size = self.link, len(data)
        while position + 16 <= size:
            captured, = lengths(data, position)
            end = position + 16 + captured
            if end > size:
                if captured > LARGEST_RECORD:
                    raise BadCapture(f"a record says that it has {captured} bytes")
                return
            yield data, position, end, position + 16, end, link
            position = end


class _Sections:
    """Blocks of pcapng, and the link types of the section that is being read."""

    ENHANCED, SIMPLE, OLD, INTERFACE, SECTION = 6, 3, 2, 1, 0x0A0D0D0A
    # Wireshark shows these as frames too: systemd's journal, and system calls recorded by Sysdig and Falco.
    OTHER_FRAMES = frozenset({9, 0x204, 0x208, 0x216, 0x221, 0x222, 0x223})

    def __init__(self) -> None:
        self.order = "<"
        self.links: list[int] = []

    def records(self, data: bytes, position: int) -> Iterator[Record]:
        size = len(data)
        while position + 12 <= size:
            if data[position:position + 4] == b"\x0a\x0d\x0d\x0a":
                self._begin(data[position + 8:position + 12])
            kind, length = struct.unpack_from(self.order + "II", data, position)
            if length < 12 or length % 4 or length > LARGEST_RECORD:
                raise BadCapture(f"a block says that it has {length} bytes")
            end = position + length
            if end > size:
                return
            yield self._record(data, position, end, kind)
            position = end

    def _begin(self, magic: bytes) -> None:
        if magic not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
            raise BadCapture("a section of pcapng with an unknown byte order")
        self.order = "<" if magic[0] == 0x4D else ">"
        self.links = []

    def _record(self, data: bytes, start: int, end: int, kind: int) -> Record:
        link = NOT_A_FRAME
        at = stop = end
        if kind in (self.ENHANCED, self.OLD) and end - start >= 32:
            interface, captured = struct.unpack_from(self.order + ("I8xI" if kind == self.ENHANCED else "H10xI"),
                                                     data, start + 8)
            at = start + 28
            stop = min(at + captured, end - 4)
            link = self.links[interface] if interface < len(self.links) else FRAME_WITHOUT_LINK
        elif kind == self.SIMPLE and end - start >= 16:
            at = start + 12
            stop = min(at + struct.unpack_from(self.order + "I", data, start + 8)[0], end - 4)
            link = self.links[0] if self.links else FRAME_WITHOUT_LINK
        elif kind == self.INTERFACE and end - start >= 20:
            self.links.append(struct.unpack_from(self.order + "H", data, start + 8)[0])
        elif kind == self.SECTION:
            link = SECTION_HEADER
        elif kind in self.OTHER_FRAMES:
            link = FRAME_WITHOUT_LINK
        return data, start, end, at, stop, link


# ---- Whose frame -----------------------------------------------------------------------------

class Ends(NamedTuple):
    """What a frame's headers say."""

    source: bytes
    target: bytes
    ports: bytes
    """Both ports, four bytes; empty where there are none."""
    datagram: bytes = b""
    """Names the datagram that this is a fragment of; empty for a whole one."""


class Classifier:
    """Says for each frame the key that it shares with the frames it belongs to."""

    EVERYWHERE = b"*"
    """The key of a fragment whose first one was not seen: it may belong to any."""
    NOWHERE = b""
    """The key of what is not IP."""

    def __init__(self, by: str, ports: frozenset[int] = BROKER_PORTS) -> None:
        self.by = by
        self.ports = ports
        self.fragments: OrderedDict[bytes, bytes] = OrderedDict()

    def key(self, data: bytes, at: int, stop: int, link: int) -> bytes:
        """The key of the frame data[at:stop]."""
        ends = read_ends(data, at, stop, link)
        if ends is None:
            return self.NOWHERE
        if self.by == "hosts" or not (ends.ports or ends.datagram):
            return min(ends.source, ends.target) + max(ends.source, ends.target)
        if not ends.datagram:
            return self._key_of(ends)
        if ends.ports:
            key = self.fragments[ends.datagram] = self._key_of(ends)
            if len(self.fragments) > REMEMBERED:
                self.fragments.popitem(last=False)
            return key
        return self.fragments.get(ends.datagram, self.EVERYWHERE)

    def _key_of(self, ends: Ends) -> bytes:
        one, other = ends.source + ends.ports[:2], ends.target + ends.ports[2:]
        if self.by == "connection":
            return min(one, other) + max(one, other)
        port, other_port = struct.unpack(">HH", ends.ports)
        if (port in self.ports) != (other_port in self.ports):
            return one if port in self.ports else other
        if port != other_port:
            return one if port < other_port else other
        return min(one, other)


def part_of(key: bytes, parts: int) -> int:
    """The part that a key falls to; the same in every run and on every machine."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") % parts


def read_ends(data: bytes, at: int, stop: int, link: int) -> Ends | None:
    """Addresses and ports of a frame; None where it is not IP or is cut before its addresses."""
    try:
        if link == ETHERNET:
            return _ethernet(data, at, stop, 0)
        if link in RAW_IP:
            return _ip(data, at, stop, 0)
        if link in (NULL, LOOP):
            return _ip(data, at + 4, stop, 0)
        if link == COOKED:
            return _typed(data, at + 16, stop, int.from_bytes(data[at + 14:at + 16], "big"), 0)
        if link == COOKED_2:
            return _typed(data, at + 20, stop, int.from_bytes(data[at:at + 2], "big"), 0)
    except IndexError:
        # Only at the end of the buffer; a frame that is cut elsewhere is found by its own end.
        return None
    return None


def _ethernet(data: bytes, at: int, stop: int, depth: int) -> Ends | None:
    return _typed(data, at + 14, stop, int.from_bytes(data[at + 12:at + 14], "big"), depth)


def _typed(data: bytes, at: int, stop: int, kind: int, depth: int) -> Ends | None:
    """What an EtherType announces: IP, or IP behind tags and labels."""
    for _ in range(8):
        if at >= stop:
            return None
        if kind in (0x0800, 0x86DD):
            return _ip(data, at, stop, depth)
        if kind in VLAN_TYPES:
            kind, at = int.from_bytes(data[at + 2:at + 4], "big"), at + 4
        elif kind in (0x8847, 0x8848):  # MPLS: labels up to the one marked as the last
            last, at = data[at + 2] & 1, at + 4
            if last:
                return _ip(data, at, stop, depth)
        elif kind == 0x8864:  # PPPoE
            protocol, at = int.from_bytes(data[at + 6:at + 8], "big"), at + 8
            kind = {0x0021: 0x0800, 0x0057: 0x86DD}.get(protocol, 0)
        else:
            return None
    return None


def _ip(data: bytes, at: int, stop: int, depth: int) -> Ends | None:
    if at >= stop or depth > 4:
        return None
    version = data[at] >> 4
    if version == 4 and at + 20 <= stop:
        return _ipv4(data, at, stop, depth)
    if version == 6 and at + 40 <= stop:
        return _ipv6(data, at, stop, depth)
    return None


def _ipv4(data: bytes, at: int, stop: int, depth: int) -> Ends | None:
    source, target = data[at + 12:at + 16], data[at + 16:at + 20]
    fragment = int.from_bytes(data[at + 6:at + 8], "big") & 0x3FFF
    datagram = source + target + data[at + 9:at + 10] + data[at + 4:at + 6] if fragment else b""
    if fragment & 0x1FFF:
        return Ends(source, target, b"", datagram)
    return _transport(data, at + (data[at] & 15) * 4, stop, data[at + 9], Ends(source, target, b"", datagram), depth)


def _ipv6(data: bytes, at: int, stop: int, depth: int) -> Ends | None:
    source, target, following = data[at + 8:at + 24], data[at + 24:at + 40], data[at + 6]
    ends = Ends(source, target, b"")
    at += 40
    for _ in range(16):
        if at + 8 > stop:
            return ends
        if following in (0, 43, 60, 135, 139, 140):
            following, at = data[at], at + (data[at + 1] + 1) * 8
        elif following == 51:
            following, at = data[at], at + (data[at + 1] + 2) * 4
        elif following == 44:
            fragment = int.from_bytes(data[at + 2:at + 4], "big")
            if fragment & 0xFFF9:  # an atomic fragment is a whole datagram
                ends = ends._replace(datagram=source + target + data[at + 4:at + 8])
            if fragment & 0xFFF8:
                return ends
            following, at = data[at], at + 8
        else:
            return _transport(data, at, stop, following, ends, depth)
    return ends


def _transport(data: bytes, at: int, stop: int, protocol: int, ends: Ends, depth: int) -> Ends | None:
    """The ports of TCP and UDP; of what travels in a tunnel, the ends inside."""
    inside: Ends | None = None
    if protocol in (TCP, UDP):
        if at + 4 > stop:
            return ends
        ports = data[at:at + 4]
        if protocol == UDP and int.from_bytes(ports[2:], "big") == VXLAN_PORT and not ends.datagram:
            inside = _ethernet(data, at + 16, stop, depth + 1)
        return inside or ends._replace(ports=ports)
    if ends.datagram:
        return ends
    if protocol in (4, 41):
        inside = _ip(data, at, stop, depth + 1)
    elif protocol == 47 and at + 4 <= stop:
        inside = _gre(data, at, stop, depth + 1)
    return inside or ends


def _gre(data: bytes, at: int, stop: int, depth: int) -> Ends | None:
    flags, kind = struct.unpack_from(">HH", data, at)
    if flags & 0x7:
        return None
    inner = at + 4 + 4 * (bool(flags & 0x8000) + bool(flags & 0x2000) + bool(flags & 0x1000))
    if kind == 0x88BE:  # ERSPAN: a header of eight bytes where there is a sequence number, none otherwise
        return _ethernet(data, inner + (8 if flags & 0x1000 else 0), stop, depth)
    if kind == 0x6558:
        return _ethernet(data, inner, stop, depth)
    return _typed(data, inner, stop, kind, depth)
