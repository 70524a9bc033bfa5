# test_builtin_layers.py: wherever Wireshark shows that a frame is MQTT, it shows what it shows with the built-in dissector.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The layers of a frame (frame.protocols), the Protocol column, the protocols of the tree (PDML), the protocol hierarchy
(io,phs), and what -J and -O select.

All frames of the real captures are compared, and those of the crafted cases in which both dissectors see the same packets.
JSON that no Content Type announces is dissected by the plugin alone, and the built-in gives packets up that the plugin shows
as far as they go: neither counts here.
"""

from __future__ import annotations

import io
import json
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from casefile import read_case  # noqa: E402
from counted import compared  # noqa: E402
from crafted import CASES, REAL, V5, CraftedTest  # noqa: E402
from harness import Settings  # noqa: E402
from programs import tshark_bytes  # noqa: E402
from test_builtin_parity import HELP, OUT_OF_REACH  # noqa: E402
from test_cases import settings_of  # noqa: E402

OURS_ALONE = re.compile(r"json|_ws\..*")
"""Protocols that are there by the plugin alone, or by the built-in alone."""

OTHER_VERSION = ("midstream-v5",)
"""Cases whose version the built-in cannot know: it takes the Content Type for payload."""


@dataclass(frozen=True)
class Shown:
    """What Wireshark shows of one frame."""

    packets: tuple[str, ...]
    """The fixed headers of the MQTT packets in it."""
    layers: str
    column: str
    items: int
    """How often MQTT is in the tree."""


def _common(text: str, separator: str) -> str:
    return separator.join(each for each in text.split(separator) if not OURS_ALONE.fullmatch(each.lower()))


def shown(capture: Path, settings: Settings, builtin: bool = False) -> list[Shown]:
    """What is shown of each frame."""
    rows = harness.rows(capture, ["frame.protocols", "protocol", "mqtt.hdrflags", "mqtt"], settings=settings, builtin=builtin)
    return [Shown(tuple(row["mqtt.hdrflags"]), _common(row["frame.protocols"][0], ":"), _common(row["protocol"][0], "/"),
                  len(row["mqtt"])) for row in rows]


def protos(capture: Path, settings: Settings, builtin: bool = False) -> list[list[str]]:
    """The protocols of each frame's tree in PDML, outermost only."""
    text = tshark_bytes(["-T", "pdml"], capture, settings, harness.Order.ONE_PASS, builtin, 60)
    return [[name for child in element if not OURS_ALONE.fullmatch(name := child.get("name", ""))]
            for _, element in ElementTree.iterparse(io.BytesIO(text)) if element.tag == "packet"]


def hierarchy(capture: Path, settings: Settings, builtin: bool = False) -> list[str]:
    """The lines of io,phs; with what a tree has of reassembly alike in both."""
    text = harness.tshark("-q", "-z", "io,phs", capture=capture, settings=settings, builtin=builtin)
    lines = [each for each in text.splitlines() if "frames:" in each]
    return [each for each in lines if not OURS_ALONE.fullmatch(each.split()[0])]


class TestRealCaptures(unittest.TestCase):
    """Filled below with one test for each real capture."""

    maxDiff = None

    def compare(self, capture: Path) -> None:
        """Each frame, and the hierarchy of all."""
        helped = HELP.get(capture.name, [Settings()])[0]
        with ThreadPoolExecutor(max_workers=2) as pool:
            (ours, builtin), (trees, builtin_trees), (hierarchies, builtin_hierarchies) = (
                pool.map(each, [capture] * 2, [Settings(), helped], [False, True]) for each in (shown, protos, hierarchy))
        self.assertTrue(any(each.packets for each in ours), "no MQTT in this capture")
        for number, (each, tree) in enumerate(zip(ours, trees, strict=True), 1):
            with self.subTest(frame=number):
                self.assertNotIn("mqttscope", each.layers.split(":") + tree)
                self.assertEqual("mqtt" in each.layers.split(":"), each.items > 0)
                self.assertEqual(tree.count("mqtt"), each.items)
        if capture.name in OUT_OF_REACH:
            return
        # The built-in is told one version for all, and may give packets up that the plugin reads.
        self.assertEqual([replace(each, packets=()) for each in ours], [replace(each, packets=()) for each in builtin])
        self.assertEqual(trees, builtin_trees)
        self.assertEqual(hierarchies, builtin_hierarchies)
        compared.update({"frames of the built-in": len(ours)})


