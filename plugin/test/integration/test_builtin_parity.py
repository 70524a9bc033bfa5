# test_builtin_parity.py: whatever the built-in dissector shows by name, the plugin shows by the same name.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The built-in is asked on every packet of every real capture, and on the well-formed packets of the crafted cases.

Its list of names is taken from the Wireshark in use. Where it is wrong, an Exemption says where exactly and why.
mqtt.msg and mqtt.msg_text exclude each other there (a preference decides), so the built-in runs twice.
"""

from __future__ import annotations

import functools
import json
import sys
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from counted import compared  # noqa: E402
from casefile import read_case  # noqa: E402
from harness import Settings  # noqa: E402
from test_cases import CASES, settings_of  # noqa: E402

REAL = ROOT / "test-captures" / "real"
Row = dict[str, list[str]]

TEXTS = {"mqtt.msg_text": "mqtt.msg", "mqtt.willmsg_text": "mqtt.willmsg"}
"""The built-in's text fields, which take the place of its fields of bytes."""
CONTEXT = ["frame.number", "frame.len", "frame.cap_len", "mqttscope.version.source", "mqttscope.malformed",
           "mqttscope.cut", "mqttscope.framing", "mqttscope.unframed", "mqttscope.repeated"]
"""What the exemptions look at."""


@dataclass(frozen=True)
class Exemption:
    """Frames of some captures on which some names may differ, because the built-in is wrong there."""

    captures: str
    names: frozenset[str]
    reason: str
    only: Callable[[Row], bool] = lambda row: True
    """Which frames, judged by what the plugin shows of them."""


def _names(text: str) -> frozenset[str]:
    return frozenset(f"mqtt.{each}" for each in text.split())


def _is_cut(row: Row) -> bool:
    return row["frame.len"] != row["frame.cap_len"]


CODES = _names("conack.val connack.reason_code suback.qos suback.reason_code")
EXEMPTIONS = [
    Exemption("mosquitto-bridge-v311.pcap", CODES, "the bridge bit is taken for MQTT 5.0"),
    Exemption("who-bridge.pcap", CODES, "the bridge bit is taken for MQTT 5.0"),
    Exemption("bridge-bit.pcap", CODES | _names("conack.flags conack.flags.sp"), "the bridge bit is taken for 5.0"),
    Exemption("mosquitto-bridge-v31.pcap", CODES | _names("conack.flags conack.flags.sp hdr_reserved dupflag qos "
                                                          "retain_reserved"), "the bridge bit is taken for MQTT 5.0"),
    Exemption("mosquitto-midstream.pcap", _names("unknown_version"),
              "inferred from the packets; the built-in was told the version and says unknown all the same"),
    Exemption("mosquitto-snaplen.pcap", _names("prop_key prop_key_len prop_value_len property_id msg"),
              "cut: the built-in throws away a payload that was captured in part, and shows the name of a property "
              "whose value is missing; with us those bytes are in mqtt.unread", _is_cut),
    Exemption("topic-alias-both-directions.pcap", _names("topic"), "one map of aliases for both directions"),
    Exemption("connack-of-older-server.pcap", _names("conack.val"),
              "the built-in has the code of an older Server under one name, the plugin under both"),
    Exemption("tables-of-a-client.pcap", _names("conack.val"),
              "likewise"),
    Exemption("other-protocol-clients.pcap", CODES | _names("unknown_version"), "the CONNECT behind a PROXY header is not read"),
]

OUT_OF_REACH = {
    "websocket-large.pcap": "the built-in is not registered for WebSocket",
    "websocket-mqttjs.pcap": "nor is it here",
    "websocket-paho.pcap": "nor is it here",
    "websocket-tls.pcapng": "nor is it here",
}
"""Captures in which the built-in sees no MQTT at all."""
if harness.version() < (4, 2):
    OUT_OF_REACH["quic.pcapng"] = "the built-in is not registered for QUIC"

HELP = {
    "alpn-443-mqtt.pcapng": [Settings(decode_as=("tls.port==443,mqtt",))],
    "alpn-443-x-amzn-mqtt-ca.pcapng": [Settings(decode_as=("tls.port==443,mqtt",))],
    "mosquitto-ipv6-port-21883.pcap": [Settings(decode_as=("tcp.port==21883,mqtt",))],
    "mosquitto-midstream.pcap": [Settings(preferences=(("mqtt.default_version", each),))
                                 for each in ("MQTT v5.0", "MQTT v3.1.1")],
}
"""What the built-in alone has to be told, so that it sees what the plugin finds by itself; each frame must read as it
does with one of these. (Both versions travel in the midstream capture, and the built-in can assume only one.)"""


@functools.cache
def builtin_fields() -> dict[str, tuple[str, ...]]:
    """Type, base and mask of each of the built-in's fields, by name."""
    lines = (line.split("\t") for line in harness.tshark("-G", "fields", builtin=True).splitlines())
    return {each[2]: tuple(each[3:4] + each[5:7]) for each in lines if each[0] == "F" and each[4] == "mqtt"}


