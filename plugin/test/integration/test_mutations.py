# test_mutations.py: one field of a real capture is changed at a time, and what is found is what the table says.
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-captures/mutations.tsv has what is found for each change, and why nothing is where nothing is."""

from __future__ import annotations

import re
import unittest

import damage
import mutations
from counted import compared
from mutations import NOTHING, TABLE, Field


class TestMutations(unittest.TestCase):
    maxDiff = 4000

    def test_table(self) -> None:
        """All changes of all clean captures: nothing is found otherwise than it was, and nothing more goes unnoticed."""
        _, reasons = mutations.read_table()
        found = mutations.rows(mutations.all_outcomes())
        self.assertEqual([str(row) for row in found], [str(row) for row in reasons])
        compared["kinds of mutation"] += len(found)


class TestReasons(unittest.TestCase):
    """What goes unnoticed is explained."""

    def test_reasons(self) -> None:
        """Each change that a capture has without a finding has a reason of those at the table's head, no other has one."""
        head, reasons = mutations.read_table()
        known = set(re.findall(r"^#   (\w+) ", head, re.MULTILINE))
        self.assertGreater(len(reasons), 1000)
        for row, reason in reasons.items():
            if mutations.is_unnoticed(row):
                self.assertIn(reason, known, row)
            else:
                self.assertEqual(reason, "", row)
        self.assertEqual(known, set(reasons.values()) - {""}, f"reasons of {TABLE.name} that nothing has")

    def test_share(self) -> None:
        """Most changes that break something in some capture break it in all of them."""
        _, reasons = mutations.read_table()
        unnoticed = [row for row in reasons if row[5] == NOTHING]
        self.assertLess(len(unnoticed), len(reasons) / 8)


class TestChanges(unittest.TestCase):
    """The list of changes, and where they land."""

    def made(self, kind: str, value: str) -> dict[str, str]:
        data = bytes.fromhex(value)
        return {change: changed.hex() for change, changed in mutations.changes(Field("f", kind, 0, 0, len(data)), data)}

    def test_changes(self) -> None:
        self.assertEqual(self.made("bits", "81")["bit 0"], "80")
        self.assertEqual(len(self.made("bits", "81")), 8)
        self.assertEqual(self.made("length", "0000"), {"one more": "0001"})
        self.assertEqual(self.made("length", "ff"), {"one less": "fe"})
        self.assertEqual(self.made("number", "0000"), {"one more": "0001", "all ones": "ffff"})
        self.assertNotIn("0x80", self.made("byte", "80"))
        self.assertEqual(self.made("text", "616263"), {"begins with 00": "006263", "begins with 23": "236263",
                                                       "begins with ff": "ff6263"})

    def test_places(self) -> None:
        """A field's bytes are where the plugin shows it, also where tshark tells the place of its identifier wrongly."""
        capture = mutations.CAPTURES / "paho-v5-properties.pcap"
        frames = damage.read_frames(capture)
        seen = set()
        for _, field in mutations.fields(capture, frames):
            if field.name.startswith("property_id of "):
                name = field.name.removeprefix("property_id of ")
                number = frames[field.frame].data[field.at]
                expected = {"content_type": 3, "response_topic": 8, "correlation_data": 9, "receive_maximum": 0x21,
                            "subscription_identifier": 11, "message_expiry_interval": 2}.get(name)
                if expected is not None:
                    seen.add(name)
                    self.assertEqual(number, expected, field)
        self.assertGreaterEqual(len(seen), 4)


if __name__ == "__main__":
    unittest.main()
