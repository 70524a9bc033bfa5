# test_who.py: who is who and what answers what, on recorded captures, in every order, and when segments are missing.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Roles and links on traffic that real programs made.

The promise tested here: whatever is missing from a capture, no end of a connection is ever called what it is not.
"""

from __future__ import annotations

import random
import struct
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from counted import compared  # noqa: E402

REAL = ROOT / "test-captures" / "real"

SEEDS = 100
LOSS = 0.05
ETHERNET_IPV4 = b"\x08\x00"

KNOWN_SO_FAR = {
    "unknown": set(),
    "client": {"client"},
    "publisher": {"client", "publisher"},
    "subscriber": {"client", "subscriber"},
    "publisher+subscriber": {"client", "publisher", "subscriber"},
    "bridge": {"client", "publisher", "subscriber", "bridge"},
    "broker": {"broker"},
}
"""What each role says of an end. A damaged capture may tell less than the whole one, never something else."""


def read_pcap(path: Path) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """File header and records (header, frame) of a classic pcap."""
    data = path.read_bytes()
    records, at = [], 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        records.append((data[at:at + 16], data[at + 16:at + 16 + size]))
        at += 16 + size
    return data[:24], records


def has_tcp_payload(frame: bytes) -> bool:
    """True for an Ethernet frame with IPv4, TCP and data."""
    if frame[12:14] != ETHERNET_IPV4 or frame[23] != 6:
        return False
    ip_header = (frame[14] & 15) * 4
    return struct.unpack_from(">H", frame, 16)[0] > ip_header + (frame[14 + ip_header + 12] >> 4) * 4


def renumbered(frame: bytes, seed: int) -> bytes:
    """The frame between hosts that only this seed has. Checksums are not mended: nobody looks at them."""
    address = struct.pack(">BBBB", 10, 1 + seed // 200, seed % 200, 1)
    return frame[:26] + address + address + frame[34:]


def damaged_copies(records: list[tuple[bytes, bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
    """Copies of a capture, one for each seed, each without one segment in twenty: (original frame, header, frame)."""
    for seed in range(SEEDS):
        chance = random.Random(seed)
        for number, (header, frame) in enumerate(records, 1):
            if has_tcp_payload(frame) and chance.random() < LOSS:
                continue
            seconds = struct.unpack_from("<I", header)[0] + seed * 86400
            yield number, struct.pack("<I", seconds) + header[4:], renumbered(frame, seed)


class TestRolesUnderLoss(unittest.TestCase):
    """One segment in twenty is missing, a hundred times over."""

    def check(self, path: Path) -> None:
        """Compares each frame of the copies with the same frame of the whole capture."""
        header, records = read_pcap(path)
        whole = {int(row["frame.number"][0]): row for row in harness.rows(
            path, ["frame.number", "mqttscope.src.role", "mqttscope.client"])}
        copies = list(damaged_copies(records))
        with tempfile.TemporaryDirectory() as folder:
            damaged = Path(folder) / "damaged.pcap"
            damaged.write_bytes(header + b"".join(each[1] + each[2] for each in copies))
            shown = harness.rows(damaged, ["frame.number", "mqttscope.src.role", "mqttscope.client"],
                                 display_filter="mqtt")
        self.assertGreater(len(shown), SEEDS)
        compared["frames of captures with losses"] += len(shown)
        for row in shown:
            original = whole[copies[int(row["frame.number"][0]) - 1][0]]
            said = set().union(*(KNOWN_SO_FAR[role] for role in row["mqttscope.src.role"]))
            true = set().union(*(KNOWN_SO_FAR[role] for role in original["mqttscope.src.role"]))
            # What was put together from several segments may end in another frame than in the whole capture.
            if original["mqttscope.src.role"]:
                self.assertLessEqual(said, true, f"{path.name}: {row} and {original}")
            if row["mqttscope.client"] and original["mqttscope.client"]:
                self.assertEqual(set(row["mqttscope.client"]), set(original["mqttscope.client"]), path.name)


def add_loss_tests() -> None:
    """A test for each plain TCP capture of more than one segment."""
    for path in sorted(REAL.glob("*.pcap")):
        _, records = read_pcap(path)
        if path.name.startswith(("websocket", "quic")) or not any(has_tcp_payload(frame) for _, frame in records):
            continue
        name = "test_" + path.stem.replace("-", "_")
        setattr(TestRolesUnderLoss, name, lambda self, path=path: self.check(path))


add_loss_tests()


class TestOrders(unittest.TestCase):
    """One pass, two passes and random access say the same of each recorded capture."""

    def check(self, path: Path) -> None:
        """Compares the three orders."""
        harness.assert_same_in_every_order(harness.three_orders(path))


for capture in sorted(REAL.glob("*.pcap*")):
    setattr(TestOrders, "test_" + capture.stem.replace("-", "_"), lambda self, path=capture: self.check(path))


class TestLinks(unittest.TestCase):
    """Answers point back, requests point forward, and the two agree."""

    def links(self, path: Path) -> list[dict[str, list[str]]]:
        """Frame, links and times of each frame, on the second pass."""
        fields = ["frame.number", "frame.time_epoch", "mqttscope.request_in", "mqttscope.response_in",
                  "mqttscope.response_time"]
        return harness.rows(path, fields, display_filter="mqtt", order=harness.Order.TWO_PASSES)

    def test_each_answer_is_linked_both_ways(self) -> None:
        """For each link back there is one forward, and the response time is the difference of the two frames."""
        checked = 0
        for name in ("mosquitto-v5.pcap", "mosquitto-session.pcap", "burst-level4.pcap", "rabbitmq.pcap"):
            rows = self.links(REAL / name)
            times = {row["frame.number"][0]: float(row["frame.time_epoch"][0]) for row in rows}
            forward = {(row["frame.number"][0], answer) for row in rows for answer in row["mqttscope.response_in"]}
            for row in rows:
                frame = row["frame.number"][0]
                for request, taken in zip(row["mqttscope.request_in"], row["mqttscope.response_time"], strict=True):
                    self.assertIn((request, frame), forward, name)
                    self.assertAlmostEqual(float(taken), times[frame] - times[request], places=5, msg=name)
                    checked += 1
        self.assertGreater(checked, 250)


if __name__ == "__main__":
    unittest.main()
