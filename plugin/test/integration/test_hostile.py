# test_hostile.py: traffic made to be expensive costs time and memory in proportion, and limits say that they bite.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each shape (hostile.py) is dissected in its size and in four times that. What a linear dissector needs is then four times as
much, what a quadratic one needs sixteen times; the bound lies between them. Where Wireshark itself is as bad (its reassembly of
a packet in segments of one byte is quadratic), the plugin is not to be worse.

With MQTTSCOPE_HOSTILE_LARGE set, the second size is the shape's large one: a million segments of one byte, say. It takes some
minutes, and says what each shape costs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402
import hostile  # noqa: E402
from benchtraffic import write_segments  # noqa: E402

LARGE = bool(os.environ.get("MQTTSCOPE_HOSTILE_LARGE"))
FACTOR = 4
"""How many times as much there is in the larger file."""
LEAST_CPU_S = 0.3
LEAST_MIB = 8
"""What the smaller file is taken to cost at least, since less cannot be told from chance."""
MEMORY_LIMIT_MIB = 3000
"""Address space of a run."""
AS_TREES = ("user_properties", "filters", "pings")
"""Shapes that are shown in full, since their trees are what is large."""


class TestHostile(unittest.TestCase):
    """See the file's head."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "hostile.pcap")

    def write(self, name: str, size: int) -> None:
        """A file of a shape."""
        shape = hostile.SHAPES[name]
        write_segments(self.path, shape.segments(size), shape.segment)
        self.path.chmod(0o644)

    def costs(self, name: str, sizes: tuple[int, int], **how: object) -> list[tuple[float, float]]:
        """CPU seconds and MiB of each size beyond what the start of tshark costs."""
        arguments = ["-V"] if name in AS_TREES else []
        out = []
        for size in (1, *sizes):
            self.write(name, size)
            out.append(harness.tshark_costs(*arguments, capture=self.path, memory_limit_mib=MEMORY_LIMIT_MIB, **how))
        start, *others = out
        return [(cpu - start[0], memory - start[1]) for cpu, memory in others]

    def growth(self, name: str, sizes: tuple[int, int], **how: object) -> tuple[float, float]:
        """How many times as much the larger file costs: CPU and memory."""
        small, large = self.costs(name, sizes, **how)
        if LARGE:
            print(f"{name}: {sizes[1]}: {large[0]:.1f} s, {large[1]:.0f} MiB; {sizes[0]}: {small[0]:.2f} s, {small[1]:.0f} MiB",
                  flush=True)
        return large[0] / max(small[0], LEAST_CPU_S), large[1] / max(small[1], LEAST_MIB)

    def check_growth(self, name: str, order: harness.Order) -> None:
        """The cost of a shape is linear."""
        shape = hostile.SHAPES[name]
        sizes = shape.size, shape.large if LARGE else FACTOR * shape.size
        bound = 2 * sizes[1] / sizes[0]
        cpu, memory = self.growth(name, sizes, order=order)
        if cpu > bound or memory > bound:
            own_cpu, own_memory = self.growth(name, sizes, order=order, builtin=True)
            self.assertLess(cpu, max(bound, 1.5 * own_cpu), f"{name}: CPU; Wireshark's own: {own_cpu:.1f}")
            self.assertLess(memory, max(bound, 1.5 * own_memory), f"{name}: memory; Wireshark's own: {own_memory:.1f}")

    def findings(self, name: str, size: int, wanted: str, **preferences: str) -> list[int]:
        """The frames with this finding, each as often as it has it; not from all trees, which would be large."""
        self.write(name, size)
        settings = harness.Settings(tuple((key.replace("__", "."), value) for key, value in preferences.items()))
        rows = harness.rows(self.path, ["frame.number", "info", wanted], display_filter=wanted, settings=settings)
        return [int(row["frame.number"][0]) for row in rows for _ in row[wanted]]

    def test_limit_of_exchanges(self) -> None:
        """Of five PUBLISHes at each end three are followed, and the others say that they are not."""
        frames = self.findings("in_flight", 10, "mqttscope.limit_inflight", mqttscope__max_inflight_tracked="3")
        self.assertEqual(len(frames), 4)

    def test_no_limit_of_exchanges(self) -> None:
        """All identifiers of both ends may be under way."""
        self.assertEqual(self.findings("in_flight", 2000, "mqttscope.limit_inflight"), [])

    def test_limit_of_memory(self) -> None:
        """1 MiB holds about a thousand topics of a thousand bytes; then each use of an alias says that it is unknown."""
        frames = self.findings("aliases", 1500, "mqttscope.limit_memory", mqttscope__max_memory="1")
        self.assertGreater(len(frames), 500)
        self.assertLess(len(frames), 1400)

    def test_no_limit_of_memory(self) -> None:
        """The usual limit is far away."""
        self.assertEqual(self.findings("aliases", 1500, "mqttscope.limit_memory"), [])

    def test_allowance_of_records(self) -> None:
        """What is kept of packets of two bytes has an allowance of its own."""
        self.assertEqual(self.findings("pings", 60, "mqttscope.limit_memory", mqttscope__max_memory="1"), [])

    def test_limit_of_memory_in_every_order(self) -> None:
        """The connection says once that its requests are not kept any more, in each order of dissection the same."""
        frames = self.findings("requests", 1200, "mqttscope.limit_memory", mqttscope__max_memory="1")
        self.assertEqual(len(frames), 1)
        settings = harness.Settings((("mqttscope.max_memory", "1"),))
        harness.assert_same_in_every_order(harness.three_orders(self.path, settings=settings))

    def test_limit_of_items(self) -> None:
        """A packet of too many properties is shown as far as Wireshark allows, and does not end in a dissector bug."""
        for size, expected in ((200_000, True), (20_000, False)):
            self.write("user_properties", size)
            self.assertEqual("Frame too large to show completely" in harness.tshark("-V", capture=self.path), expected)


def _add_tests() -> None:
    for name in hostile.SHAPES:
        for order in (harness.Order.ONE_PASS, harness.Order.TWO_PASSES):
            def test(self: TestHostile, name: str = name, order: harness.Order = order) -> None:
                self.check_growth(name, order)
            test.__name__ = f"test_{name}_{order.name.lower()}"
            test.__doc__ = hostile.SHAPES[name].segments.__doc__
            setattr(TestHostile, test.__name__, test)


_add_tests()

if __name__ == "__main__":
    unittest.main()
