# crafted.py: captures that a test builds from the text of a case, and throws away.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A base class for tests whose captures are too many, too large or too dull to be kept as cases."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

from casefile import parse_case  # noqa: E402
from casewire import build  # noqa: E402

REAL = ROOT / "test-captures" / "real"
CASES = ROOT / "test-captures" / "cases"

CONNECTION = "title: crafted\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883\n"
V311 = CONNECTION + 'c1 > 10 { s"MQTT" 04 02 003c s"client-1" }\nc1 < 20 02 00 00\n'
V5 = CONNECTION + 'c1 > 10 { s"MQTT" 05 02 003c {} s"client-1" }\nc1 < 20 { 00 00 {} }\n'
"""A connection up to its CONNACK, in frames 1 to 5; the next line is frame 6."""


class CraftedTest(unittest.TestCase):
    """Gives captures a folder that lives as long as the test."""

    maxDiff = None

    def capture(self, text: str) -> Path:
        """The capture that the text of a case builds."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "crafted.pcap")
        path.write_bytes(build(parse_case(text)).data)
        return path