def _is_text(value: str) -> bool:
    """True for UTF-8, which is what the name of a text field promises."""
    try:
        bytes.fromhex("" if value == "<MISSING>" else value.replace(":", "")).decode()
        return True
    except UnicodeDecodeError:
        return False


@dataclass
class Both:
    """A capture as the built-in shows it and as the plugin does, frame by frame."""

    capture: Path
    builtin: list[Row]
    builtin_text: list[Row]
    ours: list[Row]

    @staticmethod
    def read(capture: Path, settings: Settings, builtin_settings: Settings) -> Both:
        names = sorted(builtin_fields())
        with_text = replace(builtin_settings, preferences=(*builtin_settings.preferences,
                                                           ("mqtt.show_msg_as_text", "TRUE")))
        with ThreadPoolExecutor(max_workers=2) as pool:
            runs = [pool.submit(harness.rows, capture, *arguments, **how) for arguments, how in (
                ([["frame.number", *names]], {"settings": builtin_settings, "builtin": True}),
                ([["frame.number", *TEXTS]], {"settings": with_text, "builtin": True}),
                ([[*CONTEXT, *names]], {"settings": settings}))]
            return Both(capture, *(each.result() for each in runs))

    def differences(self, only: Callable[[Row, Row], bool] = lambda builtin, ours: True) -> Iterator[tuple[str, str]]:
        """Frame number and a text for each name whose values are not the same in a frame, and not exempt."""
        for builtin, text, ours in zip(self.builtin, self.builtin_text, self.ours, strict=True):
            if not only(builtin, ours):
                continue
            compared.update({"frames of the built-in": 1, "fields of the built-in": len(builtin_fields())})
            for name in builtin_fields():
                expected = builtin[name]
                if name in TEXTS:
                    expected = [each for each, value in zip(text[name], builtin[TEXTS[name]], strict=True)
                                if _is_text(value)]
                if ours[name] != expected and not self.is_exempt(name, ours):
                    yield ours["frame.number"][0], f"{name} is {ours[name]}, the built-in has {expected}"

    def is_exempt(self, name: str, row: Row) -> bool:
        return any(each.captures == self.capture.name and name in each.names and each.only(row) for each in EXEMPTIONS)


class TestRealCaptures(unittest.TestCase):
    """Filled below with one test for each real capture."""

    maxDiff = None

    def compare(self, capture: Path) -> None:
        """Every name of the built-in has the same values, in the same order, in each frame."""
        helped = [Both.read(capture, Settings(), each) for each in HELP.get(capture.name, [Settings()])]
        self.assertTrue(any(row["mqtt.hdrflags"] for row in helped[0].ours), "no MQTT in this capture")
        if capture.name in OUT_OF_REACH:
            seen = [row for row in helped[0].builtin if any(row[name] for name in builtin_fields())]
            self.assertEqual(seen, [], f"no longer out of reach: {OUT_OF_REACH[capture.name]}")
            return
        found = [list(each.differences()) for each in helped]
        always = set.intersection(*({frame for frame, _ in each} for each in found))
        self.assertEqual([each for each in found[0] if each[0] in always], [])

    def test_exemptions_name_captures(self) -> None:
        """An exemption whose capture is gone would hide nothing, and mislead."""
        names = {each.captures for each in EXEMPTIONS} | OUT_OF_REACH.keys() | HELP.keys()
        self.assertEqual([each for each in names if not ((REAL / each).exists() or (CASES / each).exists())], [])


class TestCrafted(unittest.TestCase):
    """The crafted cases, where both dissectors saw the same packets and none of them is broken."""

    def test_well_formed_packets(self) -> None:
        """The same names and values in each well-formed packet; 100 frames at least are compared."""
        frames = 0

        def is_comparable(builtin: Row, ours: Row) -> bool:
            nonlocal frames
            broken = any(ours[name] for name in CONTEXT if name not in
                         ("frame.number", "frame.len", "frame.cap_len", "mqttscope.version.source"))
            certain = set(ours["mqttscope.version.source"]) <= {"CONNECT"}
            same = all(builtin[name] == ours[name] for name in ("mqtt.hdrflags", "mqtt.len"))
            frames += bool(not broken and certain and same and ours["mqtt.hdrflags"])
            return not broken and certain and same and bool(ours["mqtt.hdrflags"])

        for path in sorted(CASES.glob("*.case")):
            settings = settings_of(read_case(path))
            both = Both.read(path.with_suffix(".pcap"), settings, replace(settings, heuristics=()))
            with self.subTest(case=path.stem):
                self.assertEqual(list(both.differences(is_comparable)), [])
        self.assertGreater(frames, 100)