class TestCrafted(CraftedTest):
    """The crafted cases."""

    def test_cases(self) -> None:
        """Each frame in which both see the same packets; 1,000 at least are compared."""
        frames = 0
        for path in sorted(set(CASES.glob("**/*.case")) - {CASES / f"{each}.case" for each in OTHER_VERSION}):
            settings = settings_of(read_case(path))
            capture = path.with_suffix(".pcap")
            ours, builtin = shown(capture, settings), shown(capture, replace(settings, heuristics=()), builtin=True)
            for number, (each, other) in enumerate(zip(ours, builtin, strict=True), 1):
                with self.subTest(case=path.stem, frame=number):
                    self.assertNotIn("mqttscope", each.layers)
                    # A packet that breaks a limit of size has an item where it begins, too.
                    if each.packets and each.packets == other.packets and each.items == len(each.packets):
                        self.assertEqual(each, other)
                        frames += 1
        compared.update({"frames of the built-in": frames})
        self.assertGreater(frames, 1000)

    def test_json_that_is_announced(self) -> None:
        """Its layers are the built-in's too, several packets in a frame included."""
        capture = self.capture(V5 + 'c1 > 30 { s"a" { 03 s"application/json" } "{}" } c0 00\n'
                               'c1 > c0 00 30 { s"a" { 03 s"application/json" } "[1]" }\n')
        for name in ("frame.protocols", "protocol"):
            ours, builtin = (harness.rows(capture, [name], builtin=each) for each in (False, True))
            self.assertEqual(ours, builtin)

    def test_recognised_by_its_connect(self) -> None:
        """The frame that a heuristic recognises has no layer of its own."""
        capture = self.capture('title: x\nconnection c1: 10.0.0.2 -> 10.0.0.1:4711\n'
                               'c1 > 10 { s"MQTT" 04 02 003c s"client-1" }\nc1 < 20 02 00 00\n')
        layers = [row["frame.protocols"][0].split(":")[-2:] for row in harness.rows(capture, ["frame.protocols"])[-2:]]
        self.assertEqual(layers, [["tcp", "mqtt"]] * 2)


class TestSelection(unittest.TestCase):
    """What is selected by protocol."""

    capture = REAL / "mosquitto-v5-properties.pcap"

    def test_json_of_one_protocol(self) -> None:
        """-J mqtt: the frames and protocols that the built-in has, and what is inferred inside them."""
        kept = []
        for builtin in (True, False):
            records = json.loads(harness.tshark("-T", "json", "-J", "mqtt", "--no-duplicate-keys", capture=self.capture,
                                                builtin=builtin), strict=False)
            kept.append([sorted(each["_source"]["layers"]) for each in records])
        self.assertEqual(kept[1], kept[0])
        packet = next(each for each in records if "mqtt" in each["_source"]["layers"])["_source"]["layers"]["mqtt"]
        self.assertIn("mqtt.hdrflags", str(packet))
        self.assertIn("mqttscope.connection", str(packet))

    def test_tree_of_one_protocol(self) -> None:
        """-O mqtt opens the trees of MQTT packets, that of what is inferred too, and no others."""
        texts = [harness.tshark("-O", "mqtt", capture=self.capture, builtin=each) for each in (True, False)]
        closed = [[line for line in text.splitlines() if line and not line.startswith((" ", "MQ "))] for text in texts]
        self.assertEqual(closed[1], closed[0])
        opened = [sum(line.startswith("MQ ") for line in text.splitlines()) for text in texts]
        self.assertEqual(opened[1], opened[0])
        self.assertEqual(texts[1].count("Fixed Header: "), opened[0])
        self.assertEqual(texts[1].count("[MQTT connection: "), opened[0])


def _add_tests() -> None:
    for path in sorted(REAL.glob("*.pcap*")):
        def test(self: TestRealCaptures, path: Path = path) -> None:
            self.compare(path)
        test.__name__ = "test_" + path.stem.replace("-", "_").replace(".", "_")
        test.__doc__ = f"{path.name} is shown as MQTT where the built-in shows it so."
        setattr(TestRealCaptures, test.__name__, test)


_add_tests()

if __name__ == "__main__":
    unittest.main()
