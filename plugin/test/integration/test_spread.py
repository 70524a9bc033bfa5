# test_spread.py: a capture taken apart by tools/spread, read part by part, shows what it shows as a whole.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The capture is made of several recorded and crafted ones, each given hosts of its own, their frames interleaved in
time. What is compared is compared twice: by `spread prove` and by the harness, which knows nothing of it."""

from __future__ import annotations

import functools
import io
import json
import re
import struct
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import harness
import test_recipes
from harness import program

TREE = Path(__file__).resolve().parents[3]
CAPTURES = TREE / "test-captures"
DOCUMENT = (TREE / "plugin" / "doc" / "big-captures.md").read_text(encoding="utf-8")
sys.path.insert(0, str(TREE / "tools"))

import spreadfile  # noqa: E402
import spreadread  # noqa: E402
from spreadfile import Capture  # noqa: E402
from spreadsplit import Numbers  # noqa: E402

SOURCES = ("real/mosquitto-v5", "real/mosquitto-session", "real/paho-v5-properties", "real/rabbitmq-qos2",
           "real/mosquitto-refused", "real/mosquitto-midstream", "cases/session-taken-over",
           "cases/session-three-connections", "cases/string-past-end", "cases/suback-codes", "cases/out-of-order",
           "cases/retransmission", "cases/lost-segment", "cases/qos-3", "cases/packet-type-0",
           "cases/exchange-resend-v311")
SECTIONS = ("tls-mosquitto", "alpn-443-mqtt", "websocket-tls", "quic", "tls-burst")
"""Captures with TLS secrets; each has a broker's port of its own, but for the last."""


def frames_of(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """(time in microseconds, frame, length on the wire) of a pcap file with this machine's usual byte order."""
    data, at = path.read_bytes(), 24
    while at < len(data):
        seconds, microseconds, captured, length = struct.unpack_from("<IIII", data, at)
        yield seconds * 1_000_000 + microseconds, data[at + 16:at + 16 + captured], length
        at += 16 + captured


def moved(frame: bytes, number: int, moving: bool) -> bytes:
    """The frame between a broker and a client that only this source has. A client that is moving has another address
    for each of its connections. Checksums are not mended: nobody looks at them."""
    ports = struct.unpack_from(">HH", frame, 34)
    client = max(ports) if 1883 not in ports else ports[1] if ports[0] == 1883 else ports[0]
    addresses = [bytes((10, number, 1, 1)) if port != client else
                 bytes((10, number, 2, client % 250 if moving else 1)) for port in ports]
    return frame[:26] + b"".join(addresses) + frame[34:]


@functools.cache
def interleaved(moving: bool) -> bytes:
    """A pcap file of all sources, each begun a few milliseconds after the other, and some frames that are not IP."""
    out: list[tuple[int, bytes, int]] = []
    for number, name in enumerate(SOURCES):
        frames = list(frames_of(CAPTURES / f"{name}.pcap"))
        shift = 1_700_000_000_000_000 + 1700 * number - frames[0][0]
        out += [(time + shift, moved(frame, number, moving), length) for time, frame, length in frames]
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    out += [(1_700_000_000_000_000 + 300 * each, arp, len(arp)) for each in range(5)]
    out.sort(key=lambda each: each[0])
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + b"".join(
        struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(frame), length) + frame
        for time, frame, length in out)


@functools.cache
def sections() -> bytes:
    """Several pcapng files one behind the other, which is a pcapng file of several sections."""
    return b"".join((CAPTURES / "real" / f"{name}.pcapng").read_bytes() for name in SECTIONS)


def records(data: bytes) -> list[tuple[int, bytes]]:
    """(link, bytes) of each record."""
    return [(link, data[start:end]) for data, start, end, _, _, link in Capture(io.BytesIO(data)).records()]


def frames(data: bytes) -> list[bytes]:
    """The records that are frames."""
    return [each for link, each in records(data) if link >= spreadfile.FRAME_WITHOUT_LINK]


