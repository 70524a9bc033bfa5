# test_export.py: each PUBLISH payload is saved as a file of its own, under a name that does no harm.
# SPDX-License-Identifier: GPL-2.0-or-later
"""`tshark --export-objects mqttscope,DIR` on recorded and crafted captures."""

from __future__ import annotations

import re
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path

from harness import rows, tshark

CAPTURES = Path(__file__).resolve().parents[3] / "test-captures"
BROKEN = ("control-characters", "bytes-left-over", "property-past-block", "property-unknown", "qos-3", "snap-length",
          "string-past-end", "topic-alias-both-directions", "lost-segment", "remaining-length-five-bytes")
"""Crafted cases with contents that nobody well-meaning sends, or with parts of packets missing."""

SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*-frame(?P<frame>\d+)(-(?P<pdu>\d+))?"
                       r"\.(bin|cbor|csv|jpg|json|png|txt|xml)")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


COPIES = ("-o", "mqttscope.export_copies:TRUE")


def exported(capture: Path, *options: str) -> dict[str, bytes]:
    """File name to content."""
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "inside"
        inside.mkdir()
        Path(folder).chmod(0o777)
        inside.chmod(0o777)
        tshark("-q", *options, "--export-objects", f"mqttscope,{inside}", capture=capture)
        if list(Path(folder).iterdir()) != [inside]:
            raise AssertionError(f"{capture}: files were written outside the folder")
        return {each.name: each.read_bytes() for each in inside.iterdir()}


def payloads(capture: Path) -> dict[int, list[bytes]]:
    """Frame number to the payloads of its PUBLISHes that are not empty, in their order."""
    shown = rows(capture, ["frame.number", "mqtt.msg"], display_filter="mqtt.msg")
    return {int(row["frame.number"][0]): found for row in shown
            if (found := [bytes.fromhex(value.replace(":", "")) for value in row["mqtt.msg"]
                          if value not in ("", "<MISSING>")])}


def by_frame(files: dict[str, bytes]) -> dict[int, list[bytes]]:
    """Frame number to the contents of the files named by it, in the order of the packets in the frame."""
    found: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    for name, content in files.items():
        match = SAFE_NAME.fullmatch(name)
        if match is None:
            raise AssertionError(f"not a safe name: {name!r}")
        found[int(match["frame"])].append((int(match["pdu"] or 1), content))
    return {frame: [content for _, content in sorted(each)] for frame, each in found.items()}


class TestExport(unittest.TestCase):
    maxDiff = None

    def test_real_captures(self) -> None:
        """Asked for each copy: as many files as payloads, byte for byte, whatever carries them."""
        for name in ("readme-pair-v5.pcap", "mosquitto-v5-properties.pcap", "mosquitto-large.pcap", "burst-level5.pcap",
                     "tls-paho.pcapng", "tls-burst.pcapng", "websocket-mqttjs.pcap", "websocket-large.pcap",
                     "websocket-tls.pcapng", "quic.pcapng"):
            with self.subTest(capture=name):
                capture = CAPTURES / "real" / name
                expected = payloads(capture)
                self.assertTrue(expected)
                self.assertEqual(by_frame(exported(capture, *COPIES)), expected)

    def test_readme_pair(self) -> None:
        """Named by topic and frame; the message is there once, unless each copy is asked for."""
        pair = CAPTURES / "real" / "readme-pair-v5.pcap"
        self.assertEqual(exported(pair), {"topic_001-frame18.txt": b"hello!"})
        self.assertEqual(exported(pair, *COPIES), {"topic_001-frame18.txt": b"hello!", "topic_001-frame19.txt": b"hello!"})

    def test_each_message_once(self) -> None:
        """What is published again is another message; a delivery or what is re-sent is none, and is there where nothing else is."""
        files = exported(CAPTURES / "cases" / "export-once.pcap")
        self.assertEqual(files, {"room_1-frame10.json": b'{"t": 21.5}', "room_1-frame13.json": b'{"t": 21.5}',
                                 "room_2-frame12.txt": b"stored"})

    def test_hostile_topics(self) -> None:
        """Names are safe and distinct; a payload that was not captured whole and an empty one are left out."""
        capture = CAPTURES / "cases" / "export-hostile.pcap"
        files = exported(capture)
        contents = sorted(files.values())
        self.assertEqual(contents, sorted([b"up", b"root", b"drive", b"con", b"dot", b"dash", b"control", b"signs", b"wide",
                                           b"long", b"\x7fELF\0\xff", b"{}", b"first", b"second", b"third", b"fake"]))
        self.assertEqual(len({name.lower() for name in files}), len(files))
        for name in files:
            self.assertIsNotNone(SAFE_NAME.fullmatch(name), name)
            self.assertIsNone(RESERVED.fullmatch(name), name)
            self.assertLess(len(name), 100)

    def test_aliases_content_types_and_packets_in_a_frame(self) -> None:
        """The topic behind an alias names the file; the content type chooses its ending, from a list of ours."""
        files = exported(CAPTURES / "cases" / "export-hostile.pcap")
        named = {content: name for name, content in files.items()}
        self.assertEqual([named[each] for each in (b"first", b"second", b"third")],
                         ["aliased_topic-frame19.txt", "aliased_topic-frame19-2.txt", "aliased_topic-frame19-3.txt"])
        self.assertEqual(named[b"{}"], "type-frame17.json")
        self.assertEqual(named[b"\x7fELF\0\xff"], "type-frame16.bin")

    def test_crafted_cases(self) -> None:
        """Broken packets are exported without a complaint, under safe names."""
        for name in BROKEN:
            with self.subTest(capture=name):
                by_frame(exported(CAPTURES / "cases" / f"{name}.pcap"))


if __name__ == "__main__":
    unittest.main()
