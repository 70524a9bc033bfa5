# test_statistics.py: the statistics count what the fields of each packet say, in either order of reading.
# SPDX-License-Identifier: GPL-2.0-or-later
"""`-z mqttscope,sessions`, `mqttscope,clients`, `mqttscope,rules`, `mqttscope,srt`, the three trees and the tabs of conversations, against counts made from `tshark -T json`.

The README of test-captures/real says what the captures hold.
"""

from __future__ import annotations

import functools
import re
import sys
import unittest
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402

REAL = ROOT / "test-captures" / "real"
HOSTILE = ROOT / "test-captures" / "cases" / "statistics-hostile.pcap"
TRANSLATED = ROOT / "test-captures" / "cases" / "captured-twice-translated.pcap"
UNFINISHED = ROOT / "test-captures" / "cases" / "unfinished-packets.pcap"
PROXIED = ROOT / "test-captures" / "cases" / "captured-twice-proxied.pcap"
WITHOUT_MQTT = ROOT / "test-captures" / "other-protocols" / "dns-tcp.pcap"
STATISTICS = ("mqttscope,sessions", "mqttscope,clients", "mqttscope,rules", "mqttscope,events", "mqttscope,srt", "conv,mqttscope",
              "endpoints,mqttscope", "mqttscope_packets,tree", "mqttscope_topics,tree",
              "mqttscope_clients,tree")
TYPES = ("Reserved CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ "
         "PINGRESP DISCONNECT AUTH").split()

Row = dict[str, str]


@functools.cache
def statistics(name: str, capture: Path, order: harness.Order = harness.Order.ONE_PASS) -> str:
    """What `tshark -q -z name` prints."""
    return harness.tshark("-q", "-z", name, capture=capture, order=order)


