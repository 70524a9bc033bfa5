# test_json.py: what `-z mqttscope,json` writes of each capture is what its schema says, and what the fields say.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema is plugin/doc/mqttscope.schema.json; python3-jsonschema decides (validate-json.py)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from casefile import read_case  # noqa: E402
from casewire import build  # noqa: E402
from crafted import V5, CraftedTest  # noqa: E402
from counted import compared  # noqa: E402
from environment import private_folder, without_secrets  # noqa: E402

CAPTURES = ROOT / "test-captures"
SCHEMA = ROOT / "plugin" / "doc" / "mqttscope.schema.json"
VALIDATE = Path(__file__).resolve().parent / "validate-json.py"
HOSTILE = Path(__file__).resolve().parent / "json-hostile.case"
"""Its text goes where no XML of tshark's can follow, so that it is no case like the others."""
QOS_3 = CAPTURES / "cases" / "qos-3.pcap"
REAL = CAPTURES / "real" / "mosquitto-v5.pcap"
SECRETS = ("pa55word-never", "s3cret-one", "s3cret-two")


def objects(capture: Path, argument: str = "", **how: Any) -> list[dict[str, Any]]:
    """The objects that are written of a capture."""
    text = harness.tshark("-q", "-z", "mqttscope,json" + argument, capture=capture, **how)
    return [json.loads(line) for line in text.splitlines()]


def of_type(kind: str, capture: Path, argument: str = "", **how: Any) -> list[dict[str, Any]]:
    """Those of one type."""
    return [each for each in objects(capture, argument, **how) if each["type"] == kind]


class Schema(unittest.TestCase):
    def test_each_capture(self) -> None:
        """Every object of every capture is an instance of the schema."""
        captures = [path for pattern in ("*.pcap", "*.pcapng") for path in sorted(CAPTURES.rglob(pattern))
                    if path.stat().st_size < 1_000_000]
        with tempfile.TemporaryDirectory() as folder:
            files = []
            hostile = Path(folder, "hostile.pcap")
            hostile.write_bytes(build(read_case(HOSTILE)).data)
            for number, capture in enumerate([*captures, hostile]):
                text = harness.tshark("-q", "-z", "mqttscope,json,messages,packets", capture=capture)
                files.append(Path(folder, f"{number}-{capture.name}.jsonl"))
                files[-1].write_text(text, encoding="utf-8")
                compared.update(objects=text.count("\n"))
            done = subprocess.run(["/usr/bin/python3", str(VALIDATE), str(SCHEMA), *map(str, files)],
                                  capture_output=True, text=True, check=False)
        if done.returncode == 77:
            self.skipTest("python3-jsonschema is not installed")
        self.assertGreater(len(captures), 250)
        self.assertEqual(done.returncode, 0, done.stdout[:4000] + done.stderr[-1000:])


