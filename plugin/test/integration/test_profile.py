# test_profile.py: the Wireshark profile MQTT means something to the Wireshark in use.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The profile's files are put in place of the default profile's; harness.py raises where Wireshark complains."""

from __future__ import annotations

import csv
import itertools
import re
import unittest
from pathlib import Path

from harness import Settings, tshark, version

ROOT = Path(__file__).resolve().parents[3]
PROFILE = ROOT / "plugin" / "profile" / "MQTT"
CASES = ROOT / "test-captures" / "cases"
PAIR = ROOT / "test-captures" / "real" / "readme-pair-v5.pcap"


def lines(name: str) -> list[str]:
    """A file of the profile without its remarks."""
    return [line for line in (PROFILE / name).read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")]


Colour = tuple[float, float, float]

VISION = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}
"""What is seen of red, green and blue light (Machado, Oliveira and Fernandes, 2009)."""

TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.95047, 1.0, 1.08883)


def colours() -> dict[str, tuple[Colour, Colour]]:
    """Background and text of each colour rule, by its name, from 0 to 1."""
    found = {}
    for line in lines("colorfilters"):
        *_, name, _, values = line.split("@", 3)
        back, text = ([int(each) / 65535 for each in part.strip("[]").split(",")] for part in values.split("]["))
        found[name] = ((back[0], back[1], back[2]), (text[0], text[1], text[2]))
    return found


def light(colour: Colour) -> list[float]:
    """The amounts of light (sRGB, IEC 61966-2-1)."""
    return [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in colour]


def times(matrix: tuple[tuple[float, ...], ...], values: list[float]) -> list[float]:
    return [sum(factor * value for factor, value in zip(row, values)) for row in matrix]


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG 2."""
    darker, brighter = sorted(times(TO_XYZ, light(each))[1] for each in (one, other))
    return (brighter + 0.05) / (darker + 0.05)


def difference(one: Colour, other: Colour, vision: str) -> float:
    """How far two colours are apart for somebody who sees like this (CIE 1976)."""
    seen = []
    for colour in (one, other):
        received = [min(1.0, max(0.0, each)) for each in times(VISION[vision], light(colour))]
        x, y, z = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
                   for value in (each / white for each, white in zip(times(TO_XYZ, received), WHITE)))
        seen.append((116 * y - 16, 500 * (x - y), 200 * (y - z)))
    return sum((a - b) ** 2 for a, b in zip(*seen)) ** 0.5


def graphs() -> list[list[str]]:
    return [[cell.replace(r"\x22", '"') for cell in row] for row in csv.reader(lines("io_graphs"))]


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
                           *((name, (PROFILE / name).read_text())
                             for name in ("dfilter_buttons", "dfilters", "io_graphs", "recent"))))


class TestProfile(unittest.TestCase):
    maxDiff = None

    def test_columns(self) -> None:
        """The packet list names both ends of each packet."""
        shown = {line.split()[0]: line.split() for line in tshark(capture=PAIR, settings=settings()).splitlines()}
        self.assertEqual(shown["18"][2:4], ["pub-1", "broker"])
        self.assertEqual(shown["19"][2:4], ["broker", "sub-1"])
        self.assertEqual(shown["18"][6:9], ["1", "PUBLISH", "topic/001"])

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

    def test_problems_first(self) -> None:
        """The button that one looks for is the first, and what TCP complains about is none of MQTT's problems."""
        self.assertEqual(list(buttons())[:4], ["Problems", "Refused", "Take-over", "Will"])
        problems = buttons()["Problems"]
        self.assertEqual(tshark("-Y", problems, capture=PAIR), "")
        self.assertIn("QoS 3", tshark("-Y", problems, capture=CASES / "qos-3.pcap"))
        for name in ("retransmission.pcap", "lost-segment.pcap"):
            self.assertEqual(tshark("-Y", problems, capture=CASES / name), "", name)

    def test_filters_and_graphs(self) -> None:
        """Each stored filter, and each graph's filter and field, is one that this Wireshark takes."""
        expressions = [line.split('" ', 1)[1] for line in lines("dfilters")]
        for _, _, expression, _, _, _, field, _, _ in graphs():
            expressions += [expression, *([field] if field else [])]
        self.assertGreater(len(expressions), 15)
        for expression in expressions:
            with self.subTest(filter=expression):
                tshark("-Y", expression, capture=PAIR)

    def test_widths(self) -> None:
        """Each column has its width."""
        columns = re.findall(r'"(%[^"]+)"', (PROFILE / "preferences").read_text(encoding="utf-8"))
        widths = re.findall(r'(%[^",]+)"?, (\d+)', lines("recent")[0])
        self.assertEqual([":".join(column.split(":")[:2]) for column in columns], [column for column, _ in widths])

    def test_contrast(self) -> None:
        """Text can be read on its background."""
        for name, (back, text) in colours().items():
            with self.subTest(rule=name):
                self.assertGreaterEqual(contrast(back, text), 4.5)

    def test_colours_stay_apart(self) -> None:
        """For everybody; packets that no other rule is about are white."""
        coloured = {name: back for name, (back, _) in colours().items() if name not in ("MQTT", "TCP")}
        self.assertGreater(len(coloured), 15)
        for vision in VISION:
            for (one, first), (other, second) in itertools.combinations(coloured.items(), 2):
                with self.subTest(vision=vision, rules=(one, other)):
                    self.assertGreater(difference(first, second, vision), 10)

    def test_marked_as_ours(self) -> None:
        """Each file says whose it is, in the words by which installing and uninstalling know it."""
        for name in ("preferences", "colorfilters", "dfilter_buttons", "dfilters", "io_graphs", "recent"):
            self.assertTrue((PROFILE / name).read_text(encoding="utf-8").startswith("# Profile MQTT of mqttscope"), name)


if __name__ == "__main__":
    unittest.main()