def sessions(capture: Path, display_filter: str = "", name: str = "sessions") -> list[Row]:
    """The table of connections, or another one by its name."""
    name = f"mqttscope,{name}" + ("," + display_filter if display_filter else "")
    lines = [line for line in statistics(name, capture).splitlines() if " |" in line]
    header, *rows = [[cell.strip() for cell in line.split(" |")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


def tree(name: str, capture: Path) -> dict[tuple[str, ...], int]:
    """The counts of a statistics tree by the path of names to them."""
    counts: dict[tuple[str, ...], int] = {}
    path: list[str] = []
    body = statistics(f"{name},tree", capture).split("\n-----", 1)[1].split("\n", 1)[1]
    for line in body.splitlines():
        if not line or line.startswith(("---", "===")):
            break
        match = re.fullmatch(r"( *)(\S.*?) {2,}(\d+) .*", line)
        assert match is not None, line
        depth = len(match[1])
        path[depth:] = [match[2]]
        counts[tuple(path)] = int(match[3])
    return counts


def srt_tables(capture: Path) -> list[dict[str, int]]:
    """Of each table, exchange or delivery to the number of calls: what the broker answered, clients, an unknown end, deliveries."""
    return [{match[1]: int(match[2]) for match in re.finditer(r"^ +\d+  (\S.*?) +(\d+) +\d+\.\d+ ", table, re.MULTILINE)}
            for table in statistics("mqttscope,srt", capture).split("\nIndex ")[1:]]


def srt(capture: Path) -> dict[str, int]:
    """Exchange, or QoS of deliveries, to the number of calls on either side."""
    *exchanges, deliveries = srt_tables(capture)
    calls: Counter[str] = Counter()
    for each in exchanges:
        calls.update(each)
    for name, count in deliveries.items():
        calls[name[:5]] += count
    return dict(calls)


@functools.cache
def control_packets(capture: Path) -> list[dict[str, list[str]]]:
    """What the fields of each frame with control packets say."""
    fields = ["mqtt.msgtype", "mqtt.qos", "mqttscope.connection", "mqttscope.client", "mqttscope.src.role",
              "mqttscope.topic"]
    return [row for row in harness.rows(capture, fields, display_filter="mqtt") if row["mqtt.msgtype"]]


def all_types(capture: Path) -> list[str]:
    return [TYPES[int(number)] for row in control_packets(capture) for number in row["mqtt.msgtype"]]


class Sessions(unittest.TestCase):
    def test_readme_pair(self) -> None:
        first, second = sessions(REAL / "readme-pair-v5.pcap")
        self.assertEqual([first[name] for name in ("#", "Stream", "Client", "Role", "Broker", "Version", "Keep Alive",
                                                   "Clean Start", "Session Present", "CONNACK", "Subscriptions")],
                         ["0", "0", "sub-1", "subscriber", "127.0.0.1:1883", "5.0", "60", "yes", "no", "Success",
                          "topic/# QoS 1"])
        self.assertEqual((first["To broker (QoS 0/1/2)"], first["To client (QoS 0/1/2)"]), ("0/0/0", "1/0/0"))
        self.assertEqual((second["Client"], second["Role"], second["To broker (QoS 0/1/2)"], second["End"]),
                         ("pub-1", "publisher", "1/0/0",
                          "Client sent DISCONNECT 0x00 (Normal disconnection), 0.000 s after the last packet"))

    def test_publishes_are_those_of_the_fields(self) -> None:
        for name in ("mosquitto-session", "mosquitto-will", "mosquitto-bridge-v311", "burst-level5", "websocket-paho",
                     "quic"):
            capture = next(REAL.glob(name + ".pcap*"))
            expected: Counter[tuple[str, bool, str]] = Counter()
            for row in control_packets(capture):
                qos = iter(row["mqtt.qos"])
                for number, where, role in zip(row["mqtt.msgtype"], row["mqttscope.connection"],
                                               row["mqttscope.src.role"], strict=True):
                    if number == "3":
                        expected[where, role == "broker", next(qos)] += 1
            with self.subTest(name):
                for row in sessions(capture):
                    for column, by_broker in (("To broker (QoS 0/1/2)", False), ("To client (QoS 0/1/2)", True)):
                        counts = [expected[row["#"], by_broker, qos] for qos in "012"]
                        self.assertEqual(row[column], "/".join(map(str, counts)), row)

    def test_ends(self) -> None:
        expected = {
            "mosquitto-session": {7: "Server closed (FIN), 0.015 s after the Client's last packet: taken over by the CONNECT "
                                     "in frame 135", 0: "Client sent DISCONNECT, 0.000 s after the last packet"},
            "mosquitto-refused": {0: "Server refused the connection: 0x05 (Connection refused, not authorized)",
                                  8: "Server refused the connection: 0x87 (Not authorized)",
                                  12: "Server refused the connection: 0x8C (Bad authentication method)"},
            "mosquitto-keepalive": {0: "still open", 2: "Server closed (FIN), 11.353 s after the Client's last packet: "
                                                        "Keep Alive of 5 s ran out"},
            "mosquitto-will": {1: "Client closed (FIN) without DISCONNECT, 0.051 s after the last packet"},
            "rabbitmq": {8: "Client reset the connection (RST) without DISCONNECT, 0.000 s after the last packet",
                         23: "Server closed (FIN), 0.002 s after the Client's last packet: CONNECT in frame 354 had no "
                             "answer"},
        }
        for name, ends in expected.items():
            with self.subTest(name):
                rows = sessions(REAL / f"{name}.pcap")
                self.assertEqual({number: rows[number]["End"] for number in ends}, ends)

    def test_results_of_connect(self) -> None:
        rows = sessions(REAL / "mosquitto-refused.pcap")
        self.assertEqual([rows[number]["CONNACK"] for number in (0, 2, 8, 12)],
                         ["Connection refused, not authorized", "Connection accepted", "Not authorized",
                          "Bad authentication method"])
        self.assertEqual(rows[0]["Session Present"], "")
        self.assertEqual(sessions(REAL / "rabbitmq.pcap")[23]["CONNACK"], "none")
        self.assertEqual([row["Session Present"] for row in sessions(REAL / "mosquitto-session.pcap")][6:10],
                         ["yes", "yes", "yes", "no"])

    def test_filter(self) -> None:
        rows = sessions(REAL / "mosquitto-session.pcap", 'mqttscope.client == "sender-1"')
        self.assertEqual([(row["#"], row["To broker (QoS 0/1/2)"]) for row in rows], [("2", "0/1/0"), ("4", "0/1/0")])
        self.assertEqual(sessions(REAL / "mosquitto-session.pcap", "mqtt.msgtype == 15"), [])

    def test_packets_that_never_complete(self) -> None:
        """A connection without any whole packet has a row, too."""
        rows = sessions(UNFINISHED)
        self.assertEqual(len(rows), 11)
        for number, client, text in (
                (0, "c1", "PUBLISH not completed: 100 of 1551 bytes when the Server closed"),
                (1, "10.0.0.2:40002", "CONNECT not completed: 1 byte, Remaining Length incomplete, when the Client closed"),
                (2, "10.0.0.2:40003", "CONNECT not completed: 17 of 1539 bytes when the Server reset the connection"),
                (5, "c6", "PUBLISH not completed: 5 of 34 bytes when the Client closed")):
            self.assertEqual(rows[number]["Client"], client)
            self.assertIn(text, rows[number]["End"])
        self.assertNotIn("not completed", rows[10]["End"])
        # It ended as any other, though no packet of it was whole.
        self.assertTrue(rows[1]["End"].startswith("Client closed (FIN)"), rows[1]["End"])
        self.assertTrue(rows[2]["End"].startswith("Server reset the connection (RST)"), rows[2]["End"])

    def test_midstream(self) -> None:
        rows = sessions(REAL / "mosquitto-midstream.pcap")
        self.assertEqual([(row["Version"], row["Keep Alive"], row["CONNACK"]) for row in rows],
                         [("", "", "not captured"), ("3.1.1", "", "not captured"), ("5.0", "", "not captured")])

    def test_order_of_columns(self) -> None:
        """As one reads a fault: who, how it ended, what was wrong."""
        self.assertEqual(list(sessions(REAL / "readme-pair-v5.pcap")[0])[:5],
                         ["#", "Client", "End", "Problems", "Events"])

    def test_problems(self) -> None:
        """As many as there are expert items of broken rules that are warnings or errors."""
        for capture in (REAL / "rabbitmq-qos2.pcap", ROOT / "test-captures" / "cases" / "qos-3.pcap"):
            expected = sum(found.severity in ("warning", "error") and found.name.startswith("mqttscope.rule.")
                           for found in harness.findings(capture))
            self.assertGreater(expected, 0)
            self.assertEqual(sum(int(row["Problems"]) for row in sessions(capture)), expected)

    def test_who_was_refused(self) -> None:
        """The user's name stands beside the refusal."""
        self.assertEqual([row["User Name"] for row in sessions(REAL / "mosquitto-refused.pcap")][:3], ["alice", "", "alice"])

    def test_duration_is_that_of_the_connection(self) -> None:
        """From the handshake to the last segment, as TCP's own fields say."""
        for name in ("mosquitto-keepalive", "mosquitto-refused"):
            times: dict[str, list[float]] = {}
            for row in harness.rows(REAL / f"{name}.pcap", ["tcp.stream", "frame.time_relative"], display_filter="tcp"):
                times.setdefault(row["tcp.stream"][0], []).append(float(row["frame.time_relative"][0]))
            for row in sessions(REAL / f"{name}.pcap"):
                with self.subTest(name, connection=row["#"]):
                    own = times[row["Stream"]]
                    self.assertAlmostEqual(float(row["Start"]), own[0], places=5)
                    self.assertAlmostEqual(float(row["Duration"]), own[-1] - own[0], places=5)

    def test_each_filter_once(self) -> None:
        """As it was granted last."""
        rows = sessions(ROOT / "test-captures" / "cases" / "tables-of-a-client.pcap")
        self.assertEqual([row["Subscriptions"] for row in rows], ["a/# QoS 0, b refused", "", ""])
        self.assertEqual([row["CONNACK"] for row in rows],
                         ["Success", "Connection refused, unacceptable protocol version", "none"])


class Clients(unittest.TestCase):
    def test_sums_over_connections(self) -> None:
        """A row a client, what its connections come to."""
        row, = sessions(ROOT / "test-captures" / "cases" / "tables-of-a-client.pcap", name="clients")
        self.assertEqual([row[name] for name in ("Client", "Last end", "Connections", "Reconnects", "Refused", "Problems",
                                                 "Published", "Delivered", "Events")],
                         ["phone", "Server reset the connection (RST), 0.001 s after the Client's last packet: CONNECT in "
                          "frame 23 had no answer", "3", "2", "1", "0", "1", "0",
                          "connection_refused, connection_unanswered, subscription_refused, ended_without_disconnect"])
        each = sessions(ROOT / "test-captures" / "cases" / "tables-of-a-client.pcap")
        self.assertAlmostEqual(float(row["Connected (s)"]), sum(float(row["Duration"]) for row in each), places=5)

    def test_filter(self) -> None:
        rows = sessions(REAL / "mosquitto-session.pcap", 'mqttscope.client == "sender-1"', name="clients")
        self.assertEqual([(row["Client"], row["Connections"], row["Published"]) for row in rows], [("sender-1", "2", "2")])


class Rules(unittest.TestCase):
    def test_worst_first(self) -> None:
        """By severity, then by the first frame."""
        rank = ["error", "warning", "note", "chat"]
        for name in ("properties-forbidden-broken", "sessions-retained-broken"):
            rows = sessions(next((ROOT / "test-captures" / "cases" / "rules").glob(name + ".pcap"),
                                 ROOT / "test-captures" / "cases" / "rules" / "sessions-content-broken.pcap"), name="rules")
            order = [(rank.index(row["Severity"].lower()), int(row["First"])) for row in rows]
            self.assertGreater(len(order), 2)
            self.assertEqual(order, sorted(order))

    def test_side(self) -> None:
        row, = sessions(ROOT / "test-captures" / "cases" / "qos-3.pcap", name="rules")
        self.assertEqual((row["Severity"].lower(), row["Side"], row["Clients"], row["First"], row["Statement"], row["Rule"]),
                         ("error", "client", "client-1", "6", "MQTT-3.3.1-4", "publish_qos_3"))

    def test_none(self) -> None:
        """That nothing was found is not the same as that nothing was looked for."""
        row, = sessions(REAL / "readme-pair-v5.pcap", name="rules")
        self.assertRegex(row["What is broken"], r"^No rule broken \(\d{3} evaluated\)$")
        text = harness.tshark("-q", "-z", "mqttscope,rules", "-o", "mqttscope.check_rules:FALSE",
                              capture=REAL / "readme-pair-v5.pcap")
        self.assertIn("No rule is evaluated", text)


class Conversations(unittest.TestCase):
    def test_names(self) -> None:
        """Clients and brokers by name; packets and bytes are those of MQTT."""
        for name, who in (("conv", r"^sub-1 +<-> broker +(\d+) (\d+) bytes +(\d+) (\d+) bytes"),
                          ("endpoints", r"^sub-1 +(\d+) +(\d+) ")):
            with self.subTest(name):
                match = re.search(who, statistics(f"{name},mqttscope", REAL / "readme-pair-v5.pcap"), re.MULTILINE)
                assert match is not None
                self.assertEqual([int(each) for each in match.groups()],
                                 [3, 37, 2, 38] if name == "conv" else [5, 75])

    def test_filter_for_either_end(self) -> None:
        """The field that Wireshark's Apply as Filter asks for has both names, and is not shown."""
        pair = REAL / "readme-pair-v5.pcap"
        found = harness.rows(pair, ["frame.number"], display_filter='mqttscope.name == "sub-1" && mqttscope.name == "broker"')
        self.assertEqual([row["frame.number"] for row in found],
                         [row["frame.number"] for row in
                          harness.rows(pair, ["frame.number"], display_filter='mqttscope.client == "sub-1"')])
        self.assertNotIn("From or to", harness.tshark("-V", capture=pair))


class Trees(unittest.TestCase):
    def test_packets(self) -> None:
        for name in ("mosquitto-session", "mosquitto-refused", "burst-level5", "mosquitto-bridge-v311"):
            with self.subTest(name):
                capture = REAL / f"{name}.pcap"
                expected = Counter(all_types(capture))
                counts = tree("mqttscope_packets", capture)
                self.assertEqual(counts[("MQTT packets",)], sum(expected.values()))
                self.assertEqual({path[1]: count for path, count in counts.items() if len(path) == 2}, dict(expected))

    def test_codes(self) -> None:
        counts = tree("mqttscope_packets", REAL / "mosquitto-refused.pcap")
        codes = {path[3]: count for path, count in counts.items()
                 if path[1:3] == ("CONNACK", "broker to client") and len(path) == 4}
        self.assertEqual(codes, {"0x05 Connection refused, not authorized": 4, "0x00 Connection accepted": 4,
                                 "0x87 Not authorized": 2, "0x00 Success": 2, "0x8c Bad authentication method": 1})

    def test_topics(self) -> None:
        for name in ("mosquitto-session", "burst-level5", "mosquitto-v5-properties"):
            with self.subTest(name):
                capture = REAL / f"{name}.pcap"
                expected = Counter(topic for row in control_packets(capture) for topic in row["mqttscope.topic"])
                counts = tree("mqttscope_topics", capture)
                self.assertEqual(counts[("PUBLISH by topic",)], sum(expected.values()))
                found: Counter[str] = Counter()
                for path, count in counts.items():
                    if path[-1] in ("published", "delivered"):
                        found["".join(path[1:-1])] += count
                self.assertEqual(found, dict(expected))

    def test_topics_that_are_not_known(self) -> None:
        """Each has a node that says why; the beginning of a topic is none."""
        counts = tree("mqttscope_topics", ROOT / "test-captures" / "cases" / "snap-length-topic.pcap")
        self.assertEqual({path[1]: count for path, count in counts.items() if len(path) == 2}, {
            "sensor": 3, "(topic unknown: truncated/by the snapshot length)": 4, "(topic unknown: malformed/packet)": 1,
            "(topic unknown: alias/set before the capture)": 1, "(no topic/and no alias)": 2})

    def test_published_and_delivered_apart(self) -> None:
        counts = tree("mqttscope_topics", REAL / "readme-pair-v5.pcap")
        topic = ("PUBLISH by topic", "topic", "/001")
        self.assertEqual({path[3:]: count for path, count in counts.items() if path[:3] == topic and len(path) > 3},
                         {("delivered",): 1, ("delivered", "QoS 0"): 1, ("published",): 1, ("published", "QoS 0"): 1})

    def test_topics_by_name(self) -> None:
        """Sorted from A."""
        counts = tree("mqttscope_topics", REAL / "mosquitto-v5-properties.pcap")
        first = [path[1] for path in counts if len(path) == 2]
        self.assertGreater(len(first), 1)
        self.assertEqual(first, sorted(first))

    def test_clients(self) -> None:
        for name in ("mosquitto-session", "mosquitto-refused", "burst-level5"):
            with self.subTest(name):
                capture = REAL / f"{name}.pcap"
                expected: Counter[tuple[str, str]] = Counter()
                for row in control_packets(capture):
                    for client, role in zip(row["mqttscope.client"], row["mqttscope.src.role"], strict=True):
                        expected[client, "received" if role == "broker" else "sent"] += 1
                counts = tree("mqttscope_clients", capture)
                self.assertEqual({path[1:]: count for path, count in counts.items() if len(path) == 3}, dict(expected))


class ResponseTimes(unittest.TestCase):
    def test_calls_are_the_answers_of_the_fields(self) -> None:
        names = {"CONNACK": "CONNECT-CONNACK", "PUBACK": "PUBLISH-PUBACK", "PUBREC": "PUBLISH-PUBREC",
                 "PUBREL": "PUBREC-PUBREL", "PUBCOMP": "PUBREL-PUBCOMP", "SUBACK": "SUBSCRIBE-SUBACK",
                 "UNSUBACK": "UNSUBSCRIBE-UNSUBACK", "PINGRESP": "PINGREQ-PINGRESP", "AUTH": "AUTH-AUTH"}
        for name in ("mosquitto-session", "mosquitto-keepalive", "mosquitto-v311", "readme-pair-v5"):
            with self.subTest(name):
                capture = REAL / f"{name}.pcap"
                expected: Counter[str] = Counter()
                for each in harness.packets(capture):
                    types = [TYPES[int(number)] for number in each.values.get("mqtt.msgtype", [])]
                    answers = [answer for answer in types if answer in names]
                    deliveries = [last for last in types if last in ("PUBACK", "PUBCOMP")]
                    if len(each.values.get("mqttscope.request_in", [])) == len(answers):
                        expected.update(names[answer] for answer in answers)
                    else:
                        self.assertEqual(each.values.get("mqttscope.request_in", []), [], each.number)
                    if len(each.values.get("mqttscope.delivery_time", [])) == len(deliveries):
                        expected.update("QoS 1" if last == "PUBACK" else "QoS 2" for last in deliveries)
                    else:
                        self.assertEqual(each.values.get("mqttscope.delivery_time", []), [], each.number)
                self.assertEqual(srt(capture), dict(+expected))


    def test_sides_apart(self) -> None:
        """What clients took and what the broker took."""
        broker, clients, unknown, deliveries = srt_tables(REAL / "mosquitto-v5.pcap")
        self.assertEqual((broker["CONNECT-CONNACK"], broker["PUBLISH-PUBACK"], clients["PUBLISH-PUBACK"]), (10, 3, 3))
        self.assertNotIn("CONNECT-CONNACK", clients)
        self.assertEqual(unknown, {})
        self.assertEqual(deliveries, {"QoS 1 to client": 3, "QoS 2 to client": 2, "QoS 1 to broker": 3, "QoS 2 to broker": 2})


class CapturedTwice(unittest.TestCase):
    """Traffic that is in a capture at two addresses counts once."""

    def test_translated(self) -> None:
        """Of connections whose addresses are translated only the first of each two is there."""
        self.assertEqual([row["#"] for row in sessions(TRANSLATED)], ["0", "2", "4", "6"])
        counts = tree("mqttscope_packets", TRANSLATED)
        self.assertEqual((counts[("MQTT packets",)], counts[("MQTT packets", "CONNECT")]), (15, 3))
        self.assertEqual(tree("mqttscope_topics", TRANSLATED)[("PUBLISH by topic",)], 4)
        self.assertEqual(srt(TRANSLATED)["CONNECT-CONNACK"], 3)

    def test_proxied(self) -> None:
        """A proxy's own connection shows up to the CONNACK that gives it away, and says so."""
        ends = {row["#"]: row["End"] for row in sessions(PROXIED)}
        self.assertEqual([number for number, end in ends.items() if end == "captured twice"], ["1", "3", "6", "8"])
        self.assertEqual(tree("mqttscope_topics", PROXIED)[("PUBLISH by topic",)], 3)


class Everywhere(unittest.TestCase):
    def test_table_of_a_program_with_menus(self) -> None:
        """Opened twice, as from a menu: the table is freed in between, and complete each time."""
        capture = REAL / "mosquitto-keepalive.pcap"
        expected = [[row["#"], row["Client"], row["End"]] for row in sessions(capture)]
        with harness.Sharkd(capture, harness.Settings(), False, 60) as sharkd:
            for _ in range(2):
                tap, = sharkd.ask("tap", tap0="nstat:mqttscope,sessions")["taps"]
                rows = tap["tables"][0]["i"]
                self.assertEqual([[str(row[0]), row[1], row[2]] for row in rows], expected)

    def test_two_passes_count_alike(self) -> None:
        for each in STATISTICS:
            for name in ("readme-pair-v5", "mosquitto-session", "mosquitto-keepalive", "rabbitmq", "burst-level5"):
                with self.subTest(f"{name}: {each}"):
                    capture = REAL / f"{name}.pcap"
                    self.assertEqual(statistics(each, capture, harness.Order.TWO_PASSES), statistics(each, capture))

    def test_capture_without_mqtt(self) -> None:
        self.assertEqual(sessions(WITHOUT_MQTT), [])
        self.assertEqual(srt(WITHOUT_MQTT), {})
        for name, root in (("mqttscope_packets", "MQTT packets"), ("mqttscope_topics", "PUBLISH by topic"),
                           ("mqttscope_clients", "MQTT clients")):
            self.assertEqual(tree(name, WITHOUT_MQTT), {(root,): 0})

    def test_hostile_names(self) -> None:
        for each in STATISTICS:
            with self.subTest(each):
                text = statistics(each, HOSTILE)
                self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
                self.assertLess(max(map(len, text.splitlines())), 600)
        counts = tree("mqttscope_topics", HOSTILE)
        self.assertEqual(counts[("PUBLISH by topic",)], 8)
        self.assertEqual(counts[("PUBLISH by topic", "PUBLISH by topic", "/payload bytes", "/QoS 0", "published", "QoS 0")], 1)
        self.assertEqual(max(map(len, counts)), 1 + 16 + 3)
        row, = sessions(HOSTILE)
        self.assertRegex(row["Subscriptions"], r"/# QoS 1, %s%n/\+ refused$")
        self.assertEqual(row["To broker (QoS 0/1/2)"], "7/0/0/1")


if __name__ == "__main__":
    unittest.main()