class Content(unittest.TestCase):
    def test_findings(self) -> None:
        """The findings are those of the expert items, in their order, whatever the number of passes."""
        for capture in (QOS_3, REAL):
            expected = [(each.frame, each.name.removeprefix("mqttscope.rule."), each.severity)
                        for each in harness.findings(capture) if each.name.startswith("mqttscope.rule.")]
            self.assertTrue(expected)
            for order in (harness.Order.ONE_PASS, harness.Order.TWO_PASSES):
                found = [(each["frame"], each["rule"], each["severity"])
                         for each in of_type("finding", capture, order=order)]
                self.assertEqual(found, expected)

    def test_counts(self) -> None:
        """Messages, topics and the capture agree with each other and with the packets."""
        for capture in (REAL, CAPTURES / "real" / "mosquitto-session.pcap"):
            written = objects(capture, ",messages")
            messages = [each for each in written if each["type"] == "message"]
            self.assertTrue(messages)
            self.assertEqual(len(messages), sum(sum(each["messages"]) for each in written if each["type"] == "topic"))
            self.assertEqual(Counter(each["topic"] for each in messages),
                             {each["topic"]: sum(each["messages"]) for each in written if each["type"] == "topic"})
            connections = [each for each in written if each["type"] == "connection"]
            self.assertEqual([each["connection"] for each in connections], list(range(len(connections))))
            self.assertEqual(len(messages), sum(sum(each["publishes_to_broker"]) + sum(each["publishes_to_client"])
                                                for each in connections))
            self.assertEqual(written[-1]["connections"], len(connections))
            self.assertEqual(written[-1]["mqtt_packets"], sum(each["packets"] for each in connections))

    def test_events(self) -> None:
        """The events are those of the fields, in their order."""
        capture = CAPTURES / "real" / "mosquitto-refused.pcap"
        expected = [name for row in harness.rows(capture, ["mqttscope.event"]) for name in row["mqttscope.event"]]
        self.assertTrue(expected)
        self.assertEqual([each["event"] for each in of_type("event", capture)], expected)

    def test_deliveries(self) -> None:
        """A delivery has its row."""
        rows = of_type("delivery", CAPTURES / "real" / "readme-pair-v5.pcap")
        self.assertEqual([(each["topic"], each["subscriber"], each["published"], each["delivered"]) for each in rows], [("topic/001", "sub-1", 1, 1)])

    def test_journeys(self) -> None:
        """A message and its delivery share a number, and the times are those of the fields."""
        published, delivered = of_type("message", CAPTURES / "real" / "readme-pair-v5.pcap", ",messages")
        self.assertEqual((published["part"], published["client"], published["payload"]), ("publication", "pub-1", "hello!"))
        self.assertEqual((delivered["part"], delivered["client"], delivered["kind"]), ("delivery", "sub-1", "live"))
        self.assertEqual((delivered["message"], delivered["published_in"]), (published["message"], published["frame"]))
        self.assertEqual((delivered["broker_time"], delivered["end_to_end"]), (0.000063, 0.000063))

    def test_packets(self) -> None:
        """With messages and packets, each control packet has its object, in the order of the capture."""
        for capture in (REAL, CAPTURES / "real" / "mosquitto-session.pcap"):
            expected = [int(number) for row in harness.rows(capture, ["mqtt.msgtype"]) for number in row["mqtt.msgtype"]]
            written = [each for each in objects(capture, ",messages,packets") if each["type"] in ("message", "packet")]
            self.assertEqual(len(written), len(expected))
            self.assertEqual([each["type"] == "message" for each in written], [number == 3 for number in expected])
        self.assertEqual(of_type("packet", REAL, ",messages"), [])
        self.assertEqual(of_type("message", REAL, ",packets"), [])
        self.assertTrue(of_type("packet", REAL, ",packets,mqttscope.connection == 1"))

    def test_filter(self) -> None:
        """A display filter chooses the packets that are counted; the capture is counted all the same."""
        written = objects(REAL, ",mqttscope.connection == 1")
        self.assertEqual([each["connection"] for each in written if each["type"] == "connection"], [1])
        self.assertEqual(written[-1]["frames"], objects(REAL)[-1]["frames"])

    def test_verdict(self) -> None:
        """With verdict, nothing but the objects about connections, topics, clients and deliveries is missing."""
        left_out = ("connection", "topic", "client", "delivery")
        captures = [*sorted((CAPTURES / "real").glob("*.pcap")), QOS_3, CAPTURES / "cases" / "property-block-past-end.pcap"]
        seen = Counter[str]()
        for capture in captures:
            written = objects(capture)
            seen.update(each["type"] for each in written)
            for each in written:
                each.pop("topics_not_listed", None)
                each.pop("clients_not_listed", None)
            self.assertEqual(objects(capture, ",verdict"), [each for each in written if each["type"] not in left_out], capture.name)
        self.assertTrue(all(seen[kind] for kind in (*left_out, "finding", "event", "statement")), seen)

    def test_file(self) -> None:
        """With file=PATH the lines go there, and nothing is printed."""
        with tempfile.TemporaryDirectory(dir=private_folder()) as folder:
            Path(folder).chmod(0o777)
            path = Path(folder, "out.jsonl")
            text = harness.tshark("-q", "-z", f"mqttscope,json,file={path}", capture=REAL)
            self.assertEqual(text, "")
            self.assertEqual([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()], objects(REAL))

    def test_unread(self) -> None:
        """A stream that goes to MQTT's port and is none is named."""
        for name, port in (("http-on-1883.pcap", 1883), ("tls-http-8883.pcapng", 8883)):
            with self.subTest(name):
                capture = objects(CAPTURES / "other-protocols" / name)[-1]
                self.assertEqual((capture["mqtt_packets"], {each["port"] for each in capture["unread_streams"]}), (0, {port}))
        self.assertEqual(objects(REAL)[-1]["unread_streams"], [])

    def test_unread_by_alpn(self) -> None:
        """So is one on port 443 that offers MQTT in its handshake, where the keys are not there; with them it was read."""
        for name in ("mqtt", "x-amzn-mqtt-ca"):
            with self.subTest(name), tempfile.TemporaryDirectory(dir=private_folder()) as folder:
                recorded = CAPTURES / "real" / f"alpn-443-{name}.pcapng"
                capture = Path(folder, "capture.pcapng")
                without_secrets(recorded, capture)
                written = objects(capture)[-1]
                self.assertGreater(written["unread_streams_total"], 0)
                self.assertEqual((written["mqtt_packets"], {(each["port"], each["alpn"]) for each in written["unread_streams"]}),
                                 (0, {(443, name)}))
                self.assertEqual(objects(recorded)[-1]["unread_streams"], [])

    def test_errors(self) -> None:
        """What cannot be done is said, a file that is full included."""
        for argument, words in ((",file=/nonexistent/x", "No such file"), (",file=/dev/full", "could not all be written"),
                                ("x", "no such statistic"), (",no such filter", "filter")):
            with self.assertRaisesRegex(harness.ToolError, words):
                harness.tshark("-q", "-z", "mqttscope,json" + argument, capture=REAL)


