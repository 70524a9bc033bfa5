# test_rules.py: the table of rules is whole, and the user decides what is heard of it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""That each statement is judged or has a reason, and each rule its cases, is `tools/rules --check`; what each rule finds is
in test-captures/cases/. Here: preferences, the table of broken rules, the fields."""

from __future__ import annotations

import subprocess
import sys
import unittest
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
import rulebook  # noqa: E402
import rulelint  # noqa: E402
import ruletable  # noqa: E402
from harness import Settings  # noqa: E402

HINTS = ROOT / "test-captures" / "cases" / "rules" / "practices-all-broken.pcap"
KEEP_ALIVE_OFF = ROOT / "test-captures" / "cases" / "keep-alive-off.pcap"
QOS_3 = ROOT / "test-captures" / "cases" / "qos-3.pcap"
TYPE_0 = ROOT / "test-captures" / "cases" / "packet-type-0.pcap"
FIVE_BYTES = ROOT / "test-captures" / "cases" / "remaining-length-five-bytes.pcap"
TLS_PASSWORD = ROOT / "test-captures" / "real" / "tls-mosquitto-password.pcapng"
RULE = "mqttscope.rule.publish_qos_3"


def with_preferences(*preferences: str) -> Settings:
    """Settings of these preferences, written as NAME:VALUE."""
    return Settings(tuple(tuple(each.split(":", 1)) for each in preferences))


def with_single(name: str, severity: str, *preferences: str) -> Settings:
    """The same with one row in the user's table of single rules."""
    settings = with_preferences(*preferences)
    return Settings(settings.preferences, files=(("mqttscope_rules", f'"{name}","{severity}"\n'),))


def severities(settings: Settings) -> list[str]:
    """How QoS 3 is complained about."""
    return [each.severity for each in harness.findings(QOS_3, settings=settings) if each.name == RULE]


def table(capture: Path) -> list[list[str]]:
    """The rows of `-z mqttscope,rules`, without its header."""
    text = harness.tshark("-q", "-z", "mqttscope,rules", capture=capture)
    return [[cell.strip() for cell in line.split(" |")] for line in text.splitlines() if " |" in line][1:]


class Table(unittest.TestCase):
    def test_whole(self) -> None:
        """Each statement of the catalogue is in a rule or has a reason; each rule has its cases; rules.md is up to date."""
        check = subprocess.run([sys.executable, str(ROOT / "tools" / "rules"), "--check"], capture_output=True, text=True,
                               check=False)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_statistics(self) -> None:
        """`-z mqttscope,rules` says what the packets say."""
        for capture in (QOS_3, FIVE_BYTES):
            with self.subTest(capture.name):
                found = [each for each in harness.findings(capture) if each.name.startswith("mqttscope.rule.")]
                expected = Counter((each.name.removeprefix("mqttscope.rule."), each.severity) for each in found)
                self.assertTrue(expected)
                self.assertEqual({(row[7], row[0]): int(row[2]) for row in table(capture)}, expected)
                self.assertEqual([int(row[5]) for row in table(capture)], [found[0].frame])
                self.assertEqual([row[4] for row in table(capture)], ["client-1"])

    def test_first_in_the_tree(self) -> None:
        """What is wrong is the first thing below the packet, is said there once, and marks the bytes that it is about."""
        lines = harness.tshark("-V", "-Y", RULE, capture=QOS_3).splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("MQ Telemetry Transport Protocol"))
        self.assertTrue(lines[start + 1].startswith("    [Expert Info (Error/Protocol): QoS of PUBLISH is 3"), lines[start + 1])
        beside = [line for line in lines[start:] if line.startswith("    ") and not line.startswith("     ")]
        self.assertEqual(sum("QoS of PUBLISH is 3" in line for line in beside), 1)
        with harness.Sharkd(QOS_3, harness.Settings(), False, 60) as sharkd:
            tree = sharkd.ask("frame", frame=6, proto=True)["tree"]
        packet = next(node for node in tree if node["l"].startswith("MQ Telemetry"))
        self.assertEqual(packet["n"][0]["h"], [packet["h"][0], 1])

    def test_statement_field(self) -> None:
        """The statement id is a field of its own, and stands in Info and message."""
        row = harness.rows(QOS_3, ["mqttscope.rule", "info", "_ws.expert.message"], display_filter=RULE)[0]
        self.assertEqual(row["mqttscope.rule"], ["MQTT-3.3.1-4"])
        self.assertTrue(row["info"][0].endswith(" [QoS 3, MQTT-3.3.1-4]"), row)
        self.assertTrue(row["_ws.expert.message"][0].endswith("[MQTT-3.3.1-4]"), row)

    def test_help_below_the_finding(self) -> None:
        """The help comes directly after its finding, once for each rule, and in one piece."""
        text = harness.tshark("-T", "pdml", "-Y", RULE, capture=QOS_3)
        packet = next(each for each in ElementTree.fromstring(text).iter("proto") if each.get("name") == "mqtt")
        names = [each.get("name") for each in packet]
        self.assertEqual(names.count("mqttscope.rule.help"), 1)
        help_field = packet[names.index("mqttscope.rule.help")]
        self.assertEqual(names[names.index("mqttscope.rule.help") - 1], "_ws.expert")
        for words in ("Both QoS bits set", "Usual cause: ", "To mend it: "):
            self.assertIn(words, help_field.get("show", ""))


