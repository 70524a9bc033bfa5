# test_occasions.py: a rule counts as exercised where its statement's if-part held, and only there.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The cell WHEN of each rule against the cases: what `-z mqttscope,json` counts of a rule. A case that says that it keeps a rule
has its occasion; and of a rule with an if-part some case has what it is about without the occasion."""

from __future__ import annotations

import json
import sys
import unittest
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from casefile import read_case  # noqa: E402
from counted import compared  # noqa: E402
from crafted import CraftedTest  # noqa: E402
from rulelint import cells  # noqa: E402
from ruletable import PRACTICE  # noqa: E402
from test_cases import settings_of  # noqa: E402

CASES = ROOT / "test-captures" / "cases"

UNSEEN = {
    "auth_before_v5": "the row is about a type that no packet has then",
    "packet_type_0": "the row is about a type that no packet has",
    "websocket_subprotocol_missing": "it is found where a connection closes, and no packet comes",
}
"""Rules that can be seen broken, but not kept, and why."""

ALWAYS_THERE = {
    "ack_id_0": "each acknowledgement has a Packet Identifier, but for a malformed one",
    "auth_without_method": "an AUTH without Reason Code comes beside others",
    "client_id_ill_formed": "each CONNECT has a Client Identifier",
    "codes_missing": "each SUBACK and UNSUBACK has a list, but for a malformed one",
    "connect_protocol_name": "each CONNECT has a Protocol Name, but for a malformed one",
    "text_null": "each CONNECT has a Client Identifier",
    "topic_ill_formed": "each of its packets has a Topic Name or a filter",
    "topic_long": "each PUBLISH has a Topic Name",
    "topic_wildcard": "each PUBLISH has a Topic Name",
    "property_length_not_minimal": "the CONNECT of each connection has a Property Length",
}
"""Rules whose cell WHEN chooses among the texts or packets of a connection, of which one is always chosen, and why."""


def conditional_rules() -> set[str]:
    """The rules whose cell WHEN is more than ALWAYS, hints aside."""
    return {symbol for path in (ROOT / "plugin" / "check").glob("rules-*.def")
            for symbol, row in cells(path.read_text(encoding="utf-8"), "RULE")
            if row["WHEN"] != "ALWAYS" and not symbol.startswith(PRACTICE)}


def rules_of(capture: Path, settings: harness.Settings) -> dict[str, dict[str, int]]:
    """What is counted of each rule that was evaluated."""
    text = harness.tshark("-q", "-z", "mqttscope,json", capture=capture, settings=settings)
    return {each["rule"]: each for each in map(json.loads, text.splitlines()) if each["type"] == "rule"}


class Breaches(CraftedTest):
    ANSWERED = (
        'connection a: 10.0.0.2 -> 10.0.0.1:1883\na > 10 { s"MQTT" 04 02 ffff s"a" }\na < 20 { 00 00 }\n'
        'a > 82 { 0001 s"d" 00 }\na < 90 { 0001 00 }\na > e0 {}\n')
    NEVER = (
        'connection n: 10.0.0.3 -> 10.0.0.1:1883\nn > 10 { s"MQTT" 04 02 ffff s"n" }\nn < 20 { 00 00 }\n'
        'n > 82 { 0001 s"d" 00 }\nn > c0 {}\nn < d0 {}\nwait 10s\nn > e0 {}\n')

    def test_absent_answer(self) -> None:
        """A breach that no packet was the occasion of counts as one, whichever comes first."""
        for order in (self.ANSWERED + self.NEVER, self.NEVER + self.ANSWERED):
            capture = self.capture("title: answered once\n" + order)
            text = harness.tshark("-q", "-z", "mqttscope,json", capture=capture)
            counted = [each["broker"] for each in map(json.loads, text.splitlines())
                       if each["type"] == "statement" and each["id"] == "MQTT-3.8.4-1"]
            self.assertEqual(counted, [{"occasions": 2, "breaches": 1}])


class Occasions(unittest.TestCase):
    maxDiff = None

    def test_cases(self) -> None:
        """Some of the cases that say that they keep a rule exercise it: others keep it since it does not know enough to be broken."""
        kept_in, exercised, idle = set(), set(), set()
        for path in sorted(CASES.rglob("*.case")):
            case = read_case(path)
            keeps = {each for each in case.keeps if not each.startswith(PRACTICE)}
            counted = rules_of(path.with_suffix(".pcap"), settings_of(case))
            came = {name for name, each in counted.items() if each["occasions"] > 0}
            kept_in |= keeps
            exercised |= keeps & came
            idle |= counted.keys() - came
            compared.update(occasions=len(came))
        conditional = conditional_rules()
        self.assertTrue(conditional)
        missing = [f"{each}: no case that keeps it exercises it" for each in sorted(kept_in - exercised - UNSEEN.keys())]
        missing += [f"{each}: no case has what it is about without its occasion" for each in sorted(conditional - idle - ALWAYS_THERE.keys())]
        missing += [f"{each}: is exercised, though the list says that no packet shows it" for each in sorted(exercised & UNSEEN.keys())]
        self.assertEqual("\n".join(missing), "")


if __name__ == "__main__":
    unittest.main()
