# test_harness.py: the harness itself notices what it is there to notice.
# SPDX-License-Identifier: GPL-2.0-or-later
"""All with the built-in dissector, so that these tests hold whatever the plugin does."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from casefile import parse_case  # noqa: E402
from casewire import build  # noqa: E402
from harness import Order, Settings, ToolError  # noqa: E402

CASE = """title: one connection
connection c1: 10.0.0.2 -> 10.0.0.1:1884
c1 > 10 { s"MQTT" 05 02 003c {} s"client-1" }
@pub c1 > 3d { s"a\\x01|,b\\té" 0001 { 23 0001 } "x" } 30 { s"" { 23 0001 } "y" }
@again c1 > 30 { s"" { 23 0009 } "z" }
@new c1 > 30 { s"other" { 23 0001 } "y" }
"""
ON_THE_PORT = Settings(decode_as=("tcp.port==1884,mqtt",))


class TestHarness(unittest.TestCase):
    """Runs on a capture that only root may read, if root runs the tests."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.capture = self.folder / "one.pcap"
        self.capture.write_bytes(build(parse_case(CASE)).data)
        self.capture.chmod(0o600)

    def test_rows(self) -> None:
        """Values come whole, whatever they contain; booleans are 1 and 0."""
        rows = harness.rows(self.capture, ["frame.number", "mqtt.topic", "mqtt.dupflag", "info"], settings=ON_THE_PORT,
                            display_filter="mqtt.topic", builtin=True)
        self.assertEqual(rows[0]["mqtt.topic"], ["a\x01|,b\té"] * 2)
        self.assertEqual(rows[0]["mqtt.dupflag"], ["1", "0"])
        self.assertEqual(rows[0]["frame.number"], ["5"])
        self.assertIn("Publish", rows[0]["info"][0])

    def test_settings_reach_both_programs(self) -> None:
        """Decode As, and a protocol that is switched off, in each order."""
        for order in Order:
            for settings, expected in ((Settings(), []), (ON_THE_PORT, [4, 5, 6, 7]),
                                       (Settings(decode_as=ON_THE_PORT.decode_as, disabled=("mqtt",)), [])):
                with self.subTest(order=order, settings=settings):
                    packets = harness.packets(self.capture, order=order, settings=settings, builtin=True)
                    self.assertEqual([each.number for each in packets if each.is_mqtt], expected)

    def test_findings(self) -> None:
        """Name, severity, group and message of an expert item, the same from tshark and from sharkd."""
        with mock.patch.object(harness, "FINDING_PREFIX", "mqtt."):
            for order in Order:
                found = harness.findings(self.capture, order=order, settings=ON_THE_PORT, builtin=True)
                expected = harness.Finding(6, "mqtt.unknown_topic_alias", "note", "Protocol", "Unknown topic alias")
                self.assertEqual([each for each in found if each.frame == 6], [expected])

    def test_orders_are_compared(self) -> None:
        """The built-in's topic aliases depend on the order (a known fault of it): that must be seen."""
        shown = harness.three_orders(self.capture, ON_THE_PORT, builtin=True)
        with self.assertRaisesRegex(AssertionError, "projection differs"):
            harness.assert_same_in_every_order(shown)
        shown[Order.TWO_PASSES] = shown[Order.RANDOM] = shown[Order.ONE_PASS]
        text = harness.assert_same_in_every_order(shown)
        self.assertEqual(len(text.splitlines()), 4)
        self.assertTrue(text.startswith("4 10.0.0.2:40001 > 10.0.0.1:1884 [Connect Command]"), text)

    def test_times_are_levelled(self) -> None:
        """Each unit becomes seconds, no digit is lost, and what is no time with decimals stays."""
        for said, level in (("0.000196000 seconds", "0.000196000 seconds"), ("196.000 microseconds", "0.000196000 seconds"),
                            ("196.001 microseconds", "0.000196001 seconds"), ("7 nanoseconds", "0.000000007 seconds"),
                            ("-1.500000 milliseconds", "-0.001500000 seconds"), ("60 seconds", "60 seconds"),
                            ("12345678.123456789 seconds", "12345678.123456789 seconds")):
            self.assertEqual(harness.level_times(f"[Idle: {said}]"), f"[Idle: {level}]")

    def test_costs_are_the_programs_own(self) -> None:
        """A large test does not make what it runs look large."""
        ballast = b"x" * (600 << 20)
        _, peak_mib = harness.tshark_costs(capture=self.capture, builtin=True, memory_limit_mib=4000)
        self.assertGreater(peak_mib, 20)
        self.assertLess(peak_mib, len(ballast) >> 20)

    def test_failures_are_told(self) -> None:
        """A wrong argument, a complaint on stderr, a file that is no capture, a run that takes too long."""
        with self.assertRaisesRegex(ToolError, "exit status"):
            harness.tshark("-Y", "((", capture=self.capture, builtin=True)
        with self.assertRaisesRegex(ToolError, "No such preference"):
            harness.tshark(capture=self.capture, settings=Settings(preferences=(("mqtt.none", "1"),)), builtin=True)
        bad = self.folder / "bad.pcap"
        bad.write_bytes(b"no capture at all")
        for order in (Order.ONE_PASS, Order.RANDOM):
            with self.assertRaises(ToolError):
                harness.packets(bad, order=order, builtin=True)
            with self.assertRaisesRegex(ToolError, "took"):
                harness.packets(self.capture, order=order, builtin=True, timeout_s=0.01)


if __name__ == "__main__":
    unittest.main()
