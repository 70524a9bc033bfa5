# test_differential.py: what other MQTT libraries encoded is what the plugin shows; a short run of tools/differential.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The long run is for people: tools/differential --packets 100000. Which library is missing is named by the skip;
tools/test installs them, and hands over where mqtt-packet is in MQTTSCOPE_NPM."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).resolve().parents[3] / "tools"
sys.path += [str(TOOLS), str(TOOLS / "oracles")]

import compare  # noqa: E402
import disagreements  # noqa: E402
import expected  # noqa: E402
import harness  # noqa: E402

PACKETS = 3000
"""Of each version and part."""

NOT_COMPARED = {
    "mqtt.properties", "mqtt.will_properties", "mqtt.subscription",  # items without a value
    "mqtt.msg_decoded_as",  # a setting of the user's
    "mqtt.illegal_topic_length", "mqtt.unknown_topic_alias", "mqtt.unknown_version",  # findings about what was said
}
"""Fields of the wire that are not among those that are compared."""


class Differential(unittest.TestCase):
    """The tests of one part are those of a class, so that the parts run at the same time."""

    part = ""

    def compare(self, version: int) -> None:
        """A run that must not find a difference, and must have looked at packets of all types."""
        reason = compare.why_not(self.part)
        if reason is not None:
            self.skipTest(reason)
        outcome = compare.run_part(self.part, version, PACKETS, "test")
        self.assertGreaterEqual(outcome.packets, PACKETS * 9 // 10)
        self.assertEqual(set(outcome.types), set(expected.TYPES) - {"reserved"} - (set() if version == 5 else {"auth"}))
        self.assertEqual(outcome.differences, [], "\n".join(outcome.differences[:10]))


class TestMqttPacket(Differential):
    part = "mqtt-packet"

    def test_mqtt_packet_v31(self) -> None:
        self.compare(3)

    def test_mqtt_packet_v311(self) -> None:
        self.compare(4)

    def test_mqtt_packet_v50(self) -> None:
        self.compare(5)


class TestPaho(Differential):
    part = "paho"

    def test_paho_v31(self) -> None:
        self.compare(3)

    def test_paho_v311(self) -> None:
        self.compare(4)

    def test_paho_v50(self) -> None:
        self.compare(5)


class TestDamage(Differential):
    part = "damage"

    def test_damage_v31(self) -> None:
        self.compare(3)

    def test_damage_v311(self) -> None:
        self.compare(4)

    def test_damage_v50(self) -> None:
        self.compare(5)


class TestTheComparison(unittest.TestCase):
    """The comparison itself, which needs no other library."""

    def compare_connect(self, **other: Any) -> list[str]:
        """The differences of a CONNECT to a description of it that is right except for `other`."""
        described = {"type": "connect", "version": 5, "protocol": "MQTT", "level": 5, "clean": True, "keep_alive": 60,
                     "client_id": "c", "will": None, "user_name": None, "password": None,
                     "properties": [[0x26, ["a", "b"]], [0x21, 7]]} | other
        data = bytes.fromhex("1018 00044d515454 05 02 003c 0a 26 0001 61 0001 62 21 0007 0001 63".replace(" ", ""))
        line = {"connection": 0, "to_server": True, "bytes": data.hex(), "packet": described}
        outcome = compare.Outcome()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            compare.compare_lines([line], "by hand", Path(folder) / "packets.pcap", outcome)
        return [each.split(",")[-1].split(":")[0].strip() for each in outcome.differences]

    def test_right(self) -> None:
        """A right description raises no difference."""
        self.assertEqual(self.compare_connect(), [])

    def test_differences(self) -> None:
        """Each field that is described wrongly is named, and no other."""
        self.assertEqual(self.compare_connect(client_id="d"), ["mqtt.clientid"])
        self.assertEqual(self.compare_connect(keep_alive=61), ["mqtt.kalive"])
        self.assertEqual(self.compare_connect(clean=False), ["mqtt.conflag.cleansess", "mqtt.conflags"])
        self.assertEqual(self.compare_connect(properties=[[0x26, ["a", "b"]], [0x21, 8]]),
                         ["mqtt.prop_number", "mqtt.property.receive_maximum"])

    def test_all_fields(self) -> None:
        """Each field of the wire is compared, or it is named above why not."""
        lines = (line.split("\t") for line in harness.tshark("-G", "fields").splitlines())
        known = {each[2] for each in lines if each[0] == "F" and each[2].startswith("mqtt.")}
        self.assertEqual(known - set(expected.FIELDS), NOT_COMPARED)
        self.assertEqual({each for each in expected.FIELDS if each.startswith("mqtt.")} - known, set())

    def judge(self, data: str, oracle: str, plugin: str, **row: list[str]) -> str | None:
        """What is left unexplained of two verdicts on a packet of MQTT 5.0; the row has what the plugin shows."""
        line = {"to_server": True, "packet": {"type": "publish", "version": 5}}
        shown = {f"mqtt.{name}": values for name, values in row.items()}
        return compare.judge(line, bytes.fromhex(data), oracle, plugin, shown, compare.Outcome())

    def test_damaged_values(self) -> None:
        """Where both take a damaged packet, they have to read the same."""
        read = '{"id": 1, "code": null, "codes": [], "filters": [{"topic": "a"}]}'
        self.assertIsNone(self.judge("a206000100000161", f"packet {read}", "packet", msgid=["1"], topic=["a"]))
        for row in ({"msgid": ["2"], "topic": ["a"]}, {"msgid": ["1"], "topic": ["a", "b"]}, {"topic": ["a"]},
                    {"msgid": ["1"], "topic": ["a"], "msg": ["00"]}):
            self.assertIsNotNone(self.judge("a206000100000161", f"packet {read}", "packet", **row), row)

    def test_disagreements(self) -> None:
        """A disagreement is explained only by a row for the same packet and the same complaint."""
        self.assertIsNone(self.judge("f000", "error Invalid auth reason code", "packet"))
        self.assertIsNone(self.judge("c00100", "packet {}", "error PINGREQ ends after 2 bytes, found 1 more"))
        self.assertIsNone(self.judge("3000", "error whatever", "error something else"))
        self.assertIsNone(self.judge("1603000001", "error Invalid header flag bits, must be 0x0 for connect packet",
                                     "waits"))
        for data, oracle, plugin in (
                ("3000", "error Cannot parse topic", "packet"), ("3000", "waits", "packet"),
                ("3000", "packet {}", "waits"),
                ("0000", "error Packet must not have both QoS bits set to 1", "packet"),
                ("3003000161", "packet {}", "error Topic Name needs 2 bytes, 1 left in the packet"),
                ("40020001", "packet {}", "error Property Length needs 1 byte, 0 left in the packet")):
            self.assertIsNotNone(self.judge(data, oracle, plugin), f"{data} {oracle} {plugin}")

    def test_table(self) -> None:
        """The names of the rows are different, and the table can be printed."""
        rows = disagreements.REFUSED_BY_ORACLE_ONLY + disagreements.REFUSED_BY_PLUGIN_ONLY
        self.assertEqual(len({row.name for row in rows}), len(rows))
        text = disagreements.table()
        self.assertTrue(all(row.reason in text for row in rows))


if __name__ == "__main__":
    unittest.main()