def vector(content: bytes, size: int) -> bytes:
    """A vector of TLS: its length in so many bytes, and what it holds."""
    return len(content).to_bytes(size, "big") + content


def client_hello(*names: bytes) -> bytes:
    """A record with a ClientHello that offers protocols by ALPN."""
    offer = vector(b"".join(vector(name, 1) for name in names), 2)
    groups = bytes.fromhex("000a 0004 0002 001d")
    extensions = vector(groups + b"\x00\x10" + vector(offer, 2), 2)
    hello = b"\x03\x03" + 32 * b"\x5a" + vector(b"", 1) + vector(b"\x13\x01", 2) + vector(b"\x00", 1) + extensions
    return b"\x16\x03\x01" + vector(b"\x01" + vector(hello, 3), 2)


class Offers(CraftedTest):
    """What a ClientHello offers, however it was sent."""

    MQTT = client_hello(b"foo", b"x-amzn-mqtt-ca")

    def unread(self, sent: str, *options: str) -> list[tuple[int, int, str | None]]:
        capture = self.capture(f"title: offers\nconnection c1: 10.0.0.9 -> 10.0.0.1:443\nconnection c2: 10.0.0.9 -> 10.0.0.1:443\n{sent}\n")
        text = harness.tshark(*options, "-q", "-z", "mqttscope,json", capture=capture)
        streams = json.loads(text.splitlines()[-1])["unread_streams"]
        return [(each["stream"], each["port"], each.get("alpn")) for each in streams]

    def test_in_one_segment(self) -> None:
        """In one pass and in two; a connection that offers something else is none of MQTT's."""
        sent = f"c2 > {client_hello(b'h2', b'http/1.1').hex()}\nc1 > {self.MQTT.hex()}"
        for options in ((), ("-2",)):
            with self.subTest(options):
                self.assertEqual(self.unread(sent, *options), [(0, 443, "x-amzn-mqtt-ca")])

    def test_in_several(self) -> None:
        """Wherever it is split, the name is found."""
        for at in (1, 5, 6, 40, len(self.MQTT) - 5, len(self.MQTT) - 1):
            with self.subTest(at):
                self.assertEqual(self.unread(f"c1 > [split {at}] {self.MQTT.hex()}"), [(0, 443, "x-amzn-mqtt-ca")])

    def test_elsewhere(self) -> None:
        """What has the same bytes elsewhere is no offer."""
        for other in (b"\x17" + self.MQTT[1:], b"\x00" + self.MQTT):
            with self.subTest(other[:2]):
                self.assertEqual(self.unread(f"c1 > {other.hex()}"), [])


class Bytes(CraftedTest):
    def test_hex(self) -> None:
        """Text that is no UTF-8 has its bytes beside it; text that is has none."""
        case = V5 + (
            'c1 > 30 { s"t\\xff" {} "x" }\nc1 > 30 { s"plain" {} "x" }\nc1 > 82 { 0001 {} s"f\\xfe" 00 s"g" 00 }\n'
            'connection c2: 10.0.0.9 -> 10.0.0.1:1883\nc2 > 10 { s"MQTT" 05 82 003c {} s"c2" s"u\\xfd" }\n')
        capture = self.capture(case)
        self.assertEqual([each.get("topic_hex") for each in of_type("topic", capture)], [None, "74ff"])
        self.assertEqual([each.get("topic_hex") for each in of_type("message", capture, ",messages")], ["74ff", None])
        connections = of_type("connection", capture)
        self.assertEqual([each.get("filter_hex") for each in connections[0]["subscriptions"]], ["66fe", None])
        self.assertEqual((connections[0].get("user_name"), connections[1]["user_name_hex"]), (None, "75fd"))


class Secrets(CraftedTest):
    def setUp(self) -> None:
        self.hostile = self.capture(HOSTILE.read_text(encoding="utf-8"))

    def test_never(self) -> None:
        """Passwords and Authentication Data are in no object, as text or in hex."""
        text = harness.tshark("-q", "-z", "mqttscope,json,messages,packets", capture=self.hostile)
        shown = [each for each in of_type("finding", self.hostile) if "**" in each["bytes"]]
        self.assertGreaterEqual({each["rule"] for each in shown}, {"connect_twice", "property_repeated", "password_missing"})
        for secret in SECRETS:
            for length in range(4, len(secret) + 1):
                self.assertNotIn(secret[:length], text)
            self.assertNotIn(secret.encode().hex()[:8], text)
            self.assertNotIn(secret.encode().hex()[-8:], text)

    def test_rest_is_shown(self) -> None:
        """What is no secret is there: all but the Password of a CONNECT that can be read."""
        found = next(each for each in of_type("finding", self.hostile) if each["rule"] == "connect_twice")
        whole = bytes.fromhex(found["bytes"].replace("**", ""))
        self.assertEqual(found["packet_length"] - len(whole), len(SECRETS[0]))
        self.assertTrue(whole.endswith(b"\x00\x04user\x00\x0e"))


if __name__ == "__main__":
    unittest.main()