class Spread(test_recipes.Recipe):
    """A test with a folder, and tools/spread run in it with the plugin."""

    def spread(self, words: str) -> str:
        return test_recipes.run(f"python3 tools/spread {words}", self.folder, MQTTSCOPE_TSHARK=program("tshark"))

    def put(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(0o644)
        return path

    def parts(self, folder: str) -> list[Path]:
        """The parts in a folder."""
        return sorted(each for each in (self.folder / folder).iterdir() if each.suffix.startswith(".pcap"))


class TestSplit(Spread):
    """What stands in the parts; no Wireshark is asked."""

    def check_parts(self, whole: bytes, folder: str) -> list[int]:
        """Each frame is in one part and in its order there; how many frames each part has."""
        expected = frames(whole)
        found: dict[int, bytes] = {}
        sizes = []
        for part in self.parts(folder):
            numbers = Numbers(part)
            of_part = frames(part.read_bytes())
            told = [numbers[each] for each in range(1, len(of_part) + 1)]
            self.assertEqual(told, sorted(set(told)))
            self.assertEqual(part.with_suffix(".frames").stat().st_size, 4 * len(of_part))
            for number, frame in zip(told, of_part):
                self.assertNotIn(number, found)
                found[number] = frame
            sizes.append(len(of_part))
        self.assertEqual([found[each] for each in sorted(found)], expected)
        self.assertEqual(sorted(found), list(range(1, len(expected) + 1)))
        return sizes

    def test_each_frame_is_in_one_part(self) -> None:
        whole = self.put("whole.pcap", interleaved(False))
        for by in ("broker", "hosts", "connection"):
            for count in (1, 3, 8):
                with self.subTest(by=by, parts=count):
                    folder = f"{by}-{count}"
                    self.spread(f"split -n {count} --by {by} -o {folder} whole.pcap")
                    sizes = self.check_parts(whole.read_bytes(), folder)
                    self.assertTrue(all(sizes), sizes)
                    about = json.loads((self.folder / folder / "spread.json").read_text())
                    self.assertEqual((about["frames"], about["unclassified"], about["everywhere"], about["cut"]),
                                     (sum(sizes), 5, 0, False))

    def test_each_block_of_pcapng(self) -> None:
        """Sections, interfaces and TLS secrets are in every part, in their places, and no section tells its length."""
        whole = sections()
        self.put("whole.pcapng", whole)
        self.spread("split -n 3 -o parts - < whole.pcapng")
        self.check_parts(whole, "parts")
        kept = [each for link, each in records(whole) if link < spreadfile.FRAME_WITHOUT_LINK]
        kinds = [struct.unpack_from("<I", each)[0] for each in kept]
        self.assertEqual((kinds.count(0x0A0D0D0A), kinds.count(1)), (len(SECTIONS), len(SECTIONS)))
        self.assertGreaterEqual(kinds.count(10), len(SECTIONS))
        expected = [each[:16] + b"\xff" * 8 + each[24:] if each[:4] == b"\x0a\x0d\x0d\x0a" else each for each in kept]
        for part in self.parts("parts"):
            self.assertEqual([each for link, each in records(part.read_bytes())
                              if link < spreadfile.FRAME_WITHOUT_LINK], expected)

    def test_as_it_comes(self) -> None:
        """The parts do not depend on how much is read at once."""
        for name, data in (("pcap", interleaved(False)), ("pcapng", sections())):
            expected = records(data)
            for block in (97, 1000, 4096):
                with self.subTest(name=name, block=block), mock.patch.object(spreadfile, "BLOCK", block):
                    self.assertEqual(records(data), expected)

    def test_swapped(self) -> None:
        """Byte orders other than this machine's, and times in nanoseconds."""
        data = interleaved(False)
        out = struct.pack(">IHHiIII", 0xA1B23C4D, *struct.unpack_from("<HHiIII", data, 4))
        for frame in frames(data):
            out += struct.pack(">IIII", *struct.unpack_from("<IIII", frame)) + frame[16:]
        self.assertEqual([each[16:] for each in frames(out)], [each[16:] for each in frames(data)])
        self.put("swapped.pcap", out)
        self.spread("split -n 3 --by broker -o parts swapped.pcap")
        self.check_parts(out, "parts")
        ng = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        ng += struct.pack(">IIHHII", 1, 20, 101, 0, 0, 20)
        ng += struct.pack(">III", 3, 20, 4) + b"abcd" + struct.pack(">I", 20)
        self.assertEqual([link for link, _ in records(ng)], [spreadfile.SECTION_HEADER, spreadfile.NOT_A_FRAME, 101])

    def test_choice(self) -> None:
        """Brokers where there are several, else hosts."""
        self.put("whole.pcap", interleaved(True))
        self.assertIn("split by broker", self.spread("split -n 3 -o brokers whole.pcap"))
        one = interleaved(True)[:24] + b"".join(
            each[:42] + re.sub(rb"\x0a.\x01\x01", lambda _: b"\x0a\0\x01\x01", each[42:50], flags=re.DOTALL) + each[50:]
            for each in frames(interleaved(True)))
        self.put("one.pcap", one)
        self.assertIn("split by hosts", self.spread("split -n 3 -o hosts one.pcap"))
        self.check_parts(one, "hosts")

    def test_what_is_no_capture(self) -> None:
        whole = interleaved(False)
        for name, data, message in (
                ("text", b"no capture at all", "neither pcap nor pcapng"), ("empty", b"", "neither"),
                ("gzip", b"\x1f\x8b\x08\x00", "compressed"), ("short", whole[:20], "ends in its header"),
                ("large", whole[:24] + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 60), "a record says"),
                ("block", sections()[:4] + struct.pack("<I", 13) + sections()[8:], "a block says")):
            with self.subTest(name):
                self.put(name, data)
                with self.assertRaisesRegex(AssertionError, f"status 1 [^$]*spread: .*{message}"):
                    self.spread(f"split -n 2 -o of-{name} {name}")
        self.put("cut", whole[:-7])
        self.spread("split -n 2 --by hosts -o of-cut cut")
        self.check_parts(whole[:-7], "of-cut")
        self.assertTrue(json.loads((self.folder / "of-cut" / "spread.json").read_text())["cut"])
        with self.assertRaisesRegex(AssertionError, "is not empty"):
            self.spread("split -n 2 -o of-cut cut")


