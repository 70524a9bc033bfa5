# test_events.py: events in real captures, in the table of them, and as the user wants them.
# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened is known of the real captures: tools/record-captures made it happen."""

from __future__ import annotations

import re
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT / "test-captures" / "real"
CASES = ROOT / "test-captures" / "cases" / "events"
PREFIX = "mqttscope.event."
REFUSED = REAL / "mosquitto-refused.pcap"

HAPPENED = {
    # What the recording script lets happen, by client.
    "mosquitto-refused.pcap": {("connection_refused", name) for name in (
        "wrong-31", "nobody-31", "wrong-311", "nobody-311", "wrong-5", "nobody-5", "auth-5")}
    | {("publication_refused", "reader-5")},
    "mosquitto-keepalive.pcap": {("keep_alive_ran_out", "frozen")},
    "mosquitto-will.pcap": {("ended_without_disconnect", "will-311"), ("ended_without_disconnect", "will-5"),
                            ("will_published", "watcher")},
    "mosquitto-session.pcap": {("reconnected_while_open", "keeper-5"), ("taken_over", "keeper-5")},
    # A thousand messages as fast as the broker, which takes twenty at a time, lets it.
    "burst-level5.pcap": {("receive_maximum_reached", "burst-pub")},
    "tls-burst.pcapng": {("receive_maximum_reached", "burst-pub")},
    # mosquitto_rr leaves without a word once it has its answer.
    "mosquitto-v5-properties.pcap": {("ended_without_disconnect", "requester")},
    # The broker is stopped while its bridge is connected.
    **{f"mosquitto-bridge-{version}.pcap": {("ended_without_disconnect", "bridge-near")} for version in ("v31", "v311", "v50")},
    # mosquitto_sub -E ends where it has its answers, sometimes before its DISCONNECT is sent.
    "mosquitto-v31.pcap": {("ended_without_disconnect", "sub-u")},
    # mosquitto_pub gives up where QoS 2 is answered with PUBACK. A CONNECT of 5.0 the broker does not answer.
    "rabbitmq-qos2.pcap": {("ended_without_disconnect", "pub-2")},
    "rabbitmq.pcap": {("ended_without_disconnect", "sub-u"), ("connection_refused", "guest-wrong"),
                      ("connection_unanswered", "v5-refused")},
}


def happened(capture: Path, settings: harness.Settings = harness.Settings()) -> Counter[tuple[str, str]]:
    """The events of a capture, by kind and client."""
    return Counter((name, row["mqttscope.client"][0] if row["mqttscope.client"] else "")
                   for row in harness.rows(capture, ["mqttscope.event", "mqttscope.client"],
                                           display_filter="mqttscope.event", settings=settings)
                   for name in row["mqttscope.event"])


def table(capture: Path) -> list[list[str]]:
    """The rows of `-z mqttscope,events`, cell by cell."""
    lines = harness.tshark("-q", "-z", "mqttscope,events", capture=capture).splitlines()
    return [[cell.strip() for cell in line.split("|")[:-1]] for line in lines if line.count("|") == 7][1:]


class TestEvents(unittest.TestCase):
    def test_real_captures(self) -> None:
        """Each event is one that the recording script made happen; a quiet capture has none."""
        for capture in sorted(REAL.glob("*.pcap*")):
            with self.subTest(capture.name):
                self.assertEqual(set(happened(capture)), HAPPENED.get(capture.name, set()))

    def test_table(self) -> None:
        """The table counts what the fields say, for each client."""
        for capture in (REFUSED, REAL / "mosquitto-will.pcap", CASES / "fight.pcap"):
            with self.subTest(capture.name):
                rows = {(row[6], row[1]): int(row[2]) for row in table(capture)}
                self.assertEqual(rows, dict(happened(capture)))
        row, = [row for row in table(CASES / "fight.pcap") if row[6] == "taken_over"]
        frames = [each.frame for each in harness.findings(CASES / "fight.pcap") if each.name == PREFIX + "taken_over"]
        self.assertEqual((int(row[3]), int(row[4])), (frames[0], frames[-1]))

    def test_without_rules(self) -> None:
        """Events do not hang on rules, but for the session that the Server has lost."""
        settings = harness.Settings((("mqttscope.check_rules", "FALSE"),))
        for capture in (*sorted(CASES.glob("*.pcap")), REFUSED):
            if capture.stem != "session":
                with self.subTest(capture.name):
                    self.assertEqual(happened(capture, settings), happened(capture))

    def test_severities(self) -> None:
        """The user's table and minimum apply to events as to rules."""
        name = "connection_refused"

        def severities(value: str, minimum: str = "note") -> set[str]:
            settings = harness.Settings((("mqttscope.minimum_severity", minimum),),
                                        files=(("mqttscope_rules", f'"{name}","{value}"\n'),))
            return {each.severity for each in harness.findings(REFUSED, settings=settings) if each.name == PREFIX + name}

        self.assertEqual(severities("error"), {"error"})
        self.assertEqual(severities("off"), set())
        self.assertEqual(severities("note"), {"note"})
        self.assertEqual(severities("note", "warning"), set())

    def test_document(self) -> None:
        """plugin/doc/events.md lists all kinds, with their severities."""
        document = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "plugin/doc/events.md").read_text(), re.MULTILINE))
        rows = re.findall(r"^EVENT\((\w+), (\w+),", (ROOT / "plugin/model/facts/events.def").read_text(), re.MULTILINE)
        self.assertEqual(document, {name: severity.lower() for name, severity in rows})


if __name__ == "__main__":
    unittest.main()
