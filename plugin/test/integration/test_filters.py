# test_filters.py: the filters of Wireshark's menu Conversation Filter, for each frame of a capture.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The menu is the window's; conversation-filters.c asks in its place. What a filter shows is then asked of tshark."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from pathlib import Path

import environment
import harness

CASES = Path(__file__).resolve().parents[3] / "test-captures" / "cases"


def filters_of(capture: Path) -> dict[int, dict[str, str]]:
    """The filters offered for each frame, by their names."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[-1])
    if compiler is None or os.environ.get("LD_PRELOAD"):
        raise unittest.SkipTest("needs a C compiler, and nothing else preloaded")
    library = environment.private_folder() / "conversation-filters.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).with_name("conversation-filters.c"))],
                   check=True)
    library.chmod(0o755)
    done = subprocess.run([environment.program("tshark"), "-n", "-V", "-r", str(environment.readable(capture))], check=True,
                          capture_output=True, cwd=environment.private_folder(),
                          env=environment.variables(environment.Settings(), False) | {"LD_PRELOAD": str(library)},
                          **environment.identity())
    found: dict[int, dict[str, str]] = {}
    for line in done.stderr.decode().splitlines():
        word, *cells = line.split("\t")
        if word == "conversation-filter":
            found.setdefault(int(cells[0]), {})[cells[1]] = cells[2]
    return found


class TestFilters(unittest.TestCase):
    """Each filter, on the frames that it is offered for."""

    def shown(self, capture: Path, display_filter: str) -> list[int]:
        """The frames that a filter shows."""
        return [int(row["frame.number"][0]) for row in harness.rows(capture, ["frame.number"], display_filter=display_filter)]

    def test_journey(self) -> None:
        """On each packet of a journey "MQTT message" shows all of it, and "MQTT topic" at least that."""
        capture = CASES / "journey" / "qos-0-1-2.pcap"
        found = filters_of(capture)
        first, second = (self.shown(capture, f"mqttscope.message == {number}") for number in (1, 2))
        self.assertEqual((len(first), len(second)), (11, 3))
        for number, journey in ((1, first), (2, second)):
            for frame in journey:
                self.assertEqual(found[frame]["MQTT message"], f"mqttscope.message == {number}")
                self.assertEqual(self.shown(capture, found[frame]["MQTT topic"]), sorted(first + second))
        others = [frame for frame in found if frame not in first + second]
        self.assertGreater(len(others), 10)
        for frame in others:
            self.assertNotIn("MQTT message", found[frame])
            self.assertNotIn("MQTT topic", found[frame])
            self.assertIn("MQTT connection", found[frame])

    def test_alias(self) -> None:
        """The topic is the resolved one."""
        capture = CASES / "journey" / "alias-on-one-hop.pcap"
        found = filters_of(capture)
        for frame in self.shown(capture, "mqttscope.alias_set_in or mqttscope.delivered_in"):
            self.assertRegex(found[frame]["MQTT topic"], r'^mqttscope\.topic == "[^"]+" or ')
            self.assertIn(frame, self.shown(capture, found[frame]["MQTT topic"]))


if __name__ == "__main__":
    unittest.main()