class TestEqual(Spread):
    """The parts show what the whole shows."""

    @staticmethod
    def without_numbers(message: str) -> str:
        """A part counts frames and connections anew; `spread prove` has compared what they stand for."""
        return re.sub(r"(frame|mqttscope\.connection) \d+", r"\1", message)

    def shown(self, capture: Path, numbers: Numbers | None = None) -> tuple[dict[int, str], list[tuple[Any, ...]]]:
        """The projection and the findings, by frame of the whole; the harness's, not those of tools/spread."""
        lines, findings = {}, []
        alone = harness.Settings((("mqttscope.follow_messages", "FALSE"),))
        for packet in harness.packets(capture, display_filter="mqtt", settings=alone):
            number = packet.number if numbers is None else numbers[packet.number]
            who = [packet.values.get(name) for name in ("mqttscope.client", "mqttscope.src.role", "mqttscope.dst.role",
                                                        "mqttscope.response_time", "mqttscope.idle_time")]
            # A part has fewer brokers, so that some lose the address in their names.
            shown = re.sub(r"\bbroker [^\s\"]+:\d+", "broker", harness.project([packet]))
            lines[number] = re.sub(r"^\d+ ", "", shown) + repr(who)
            findings += [(number, each.name, each.severity, self.without_numbers(each.message))
                         for each in packet.findings]
        return lines, findings

    def check(self, capture: str, how: str, count: int) -> None:
        folder = f"parts-{count}"
        self.spread(f"split -n {count} {how} -o {folder} {capture}")
        self.assertIn("the parts show what the whole shows", self.spread(f"prove {capture} {folder}"))
        whole, findings = self.shown(self.folder / capture)
        lines: dict[int, str] = {}
        found: list[tuple[Any, ...]] = []
        with_mqtt = 0
        for part in self.parts(folder):
            of_part, findings_of_part = self.shown(part, Numbers(part))
            self.assertFalse(lines.keys() & of_part.keys())
            lines |= of_part
            found += findings_of_part
            with_mqtt += bool(of_part)
        self.assertGreater(with_mqtt, 1)
        self.assertEqual(lines, whole)
        self.assertEqual(sorted(found), sorted(findings))

    def test_by_broker(self) -> None:
        """Clients that change their address with each connection."""
        self.put("whole.pcap", interleaved(True))
        for count in (2, 5):
            self.check("whole.pcap", "", count)
        self.assertGreater(len(self.shown(self.folder / "whole.pcap")[1]), 10)

    def test_by_hosts(self) -> None:
        self.put("whole.pcap", interleaved(False))
        self.check("whole.pcap", "--by hosts", 4)

    def test_secrets(self) -> None:
        """TLS and QUIC are decrypted in each part by the secrets in it."""
        self.put("whole.pcapng", sections())
        self.check("whole.pcapng", "--by broker --port 443", 3)

    def test_what_is_torn(self) -> None:
        """A split that tears sessions is found out: one connection takes another over in no part."""
        self.put("whole.pcap", interleaved(True))
        self.spread("split -n 8 --by connection -o torn whole.pcap")
        with self.assertRaisesRegex(AssertionError, r"(?s)status 1 .*mqttscope_.*\d+ differences"):
            self.spread("prove whole.pcap torn")

    def test_comparison(self) -> None:
        """It sees a frame that is missing on either side, another value, and two connections taken for one."""
        one = {"mqttscope_client": ["a"], "mqttscope_connection": ["7"]}
        comparison = spreadread.Comparison()
        self.assertEqual(list(comparison.compare(1, one, one | {"mqttscope_connection": ["0"]}, 2)), [])
        for whole, part, number in ((one, one | {"mqttscope_client": ["b"], "mqttscope_connection": ["0"]}, 2),
                                    (one, one, 2), (one | {"mqttscope_connection": ["8"]}, one | {
                                        "mqttscope_connection": ["0"]}, 2), (one, None, 2), (None, one, 2)):
            with self.subTest(whole=whole, part=part):
                self.assertEqual(len(list(comparison.compare(2, whole, part, number))), 1)
        self.assertEqual(comparison.differences, 5)


