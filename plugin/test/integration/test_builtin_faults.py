# test_builtin_faults.py: what is wrong with Wireshark's own MQTT dissector is right in the plugin.
# SPDX-License-Identifier: GPL-2.0-or-later
"""One test for each of fifteen faults. Each shows the fault in the built-in too, so that a test which could not
notice it fails here; from a Wireshark later than 4.6 on, the built-in may have been mended."""

from __future__ import annotations

import re
import unittest
from collections.abc import Callable
from pathlib import Path

import harness
from crafted import CASES, CONNECTION, REAL, ROOT, V311, V5, CraftedTest
from harness import Order, Settings

LAST_WITH_FAULTS = (4, 6)

PROPERTIES = re.findall(r'^PROPERTY\((?:[^,]*,){5}\s*"(\w+)"',
                        (ROOT / "plugin" / "wire" / "properties.def").read_text(encoding="utf-8"), re.MULTILINE)
"""What follows "mqtt.property." in the name of each property's field."""


class TestBuiltinFaults(CraftedTest):
    """Numbered as the faults are."""

    def compare(self, capture: Path, names: str, judge: Callable[[list[list[str]]], bool],
                settings: Settings = Settings(), order: Order = Order.ONE_PASS) -> None:
        """The judge accepts what the plugin shows, and not what the built-in shows; it gets one list of values a
        frame, those of all the names one after the other."""
        def values(builtin: bool) -> list[list[str]]:
            fields = names.split()
            shown = harness.packets(capture, settings=settings, order=order, builtin=builtin)
            return [[value for name in fields for value in each.values.get(name, [])] for each in shown]

        ours = values(False)
        self.assertTrue(judge(ours), f"the plugin shows {ours}")
        if harness.version() <= LAST_WITH_FAULTS:
            theirs = values(True)
            self.assertFalse(judge(theirs), f"the built-in does not show the fault: {theirs}")

    def test_01_aliases_of_two_directions(self) -> None:
        """A topic alias belongs to the direction that set it; a later redefinition changes nothing before it."""
        self.compare(CASES / "topic-alias-both-directions.pcap", "mqtt.topic",
                     lambda frames: frames[-2:] == [["up"], ["down"]])
        redefined = self.capture(V5 + 'c1 > 30 { s"old" { 23 0001 } "1" }\nc1 > 30 { s"" { 23 0001 } "2" }\n'
                                 'c1 > 30 { s"new" { 23 0001 } "3" }\nc1 > 30 { s"" { 23 0001 } "4" }\n')
        for order in Order:
            shown = [each.values["mqtt.topic"][-1] for each in harness.packets(redefined, order=order)[-4:]]
            self.assertEqual(shown, ["old", "old", "new", "new"], order)
        self.compare(redefined, "mqtt.topic", lambda frames: [each[-1] for each in frames[-4:]] ==
                     ["old", "old", "new", "new"], order=Order.TWO_PASSES)

    def test_02_remaining_length_over_two_segments(self) -> None:
        """A Remaining Length cut between its bytes waits for the rest."""
        self.compare(CASES / "remaining-length-split.pcap", "mqtt.len",
                     lambda frames: frames[-3:] == [[], ["205"], ["0"]])

    def test_03_version_of_an_earlier_connect(self) -> None:
        """In random access a packet keeps the version that was in force when it was sent."""
        capture = self.capture(V311 + 'c1 > 30 { s"a" 00 "3" }\nc1 > 10 { s"MQTT" 05 02 003c {} s"client-1" }\n'
                               'c1 > 30 { s"a" 00 "5" }\n')
        self.compare(capture, "mqtt.msg", lambda frames: [each for each in frames if each] == [["00:33"], ["35"]],
                     order=Order.RANDOM)

    def test_04_bridge_bit(self) -> None:
        """Level 0x83 is 3.1 and level 0x84 is 3.1.1: their CONNACKs have no properties."""
        self.compare(CASES / "bridge-bit.pcap", "mqtt.conack.val",
                     lambda frames: [each for each in frames if each] == [["0"], ["0"]])

    def test_05_length_of_five_bytes(self) -> None:
        """It is told, and nothing behind it is read as if it were known where packets begin."""
        self.compare(CASES / "remaining-length-five-bytes.pcap", "mqtt.msgtype",
                     lambda frames: frames[-3:] == [["12"], [], ["13"]])

    def test_06_property_past_its_block(self) -> None:
        """No byte is shown twice, and it is said what is wrong; the packet behind is read."""
        capture = CASES / "property-past-block.pcap"
        self.compare(capture, "mqtt.msg", lambda frames: [each for each in frames if each] == [["77:65:6c:6c"]])
        self.assertEqual([each.name for each in harness.findings(capture)], ["mqttscope.rule.property_past_block"])
        named = [each.message for each in harness.findings(CASES / "property-unknown.pcap")]
        self.assertIn("127", named[0])

    def test_07_records_in_one_segment(self) -> None:
        """Info names every packet of a frame, however many TLS records it has, as far as the column is long."""
        def judge(shown: list[harness.Packet]) -> bool:
            several = [each for each in shown if len(each.values.get("mqtt.msgtype", [])) > 1]
            self.assertGreater(len(several), 0)
            return all(len(re.findall("P[Uu][Bb]", each.info)) >= min(len(each.values["mqtt.msgtype"]) - 1, 30)
                       and "Application Data" not in each.info for each in several)

        self.assertTrue(judge(harness.packets(REAL / "tls-burst.pcapng")))
        if harness.version() <= LAST_WITH_FAULTS:
            self.assertFalse(judge(harness.packets(REAL / "tls-burst.pcapng", builtin=True)))

    def test_08_content_type(self) -> None:
        """Parameters do not count; what the user's table has dissected is not dissected again."""
        self.compare(CASES / "content-type-parameter.pcap", "json.key",
                     lambda frames: frames[-2:] == [["value"], ["value"]])
        capture = self.capture(V5 + 'c1 > 30 { s"a/b" { 03 s"application/json" } "{\\"k\\": 1}" }\n')
        table = Settings(files=(("mqtt_message_decoding", '"Equal to","a/b","none","json"\n'),))
        self.compare(capture, "json.key", lambda frames: frames[-1] == ["k"], settings=table)

    def test_09_names_of_codes(self) -> None:
        """UNSUBACK 0x80 and CONNACK 0x99 have names."""
        for name, label in (("unsuback-codes", "Unspecified error (128)"),
                            ("connack-payload-format-invalid", "Payload format invalid (153)")):
            texts = [harness.tshark("-V", capture=CASES / f"{name}.pcap", builtin=each) for each in (False, True)]
            self.assertIn(label, texts[0])
            if harness.version() <= LAST_WITH_FAULTS:
                self.assertNotIn(label, texts[1])

    def test_10_memory_of_topics(self) -> None:
        """Topic Filters are not kept: long ones cost no more memory than short ones."""
        def peak(length: int, builtin: bool, settings: Settings = Settings()) -> int:
            line = "c1 > " + f'82 {{ 0001 s"{"x" * length}" 00 }} ' * 50 + "\n"
            with harness.Sharkd(self.capture(V311 + line * 300), settings, builtin, 120) as sharkd:
                status = Path(f"/proc/{sharkd.process.pid}/status")
                if not status.exists():
                    self.skipTest("without /proc nobody tells how much memory a program used")
                return int(re.findall(r"VmHWM:\s*(\d+)", status.read_text())[0]) * 1024

        kept = 300 * 50 * 1000
        # Longer frames cost Wireshark something with no MQTT dissector at all.
        without = Settings(disabled=("mqtt",))
        frames = peak(1000, True, without) - peak(1, True, without)
        self.assertLess(peak(1000, False) - peak(1, False) - frames, kept / 4)
        if harness.version() <= LAST_WITH_FAULTS:
            self.assertGreater(peak(1000, True) - peak(1, True) - frames, kept / 2)

    def test_11_properties_have_fields(self) -> None:
        """All have one, and what is binary is bytes."""
        def types(builtin: bool) -> dict[str, str]:
            lines = (line.split("\t") for line in harness.tshark("-G", "fields", builtin=builtin).splitlines())
            return {each[2]: each[3] for each in lines if each[0] == "F" and each[4] == "mqtt"}

        ours, theirs = types(False), types(True)
        self.assertGreater(len(PROPERTIES), 0)
        self.assertEqual([each for each in PROPERTIES if f"mqtt.property.{each}" not in ours], [])
        for name in ("mqtt.property.correlation_data", "mqtt.property.authentication_data", "mqtt.passwd.bytes",
                     "mqtt.will_property.correlation_data"):
            self.assertEqual(ours[name], "FT_BYTES")
        if harness.version() <= LAST_WITH_FAULTS:
            self.assertLess(len([each for each in PROPERTIES if f"mqtt.property.{each}" in theirs]), 5)

    def test_12_payload_as_bytes_and_text(self) -> None:
        """Both names always, whatever the preference says."""
        capture = self.capture(V311 + 'c1 > 30 { s"a" "text" }\n')
        for value in ("TRUE", "FALSE"):
            self.compare(capture, "mqtt.msg mqtt.msg_text", lambda frames: frames[-1] == ["74:65:78:74", "text"],
                         settings=Settings(preferences=(("mqtt.show_msg_as_text", value),)))

    def test_13_answers_without_a_connect(self) -> None:
        """CONNACK and SUBACK of 3.1.1, and the properties of 5.0, are told by themselves."""
        capture = self.capture(CONNECTION.replace(":1883", ":1883 midstream") +
                               "c1 < 20 { 00 00 }\nc1 > 82 { 0001 s\"a/b\" 01 }\nc1 < 90 { 0001 01 }\n")
        self.compare(capture, "mqtt.conack.val mqtt.suback.qos", lambda frames: [frames[0], frames[2]] == [["0"], ["1"]])
        self.compare(CASES / "connack-without-connect-v5.pcap", "mqtt.prop_number mqtt.property.receive_maximum",
                     lambda frames: frames[0][:1] == ["20"])

    def test_14_transports(self) -> None:
        """WebSocket, ALPN on port 443, and a port that nobody named."""
        for name in ("websocket-paho.pcap", "websocket-tls.pcapng", "alpn-443-mqtt.pcapng",
                     "alpn-443-x-amzn-mqtt-ca.pcapng", "mosquitto-ipv6-port-21883.pcap"):
            with self.subTest(capture=name):
                self.compare(REAL / name, "mqtt.clientid", lambda frames: any(frames))

    def test_15_findings_and_inferences(self) -> None:
        """More is said of a packet than what is on the wire."""
        lines = [line.split("\t") for line in harness.tshark("-G", "fields").splitlines()]
        inferred = {each[2]: each[3] for each in lines if each[0] == "F" and each[2].startswith("mqttscope.")}
        for name, kind in (("version", "FT_UINT8"), ("version.source", "FT_STRING"), ("connection", "FT_UINT32"),
                           ("pdu", "FT_UINT16"), ("topic", "FT_STRING"), ("alias_set_in", "FT_FRAMENUM")):
            self.assertEqual(inferred[f"mqttscope.{name}"], kind)
        self.assertGreater(len([kind for kind in inferred.values() if kind == "FT_NONE"]), 3)


if __name__ == "__main__":
    unittest.main()