class TestNames(unittest.TestCase):
    """The names by themselves."""

    def test_there_are_76(self) -> None:
        """The same number in 4.0, 4.4 and 4.6; more in a later version is for us to look at."""
        self.assertEqual(len(builtin_fields()), 76)

    def test_registered_types(self) -> None:
        """Type, base and mask that filters, columns and graphs go by."""
        lines = (line.split("\t") for line in harness.tshark("-G", "fields").splitlines())
        ours = {each[2]: tuple(each[3:4] + each[5:7]) for each in lines if each[0] == "F" and each[4] == "mqtt"}
        self.assertEqual({name: ours.get(name) for name in builtin_fields()}, builtin_fields())

    def test_types_of_values(self) -> None:
        """tshark -G fields tells only the first field of a name; -T jsonraw tells mask and type of each value."""
        for name in ("mosquitto-v31", "mosquitto-v311", "mosquitto-v5-properties", "mqttjs-v5"):
            capture = REAL / f"{name}.pcap"
            builtin, ours = (_value_types(capture, builtin=each) for each in (True, False))
            with self.subTest(capture=name):
                self.assertGreaterEqual(len(builtin), 25)
                self.assertEqual({each: ours.get(each) for each in builtin}, builtin)


def _value_types(capture: Path, builtin: bool) -> dict[str, set[tuple[int, int]]]:
    """Mask and type of the values of each of the built-in's names."""
    out: dict[str, set[tuple[int, int]]] = {}

    def walk(name: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(key, inner)
        elif isinstance(value, list):
            # 4.6 adds the number of the data source.
            if len(value) in (5, 6) and isinstance(value[0], str) and isinstance(value[4], int):
                out.setdefault(name.removesuffix("_raw"), set()).add((value[3], value[4]))
            else:
                for inner in value:
                    walk(name, inner)

    text = harness.tshark("-T", "jsonraw", "--no-duplicate-keys", capture=capture, builtin=builtin)
    walk("", json.loads(text, strict=False))
    return {name: kinds for name, kinds in out.items() if name in builtin_fields()}


class TestWhatIsSeen(unittest.TestCase):
    """What scripts and people go by besides the names."""

    capture = REAL / "mosquitto-v5-properties.pcap"

    def test_json_key(self) -> None:
        """-T json has the packets under "mqtt", in the frames where the built-in has them."""
        keys = []
        for builtin in (True, False):
            records = json.loads(harness.tshark("-T", "json", "--no-duplicate-keys", capture=self.capture,
                                                builtin=builtin), strict=False)
            keys.append([i for i, each in enumerate(records, 1) if "mqtt" in each["_source"]["layers"]])
        self.assertGreater(len(keys[0]), 10)
        self.assertEqual(keys[1], keys[0])

    def test_protocol_filters(self) -> None:
        """Both select the frames where the built-in sees MQTT; mqttscope also those of TCP that end a connection."""
        for capture in (self.capture, REAL / "rabbitmq.pcap", REAL / "burst-level4.pcap", REAL / "tls-paho.pcapng",
                        REAL / "mosquitto-midstream.pcap", CASES / "lost-segment.pcap"):
            expected, mqtt, scope = (
                [row["frame.number"][0] for row in harness.rows(capture, ["frame.number"], display_filter=each[0],
                                                                builtin=each[1])]
                for each in (("mqtt", True), ("mqtt", False), ("mqttscope and (mqtt or not mqttscope.end)", False)))
            with self.subTest(capture=capture.name):
                self.assertEqual(mqtt, expected)
                self.assertEqual(scope, expected)

    def test_labels(self) -> None:
        """What stands in the tree for somebody who does not know the format."""
        text = harness.tshark("-V", capture=self.capture) + harness.tshark("-V", capture=REAL / "mosquitto-v311.pcap")
        for label in ("0001 .... = Packet Type: CONNECT (1)", ".... .01. = QoS: At least once delivery (1)",
                      ".... 0... = DUP: Not set", ".... ...0 = RETAIN: Not set",
                      ".... ..1. = Clean Start: Set", "Keep Alive: 60 seconds", "Protocol Version: MQTT 5.0 (5)",
                      "Protocol Version: MQTT 3.1.1 (4)", "Return Code: Connection accepted (0)",
                      "Reason Code: Success (0)", "Message Expiry Interval:", "Session Expiry Interval:"):
            with self.subTest(label=label):
                self.assertIn(label, text)
        self.assertNotIn("Unknown", text)


def _add_tests() -> None:
    for path in sorted(REAL.glob("*.pcap*")):
        def test(self: TestRealCaptures, path: Path = path) -> None:
            self.compare(path)
        test.__name__ = "test_" + path.stem.replace("-", "_").replace(".", "_")
        test.__doc__ = f"{path.name} reads as the built-in reads it."
        setattr(TestRealCaptures, test.__name__, test)


_add_tests()

if __name__ == "__main__":
    unittest.main()