class TestDocuments(Spread):
    """What is loaded into OpenSearch or Elasticsearch. None is at hand: the form is checked."""

    RANGES = {"byte": 7, "short": 15, "integer": 31, "long": 63}

    @functools.cache
    def mapping(self) -> dict[str, Any]:
        return json.loads(self.spread("mapping"), object_pairs_hook=self.once)

    def once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object; a name that stands in it twice is refused by the servers."""
        self.assertEqual(len(dict(pairs)), len(pairs), pairs)
        return dict(pairs)

    def check_value(self, name: str, value: Any, kind: str) -> None:
        """What a server asks of a value of this type."""
        said = f"{name}: {value!r} as {kind}"
        if kind == "boolean":
            self.assertIn(value, (True, False, "true", "false"), said)
        elif kind in self.RANGES:
            limit = 1 << self.RANGES[kind]
            self.assertRegex(value, r"\A-?\d+\Z", said)
            self.assertTrue(-limit <= int(value) < limit, said)
        elif kind == "double":
            self.assertRegex(value, r"\A-?\d+(\.\d+)?\Z", said)
        elif kind == "date":
            self.assertRegex(value, r"\A(\d{10,14}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z)\Z", said)
        elif kind == "ip":
            self.assertRegex(value, r"\A[0-9a-f.:]+\Z", said)
        else:
            self.assertIn(kind, ("keyword", "text"), said)
            self.assertIsInstance(value, str, said)

    def check_object(self, value: Any, properties: dict[str, Any], path: str = "") -> None:
        """Each field is in the mapping, and its values are of its type."""
        for each in value if isinstance(value, list) else [value]:
            self.assertIsInstance(each, dict, path)
            for name, inner in each.items():
                self.assertIn(name, properties, path)
                if "properties" in properties[name]:
                    self.check_object(inner, properties[name]["properties"], f"{path}{name}.")
                else:
                    for one in inner if isinstance(inner, list) else [inner]:
                        self.check_value(path + name, one, properties[name]["type"])

    @staticmethod
    def without_connection(message: str) -> str:
        """Each part has numbers of its own."""
        return re.sub(r"mqttscope\.connection \d+", "mqttscope.connection", message)

    def test_bulk_and_table(self) -> None:
        """Each line is an action or a document that the mapping fits; the findings are the whole's, in order."""
        whole = self.put("whole.pcap", interleaved(True))
        self.spread("split -n 3 -o parts whole.pcap")
        self.spread("run --jobs 2 --index traffic parts")
        expected = [each for packet in harness.packets(whole, display_filter="mqtt") for each in packet.findings]
        names: list[str] = []
        for part in self.parts("parts"):
            lines = part.with_suffix(".ek").read_text(encoding="utf-8").split("\n")
            self.assertEqual(lines.pop(), "")
            for action, document in zip(lines[::2], lines[1::2], strict=True):
                read = json.loads(document, object_pairs_hook=self.once)
                number = read["layers"]["frame"]["frame_frame_number"]
                self.assertEqual(json.loads(action), {"index": {"_index": "traffic", "_id": number}})
                self.check_object(read, self.mapping()["mappings"]["properties"])
                self.assertEqual(read["part"], part.stem)
                self.assertTrue(read["layers"]["mqttscope"])
                names.append(number)
        numbers = [str(packet.number) for packet in harness.packets(whole, display_filter="mqtt")]
        self.assertEqual(sorted(names), sorted(numbers))
        head, *rows = [row.split("\t") for row in (self.folder / "parts" / "findings.tsv").read_text(
            encoding="utf-8").splitlines()]
        self.assertEqual(head, ["frame", "time", "from", "to", "severity", "name", "message"])
        self.assertEqual([(int(row[0]), *row[4:6], self.without_connection(row[6])) for row in rows],
                         [(each.frame, each.severity, each.name, self.without_connection(each.message))
                          for each in expected])
        self.assertIn(" in frame ", "".join(row[6] for row in rows))
        self.assertRegex("\n".join(row[2] for row in rows), r"\A(10\.\d+\.[12]\.\d+:\d+\n?)+\Z")
        again = self.spread("findings parts")
        self.assertEqual(again, (self.folder / "parts" / "findings.tsv").read_text(encoding="utf-8"))

    def test_documents_of_tls(self) -> None:
        """pcapng, TLS, WebSocket and QUIC as well; links lead to frames of the whole."""
        whole = self.put("whole.pcapng", sections())
        self.spread("split -n 3 --port 443 -o parts whole.pcapng")
        self.spread("run parts -- -2")
        links = {}
        for part in self.parts("parts"):
            for line in part.with_suffix(".ek").read_text(encoding="utf-8").splitlines()[1::2]:
                read = json.loads(line, object_pairs_hook=self.once)
                self.check_object(read, self.mapping()["mappings"]["properties"])
                inferred = read["layers"]["mqttscope"]
                found = [link for each in (inferred if isinstance(inferred, list) else [inferred])
                         for link in [each.get("mqttscope_mqttscope_response_in")] if link is not None]
                if found:
                    links[read["layers"]["frame"]["frame_frame_number"]] = found
        rows = harness.rows(whole, ["frame.number", "mqttscope.response_in"], display_filter="mqttscope.response_in",
                            order=harness.Order.TWO_PASSES)
        self.assertGreater(len(links), 50)
        self.assertEqual(links, {row["frame.number"][0]: row["mqttscope.response_in"] for row in rows})

    def test_mapping(self) -> None:
        """Every field of MQTT that has a value is in it, under its protocol, with a type that fits."""
        layers = self.mapping()["mappings"]["properties"]["layers"]["properties"]
        for row in harness.tshark("-G", "fields").splitlines():
            word = row.split("\t")
            if word[0] == "F" and word[4] in ("mqtt", "mqttscope") and word[3] not in ("FT_NONE", "FT_PROTOCOL"):
                kind = layers[word[4]]["properties"][f"{word[4]}_{word[2]}".replace(".", "_")]["type"]
                if "STRING" in word[3] or "BYTES" in word[3]:
                    self.assertEqual(kind, "keyword", word[2])
                elif word[3] == "FT_RELATIVE_TIME":
                    self.assertEqual(kind, "double", word[2])
                else:
                    self.assertIn(kind, ("boolean", "short", "integer", "long"), word[2])


class TestDocument(Spread):
    """What big-captures.md says can be run."""

    def test_commands(self) -> None:
        """Its commands for this machine, one after the other."""
        commands = re.findall(r"<!-- run -->\n```sh\n(.*?)```\n", DOCUMENT, re.DOTALL)
        self.assertGreaterEqual(len(commands), 3)
        self.put("big.pcapng", interleaved(True))
        script = "PATH=$PWD/tools:$PATH\n" + "\n".join(commands)
        output = test_recipes.run(script, self.folder, MQTTSCOPE_TSHARK=program("tshark"))
        self.assertIn("the parts show what the whole shows", output)
        self.assertIn("\terror\tmqttscope.rule.", output)


if __name__ == "__main__":
    unittest.main()
