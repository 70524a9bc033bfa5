# test_profile.py: the Wireshark profile MQTT means something to the Wireshark in use.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The profile's files are put in place of the default profile's; harness.py raises where Wireshark complains."""

from __future__ import annotations

import csv
import unittest
from pathlib import Path

from harness import Settings, tshark, version

ROOT = Path(__file__).resolve().parents[3]
PROFILE = ROOT / "plugin" / "profile" / "MQTT"
PAIR = ROOT / "test-captures" / "real" / "readme-pair-v5.pcap"


def lines(name: str) -> list[str]:
    """A file of the profile without its remarks."""
    return [line for line in (PROFILE / name).read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")]


def colour_rules() -> dict[str, str]:
    """Name to filter of each colour rule."""
    return {name: rule for _, name, rule, _ in (line.split("@", 3) for line in lines("colorfilters"))}


def buttons() -> dict[str, str]:
    """Label to filter of each button; a table of the user's writes a quote as an escape."""
    return {label: expression.replace(r"\x22", '"') for _, label, expression, _ in csv.reader(lines("dfilter_buttons"))}


def settings() -> Settings:
    """The profile as it is installed for this version of Wireshark."""
    preferences = (PROFILE / "preferences").read_text(encoding="utf-8")
    if version() >= (4, 4):
        preferences += (PROFILE.parent / "preferences-since-4.4").read_text(encoding="utf-8")
    return Settings(files=(("preferences", preferences), ("colorfilters", (PROFILE / "colorfilters").read_text()),
                           ("dfilter_buttons", (PROFILE / "dfilter_buttons").read_text())))


class TestProfile(unittest.TestCase):
    maxDiff = None

    def test_columns(self) -> None:
        """The packet list names both ends of each packet."""
        shown = {line.split()[0]: line.split() for line in tshark(capture=PAIR, settings=settings()).splitlines()}
        self.assertEqual(shown["18"][2:4], ["pub-1", "broker"])
        self.assertEqual(shown["19"][2:4], ["broker", "sub-1"])

    def test_colour_rules(self) -> None:
        """Each rule is a filter that this Wireshark takes."""
        rules = colour_rules()
        self.assertGreater(len(rules), 10)
        for name, rule in rules.items():
            with self.subTest(rule=name):
                tshark("-Y", rule, capture=PAIR)

    def test_colours(self) -> None:
        """Rules apply by role and by packet type."""
        printed = tshark("--color", "-V", "-Y", "mqtt", capture=PAIR, settings=settings())
        found = [line.split(": ", 1)[1].rstrip(" ]") for line in printed.splitlines() if "[Coloring Rule Name:" in line]
        self.assertEqual(found, ["MQTT connect, auth, disconnect"] * 2 + ["MQTT subscribe, unsubscribe"] * 2
                         + ["MQTT connect, auth, disconnect"] * 2
                         + ["MQTT publish, to the broker", "MQTT publish, from the broker",
                            "MQTT connect, auth, disconnect"])

    def test_buttons(self) -> None:
        """Each filter button is a filter that this Wireshark takes."""
        found = buttons()
        self.assertGreater(len(found), 5)
        for label, expression in found.items():
            with self.subTest(button=label):
                tshark("-Y", expression, capture=PAIR)

    def test_marked_as_ours(self) -> None:
        """Each file says whose it is, in the words by which installing and uninstalling know it."""
        for name in ("preferences", "colorfilters", "dfilter_buttons"):
            self.assertTrue((PROFILE / name).read_text(encoding="utf-8").startswith("# Profile MQTT of mqttscope"), name)


if __name__ == "__main__":
    unittest.main()
