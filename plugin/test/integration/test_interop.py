# test_interop.py: the verdicts on recordings of real clients and brokers are those that interop.md tells.
# SPDX-License-Identifier: GPL-2.0-or-later
"""tools/interop reads the recordings with the command; recording is no part of this."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from environment import Settings, identity, private_folder, readable, variables  # noqa: E402
from test_command import installed  # noqa: E402

DOCUMENT = (ROOT / "plugin" / "doc" / "interop.md").read_text(encoding="utf-8")


class Interop(unittest.TestCase):
    maxDiff = None

    def test_document(self) -> None:
        """What would be written is what is there."""
        harness.require_plugin()
        if not readable(ROOT / "tools" / "interop").is_relative_to(ROOT):
            self.skipTest("an ordinary user cannot read the tree here")
        done = subprocess.run(["/usr/bin/python3", str(ROOT / "tools" / "interop"), "check"], capture_output=True, text=True, cwd=private_folder(),
                              env=variables(Settings(), False) | {"MQTTSCOPE": str(installed() / "bin" / "mqttscope")}, timeout=600, check=False, **identity())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_size(self) -> None:
        """At least four brokers and six clients, and each recording is in the tables."""
        about = json.loads((ROOT / "test-captures" / "interop" / "programs.json").read_text(encoding="utf-8"))
        self.assertGreaterEqual((len(about["brokers"]), len(about["clients"])), (4, 6))
        recordings = sorted((ROOT / "test-captures" / "interop").glob("*/*.pcapng"))
        self.assertEqual(len(recordings), len(re.findall(r"held [0-9]+ \(", DOCUMENT)))
        self.assertEqual({each.parent.name for each in recordings}, set(about["brokers"]))

    def test_checked(self) -> None:
        """Nothing is called broken that nobody has checked."""
        self.assertIn("## Found, and not checked\n\nNothing.\n", DOCUMENT)


if __name__ == "__main__":
    unittest.main()