class Texts(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.rules = ruletable.read_rules()

    def test_page(self) -> None:
        """All texts on one page: rules with a sample and help, expert items, faults."""
        page = rulebook.texts(self.rules)
        for expected in ("publish_qos_3  error, sender at fault\n  [QoS 3, MQTT-3.3.1-4]\n",
                         "QoS of PUBLISH is 3: expected QoS 0, 1 or 2, found 3",
                         "practice_keep_alive_0  note, Client at fault\n  [Keep Alive 0]\n",
                         "CUT: Packet truncated by the snapshot length",
                         "PAST_END: %s needs %u byte%s, %u left in the packet", "INCOMPLETE: incomplete capture"):
            self.assertIn(expected, page)

    def test_explain(self) -> None:
        """A rule by its symbol or by a statement; what is none is not explained."""
        for name in ("publish_qos_3", "MQTT-3.3.1-4"):
            self.assertIn("publish_qos_3: QoS of PUBLISH is 3\n", rulebook.explain(self.rules, name))
        self.assertIn("MQTT-1.5.3-3 of MQTT 3.1.1 is not judged: ", rulebook.explain(self.rules, "MQTT-1.5.3-3"))
        self.assertEqual(rulebook.explain(self.rules, "nonsense"), "")

    def test_lint(self) -> None:
        """What is badly worded is found, and nothing else."""
        for title in ("The Client is at fault", "PUBREL in frame 7", "Who is told", "QoS is %u", "QoS 3.", "x" * 71, "small letter"):
            self.assertNotEqual(rulelint.lint_title("rule", title, 70), [], title)
        self.assertEqual(rulelint.lint_title("rule", "PUBREL for a Packet Identifier that is not in use", 70), [])
        for detail in ('"found %u", p->reason', '"expected 1"', '"expected 0x00, found none"',
                       '"expected at most %u bytes, found %u", 1, 2', '"expected 1, found it behind"'):
            self.assertNotEqual(rulelint.lint_detail("rule", detail), [], detail)
        for detail in ('"expected 0x00 (Success), found 0x%02X (%s)", 1, name', 'UNNAMED "expected 0x00, found 0x%02X", 1',
                       '"expected at most %u byte%s, found %u", 1, PLURAL(1), 2'):
            self.assertEqual(rulelint.lint_detail("rule", detail), [], detail)
        self.assertEqual(list(rulelint.python_texts('"""Not read."""\nprint(f"{len(n)} frames", f"{n} loads", "read")\n')), ["%u frames", "%s loads", "read"])


class Preferences(unittest.TestCase):
    def test_hints(self) -> None:
        """Hints are shown as the user wants them, each can be switched off, and none is in Info."""
        def hints(capture: Path, settings: Settings) -> set[str]:
            return {each.name.removeprefix("mqttscope.rule.") for each in harness.findings(capture, settings=settings)
                    if each.name.startswith("mqttscope.rule.practice_")}

        self.assertEqual(hints(KEEP_ALIVE_OFF, Settings()), {"practice_keep_alive_0"})
        self.assertEqual(hints(KEEP_ALIVE_OFF, with_preferences("mqttscope.hints:none")), set())
        self.assertEqual(hints(KEEP_ALIVE_OFF, with_single("practice_keep_alive_0", "off")), set())
        self.assertEqual(hints(HINTS, Settings()), set())
        self.assertEqual(hints(HINTS, with_preferences("mqttscope.hints:all")),
                         {"practice_anonymous_subscription", "practice_plain_password", "practice_qos_above_grants",
                          "practice_early_pings"})
        row = harness.rows(KEEP_ALIVE_OFF, ["info", "mqttscope.rule"],
                           display_filter="mqttscope.rule.practice_keep_alive_0")[0]
        self.assertEqual((row["info"], row["mqttscope.rule"]),
                         (["client-1 → broker  CONNECT v5 clean-start keep-alive=0s"], []))

    def test_hint_kept_by_tls(self) -> None:
        """A Password below which there is TLS, seen by its keys, is no hint."""
        rows = harness.rows(TLS_PASSWORD, ["mqtt.passwd", "mqttscope.rule.practice_plain_password"],
                            settings=with_preferences("mqttscope.hints:all"), display_filter="mqtt.msgtype == 1")
        self.assertEqual([(row["mqtt.passwd"], row["mqttscope.rule.practice_plain_password"]) for row in rows],
                         [(["secret"], [])])

    def test_hints_by_themselves(self) -> None:
        """The table of rules has hints after all broken rules, without a statement."""
        rows = table(KEEP_ALIVE_OFF)
        self.assertEqual([(row[0], row[6], row[7]) for row in rows], [("note", "hint", "practice_keep_alive_0")])

    def test_as_installed(self) -> None:
        self.assertEqual(severities(Settings()), ["error"])

    def test_switched_off(self) -> None:
        self.assertEqual(severities(with_preferences("mqttscope.check_rules:FALSE")), [])

    def test_malformed_without_rules(self) -> None:
        """A packet that cannot be read is complained about by the decoder, too, when no rules are wanted."""
        names = [{each.name for each in harness.findings(TYPE_0, settings=settings)}
                 for settings in (Settings(), with_preferences("mqttscope.check_rules:FALSE"))]
        self.assertIn("mqttscope.malformed", names[1])
        self.assertNotEqual(names[0], set())

    def test_minimum_severity(self) -> None:
        single = "publish_qos_3", "warning"
        self.assertEqual(severities(with_single(*single)), ["warning"])
        self.assertEqual(severities(with_single(*single, "mqttscope.minimum_severity:error")), [])
        self.assertEqual(severities(with_preferences("mqttscope.minimum_severity:error")), ["error"])

    def test_single_rules(self) -> None:
        for name, severity, shown in (("publish_qos_3", "off", []), ("MQTT-3.3.1-4", "off", []),
                                      ("V31-2.1-3", "note", ["note"]), ("websocket_text_frame", "off", ["error"])):
            with self.subTest(f"{name} {severity}"):
                self.assertEqual(severities(with_single(name, severity)), shown)

    def test_unknown_rule(self) -> None:
        """A name that no rule has is refused with a clear message."""
        with self.assertRaisesRegex(harness.ToolError, "neither the name of a rule or an event nor the id of a statement"):
            harness.tshark("-o", 'uat:mqttscope_rules:"nonsense","off"', capture=QOS_3)


if __name__ == "__main__":
    unittest.main()
