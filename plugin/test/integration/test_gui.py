# test_gui.py: Wireshark's window shows what tshark prints, with the plugin at work in it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens captures in Wireshark on a display that nobody sees, and reads the window by its own Copy commands.

A crash, a dissector bug, a complaint on stderr or a window that does not close is a failure.
"""

from __future__ import annotations

import unittest
from pathlib import Path

import gui
from harness import Order, rows, tshark

CAPTURES = Path(__file__).resolve().parents[3] / "test-captures"
PAIR = CAPTURES / "real" / "readme-pair-v5.pcap"


@unittest.skipIf(gui.missing(), "for Wireshark's window these packages are not installed: " + ", ".join(gui.missing()))
class TestGui(unittest.TestCase):
    maxDiff = None

    def test_packet_list_and_tree(self) -> None:
        """Each MQTT packet has its row, and the tree of the selected one is the one that tshark prints."""
        expected = rows(PAIR, ["frame.number", "info"], display_filter="mqtt", order=Order.TWO_PASSES)
        number = int(expected[0]["frame.number"][0])
        printed = tshark("-V", "-Y", f"frame.number == {number}", capture=PAIR, order=Order.TWO_PASSES)
        printed = printed[printed.index("\nMQ Telemetry Transport Protocol") + 1:].rstrip()
        with gui.Window(PAIR, "mqtt", number) as window:
            tree = window.mqtt_tree()
            shown = window.packet_list()
        self.assertEqual(tree, printed.split("\n"))
        self.assertEqual(len(shown), len(expected), shown)
        for row, wanted in zip(shown, expected):
            self.assertEqual(row.split()[0], wanted["frame.number"][0])
            self.assertIn("MQTT", row.split())
            self.assertTrue(row.endswith(wanted["info"][0]), row)

    def test_other_transports(self) -> None:
        """WebSocket, TLS with secrets in the capture, and broken packets come up without a complaint."""
        for name in ("real/websocket-paho.pcap", "real/tls-paho.pcapng", "cases/string-past-end-connect.pcap"):
            with self.subTest(capture=name):
                capture = CAPTURES / name
                expected = rows(capture, ["frame.number"], display_filter="mqtt", order=Order.TWO_PASSES)
                with gui.Window(capture, "mqtt") as window:
                    shown = window.packet_list()
                self.assertTrue(expected)
                self.assertEqual([row.split()[0] for row in shown], [each["frame.number"][0] for each in expected])


if __name__ == "__main__":
    unittest.main()
