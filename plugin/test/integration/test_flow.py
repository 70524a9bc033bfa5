# test_flow.py: the flow graph draws one lane for the broker and one for each client, by name.
# SPDX-License-Identifier: GPL-2.0-or-later
"""`tshark -q -z flow,mqttscope,standard` on recorded and crafted captures.

tshark prints each arrow as two lines, the label above and the ends below, both cut to the width of the arrow; the comment
at the end of the first is whole. Lanes are named in the first two lines, by turns.
"""

from __future__ import annotations

import re
import unittest
from pathlib import Path

from crafted import CraftedTest
from harness import Order, rows, tshark

CAPTURES = Path(__file__).resolve().parents[3] / "test-captures"
PAIR = CAPTURES / "real" / "readme-pair-v5.pcap"

BROKEN = ("control-characters", "bytes-left-over", "property-past-block", "property-unknown", "qos-3", "snap-length",
          "string-past-end", "topic-alias-both-directions", "lost-segment", "remaining-length-five-bytes")
"""Crafted cases with contents that nobody well-meaning sends, or with parts of packets missing."""


class Flow:
    """What tshark prints of a flow graph."""

    def __init__(self, capture: Path, order: Order = Order.ONE_PASS) -> None:
        self.text = tshark("-q", "-z", "flow,mqttscope,standard", capture=capture, order=order)
        lines = self.text.split("\n")
        columns = [(match.start(), match[0].strip()) for line in lines[:2]
                   for match in re.finditer(r"[^|]+", line)]
        self.lanes = {name for _, name in columns if name and name not in ("Conv.", "Time")}
        self.comments = [line.rpartition("|")[2] for line in lines[2:] if re.match(r"(\d+ *)?\|\d+\.\d+ *\|", line)]


class TestFlow(CraftedTest):
    def test_readme_pair(self) -> None:
        """Publisher, broker and subscriber of two connections in one graph, each packet with an arrow."""
        for order in (Order.ONE_PASS, Order.TWO_PASSES):
            flow = Flow(PAIR, order)
            self.assertEqual(flow.lanes, {"broker", "sub-1", "pub-1"})
            self.assertEqual(len(flow.comments), 9)
            self.assertIn('PUBLISH topic/001 QoS 0 "hello!"', flow.comments)
            self.assertRegex(flow.text, r"CONNACK Success; answers frame 4 after 0\.127 ms")
            self.assertNotIn("127.0.0.1", flow.text)

    def test_every_transport(self) -> None:
        """An arrow for each control packet, over TCP, TLS, WebSocket, both, and QUIC."""
        for name in ("mosquitto-v5.pcap", "tls-paho.pcapng", "websocket-mqttjs.pcap", "websocket-tls.pcapng",
                     "quic.pcapng", "burst-level5.pcap"):
            with self.subTest(capture=name):
                capture = CAPTURES / "real" / name
                count = sum(len(row["mqttscope.pdu"]) for row in rows(capture, ["mqttscope.pdu"]))
                flow = Flow(capture)
                self.assertEqual(len(flow.comments), count)
                self.assertIn("broker", flow.lanes)

    def test_two_brokers(self) -> None:
        """Brokers are told apart by their endpoints where there are several, the arrows before the second included."""
        flow = Flow(CAPTURES / "cases" / "brokers-two.pcap")
        self.assertEqual(flow.lanes, {"broker 10.0.0.1:1883", "broker [2001:db8::1]:8884", "meter"})

    def test_assigned_identifier(self) -> None:
        """A client whose identifier the server assigns has one lane, by the name that it has at the end."""
        for order in (Order.ONE_PASS, Order.TWO_PASSES):
            flow = Flow(CAPTURES / "cases" / "who-assigned-identifier.pcap", order)
            self.assertEqual(flow.lanes, {"broker", "auto-17"})
            self.assertEqual(len(flow.comments), 3)

    def test_hostile_names(self) -> None:
        """No control character gets through, and no client gets into the broker's lane."""
        flow = Flow(CAPTURES / "cases" / "export-hostile.pcap")
        self.assertEqual(flow.lanes, {"broker", '"broker"', r'\033]0;x\a"\id\r\n'})
        self.assertNotRegex(flow.text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")

    def test_many_clients(self) -> None:
        """Wireshark draws 40 lanes: clients that come later share one, and no arrow is lost. Long names are shortened."""
        flow = Flow(CAPTURES / "cases" / "many-clients.pcap")
        self.assertEqual(len(flow.lanes), 39)
        self.assertLessEqual({"broker", "client-1", "client-37", "others"}, flow.lanes)
        self.assertEqual(len(flow.comments), 2 * 46 + 1)
        self.assertLess(max(len(line) for line in flow.text.splitlines()), 40 * 20 + 400)

    def test_many_brokers(self) -> None:
        """Brokers without a lane of their own share one with each other, as the ends do of which no role is known."""
        flow = Flow(self.capture("""title: more brokers than lanes
repeat N 1..30
connection c$N: 10.0.1.$N -> 10.0.0.$N:1883
c$N > 10 { s"MQTT" 04 02 003c s"client-$N" }
end
connection u: 10.0.0.2:1883 -> 10.0.0.1:1883 midstream
u > 30 { s"a/b" "hello" }
"""))
        self.assertEqual(len(flow.lanes), 40)
        self.assertLessEqual({"broker 10.0.0.1:1883", "client-19", "others", "their peers"}, flow.lanes)
        self.assertEqual(len(flow.comments), 31)

    def test_roles_learned_late(self) -> None:
        """Two ends that have no lane of their own share no lane with each other when it is learned which is the broker."""
        flow = Flow(self.capture("""title: more clients than lanes, and connections whose roles show late
repeat N 1..40
connection c$N: 10.0.1.$N -> 10.0.0.1:1883
c$N > 10 { s"MQTT" 04 02 003c s"client-$N" }
end
connection u: 10.0.2.1:1883 -> 10.0.3.1:1883 midstream
u > 30 { s"a/b" "hello" }
u < c0 00
u > d0 00
connection v: 10.0.2.2:1883 -> 10.0.3.2:1883 midstream
v > 30 { s"c/d" "goodbye" }
v > c0 00
v < d0 00
"""))
        self.assertEqual(len(flow.comments), 46)

    def test_crafted_cases(self) -> None:
        """Whatever is in a capture, the graph is drawn without a complaint, and without control characters."""
        for name in BROKEN:
            with self.subTest(capture=name):
                flow = Flow(CAPTURES / "cases" / f"{name}.pcap")
                self.assertNotRegex(flow.text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")


if __name__ == "__main__":
    unittest.main()
