# test_spread_frames.py: which frames tools/spread keeps together.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames are made here, in every wrapping that is known, and no Wireshark is asked."""

from __future__ import annotations

import random
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import spreadfile  # noqa: E402
from spreadfile import Classifier  # noqa: E402


def ethernet(kind: int, payload: bytes) -> bytes:
    return bytes(12) + struct.pack(">H", kind) + payload


def ipv4(payload: bytes, protocol: int, ends: tuple[int, int], fragment: int = 0, options: bytes = b"") -> bytes:
    return struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 7, fragment, 64,
                       protocol, 0) + bytes((10, 0, 0, ends[0], 10, 0, 0, ends[1])) + options + payload


def ipv6(payload: bytes, following: int, ends: tuple[int, int]) -> bytes:
    addresses = b"".join(bytes(15) + bytes((end,)) for end in ends)
    return struct.pack(">IHBB", 6 << 28, len(payload), following, 64) + addresses + payload


class TestClassifier(unittest.TestCase):
    """Whose frame it is."""

    PORTS = ((1, 40000), (2, 1883))

    def tcp(self, turned: bool) -> tuple[bytes, tuple[int, int]]:
        (one, port), (other, other_port) = self.PORTS[::-1] if turned else self.PORTS
        return struct.pack(">HH", port, other_port) + bytes(16), (one, other)

    def forms(self, turned: bool) -> dict[str, tuple[int, bytes]]:
        """One segment in every wrapping that is known: (link type, frame)."""
        segment, ends = self.tcp(turned)
        packet, packet_6 = ipv4(segment, 6, ends), ipv6(segment, 6, ends)
        outer = (9, 8) if turned else (8, 9)
        vxlan = struct.pack(">HHHH", 55555 if turned else 44444, 4789, 0, 0) + bytes(8) + ethernet(0x0800, packet)
        extended = bytes((60, 0)) + bytes(6) + bytes((51, 0)) + bytes(6) + bytes((6, 1)) + bytes(10) + segment
        return {
            "Ethernet": (1, ethernet(0x0800, packet)),
            "options": (1, ethernet(0x0800, ipv4(segment, 6, ends, 0, bytes(8)))),
            "VLAN": (1, ethernet(0x8100, struct.pack(">HH", 5, 0x0800) + packet)),
            "QinQ": (1, ethernet(0x88A8, struct.pack(">HHHH", 5, 0x8100, 6, 0x0800) + packet)),
            "MPLS": (1, ethernet(0x8847, bytes.fromhex("0001f040 0001f140") + packet)),
            "PPPoE": (1, ethernet(0x8864, bytes.fromhex("110000010000 0021") + packet)),
            "null": (0, struct.pack("<I", 2) + packet), "loop": (108, struct.pack(">I", 2) + packet),
            "raw": (101, packet), "raw IPv4": (228, packet), "cooked": (113, bytes(14) + b"\x08\x00" + packet),
            "cooked 2": (276, b"\x08\x00" + bytes(18) + packet),
            "IP in IP": (101, ipv4(packet, 4, outer)), "IPv4 in IPv6": (101, ipv6(packet, 4, outer)),
            "GRE": (101, ipv4(b"\x20\x00\x08\x00" + bytes(4) + packet, 47, outer)),
            "ERSPAN": (101, ipv4(b"\x10\x00\x88\xbe" + bytes(12) + ethernet(0x0800, packet), 47, outer)),
            "VXLAN": (1, ethernet(0x0800, ipv4(vxlan, 17, outer))),
            "IPv6": (1, ethernet(0x86DD, packet_6)), "extensions": (229, ipv6(extended, 0, ends)),
        }

    def test_wrappings(self) -> None:
        """The key is the same in both directions, and what it should be, whatever the segment travels in."""
        for name, (link, frame) in self.forms(False).items():
            link_back, back = self.forms(True)[name]
            six = name in ("IPv6", "extensions")
            client, broker = (bytes(15) + b"\1", bytes(15) + b"\2") if six else (b"\x0a\0\0\1", b"\x0a\0\0\2")
            expected = {"hosts": client + broker, "broker": broker + b"\x07\x5b",
                        "connection": client + b"\x9c\x40" + broker + b"\x07\x5b"}
            for by, key in expected.items():
                with self.subTest(name, by=by):
                    # Bytes before and behind are not the frame's.
                    among = b"\xff" * 5 + frame + b"\xff" * 99
                    self.assertEqual(Classifier(by).key(among, 5, 5 + len(frame), link), key)
                    self.assertEqual(Classifier(by).key(back, 0, len(back), link_back), key)

    def test_broker(self) -> None:
        """A known port, else the lower one."""
        for ports, named, expected in (((1883, 80), (), b"\1"), ((80, 1883), (), b"\2"), ((21883, 9000), (), b"\2"),
                                       ((21883, 9000), (21883,), b"\1"), ((1883, 8883), (), b"\1"),
                                       ((7, 7), (), b"\1")):
            frame = ipv4(struct.pack(">HH", *ports) + bytes(16), 6, (1, 2))
            key = Classifier("broker", spreadfile.BROKER_PORTS | set(named)).key(frame, 0, len(frame), 101)
            self.assertEqual(key[3:4], expected, ports)

    def test_fragments(self) -> None:
        """They follow their first; one whose first was not seen goes everywhere, but not where hosts decide."""
        segment, ends = self.tcp(False)
        first, later = (ethernet(0x0800, ipv4(segment, 6, ends, place)) for place in (0x2000, 0x0003))
        for by in ("broker", "connection", "hosts"):
            classifier = Classifier(by)
            whole = classifier.key(first, 0, len(first), 1)
            alone = Classifier(by).key(later, 0, len(later), 1)
            self.assertEqual(classifier.key(later, 0, len(later), 1), whole)
            self.assertEqual(alone, whole if by == "hosts" else Classifier.EVERYWHERE)
        head = bytes((6, 0))
        first, later = (ipv6(head + place + b"\0\0\0\7" + segment, 44, ends) for place in (b"\0\1", b"\0\x10"))
        classifier = Classifier("connection")
        whole = classifier.key(first, 0, len(first), 229)
        self.assertEqual(len(whole), 36)
        self.assertEqual(classifier.key(later, 0, len(later), 229), whole)
        for number in range(spreadfile.REMEMBERED + 100):
            frame = first[:44] + struct.pack(">I", 1000 + number) + first[48:]
            classifier.key(frame, 0, len(frame), 229)
        self.assertEqual(len(classifier.fragments), spreadfile.REMEMBERED)

    def test_broken_frames(self) -> None:
        """Cut anywhere, or with bytes changed, a frame is still put somewhere."""
        chance = random.Random(3)
        for name, (link, frame) in self.forms(False).items():
            for by in ("broker", "hosts", "connection"):
                classifier = Classifier(by)
                for cut in range(len(frame)):
                    self.assertIsInstance(classifier.key(frame[:cut], 0, cut, link), bytes, name)
                for _ in range(300):
                    changed = bytearray(frame)
                    for _ in range(3):
                        changed[chance.randrange(len(frame))] = chance.randrange(256)
                    self.assertIsInstance(classifier.key(bytes(changed), 0, len(changed), link), bytes, name)
        self.assertEqual(Classifier("hosts").key(bytes(60), 0, 60, 147), Classifier.NOWHERE)


if __name__ == "__main__":
    unittest.main()
