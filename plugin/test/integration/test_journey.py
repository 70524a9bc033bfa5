# test_journey.py: each link from a delivery to its publication is compared with what was really published.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The captures of test-captures/journeys hold the truth: each message of MQTT 5.0 has a number in a User Property that the plugin
does not look at, and for those of 3.1.1 the clients' own log has it, whose lines are in the order of each client's packets. What
the clients logged is compared as well. Damaged copies must not have one certain link that is wrong.
"""

from __future__ import annotations

import random
import struct
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402

JOURNEYS = ROOT / "test-captures" / "journeys"
FIELDS = ["frame.number", "mqttscope.publisher", "mqttscope.published_in", "mqttscope.message.certainty",
          "mqttscope.message.kind", "mqtt.property.user_property.value", "mqtt.will_property.user_property.value",
          "mqtt.msgtype", "tcp.dstport", "mqttscope.client", "mqtt.willtopic"]
PORTS, PUBLISH = ("1883", "8883"), "3"
LOGGED = {"rabbitmq": 0.99, "aedes": 0.99}
"""Captures whose messages have no number on the wire, and the share that is certain at least. aedes sends what was queued with RETAIN 1."""
SEEDS = 100
HEADER, RECORD = 24, 16


class Link(NamedTuple):
    """A delivery: its frame, who got it, the message's number, whether the publication found is it, how sure and of what kind."""

    frame: int
    client: str
    message: str
    is_right: bool
    certainty: str
    kind: str


def log_of(name: str) -> list[list[str]]:
    """The lines of a log: what happened, the client, the message's number, topic, payload."""
    return [line.split("\t") for line in (JOURNEYS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()]


def logged_numbers(name: str) -> dict[str, list[str]]:
    """The numbers of the messages in each frame of an undamaged capture, by the clients' log."""
    lines: dict[tuple[str, str], list[str]] = {}
    numbers: dict[str, list[str]] = {}
    for verb, client, number, *_ in log_of(name):
        lines.setdefault((verb, client), []).append(number)
    for row in harness.rows(JOURNEYS / f"{name}.pcap", FIELDS, display_filter="mqtt"):
        count = row["mqtt.msgtype"].count(PUBLISH) + len(row["mqtt.willtopic"])
        verb = "published" if row["tcp.dstport"][0] in PORTS else "received"
        for _ in range(count):
            numbers.setdefault(row["frame.number"][0], []).append(lines[verb, row["mqttscope.client"][0]].pop(0))
    return numbers


def links(capture: Path, known: dict[str, list[str]] | None = None) -> list[Link]:
    """All deliveries of a capture. `known`: the messages' numbers by frame, where they are not on the wire."""
    published: dict[str, list[str]] = {}
    found = []
    for row in harness.rows(capture, FIELDS, display_filter="mqtt"):
        (frame,), numbers = row["frame.number"], row["mqtt.property.user_property.value"]
        if known is not None:
            numbers = known.get(frame, [])
        if row["tcp.dstport"][0] in PORTS:
            published[frame] = numbers + row["mqtt.will_property.user_property.value"]
            continue
        if PUBLISH not in row["mqtt.msgtype"] or (known is not None and len(numbers) != row["mqtt.msgtype"].count(PUBLISH)):
            continue
        told = iter(zip(row["mqttscope.published_in"], row["mqttscope.message.certainty"], row["mqttscope.message.kind"]))
        for number, publisher in zip(numbers, row["mqttscope.publisher"], strict=True):
            if publisher == "unknown publisher":
                found.append(Link(int(frame), row["mqttscope.client"][0] if row["mqttscope.client"] else "", number,
                                  False, "unknown", ""))
                continue
            source, certainty, kind = next(told)
            found.append(Link(int(frame), row["mqttscope.client"][0] if row["mqttscope.client"] else "", number,
                              number in published.get(source, []), certainty, kind))
    return found


def frames_of(capture: Path) -> tuple[bytes, list[bytes]]:
    """The header and the records of a capture."""
    data = capture.read_bytes()
    at, records = HEADER, []
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        records.append(data[at:at + RECORD + length])
        at += RECORD + length
    return data[:HEADER], records


def damaged(records: list[tuple[str, bytes]], seed: int) -> list[tuple[str, bytes]]:
    """Of records and the numbers of their frames: frames lost, captured twice, or the beginning missing."""
    chance = random.Random(seed)
    kind = seed % 4
    if kind in (0, 3):
        rate = chance.choice((0.002, 0.01, 0.05))
        records = [each for each in records if chance.random() >= rate]
    if kind in (1, 3):
        rate = chance.choice((0.01, 0.2))
        records = [each for one in records for each in ([one, one] if chance.random() < rate else [one])]
    if kind in (2, 3):
        records = records[chance.randrange(len(records) * 3 // 4):]
    return records


class TestUndamaged(unittest.TestCase):
    """Captures as they were recorded."""

    def check(self, name: str, suffix: str = "pcap") -> Counter[str]:
        """Compares a capture with its log, and no certain link is wrong; how many links of each certainty there are."""
        found = links(JOURNEYS / f"{name}.{suffix}", logged_numbers(name) if name in LOGGED else None)
        received = Counter((client, number) for verb, client, number, *_ in log_of(name) if verb == "received")
        self.assertEqual(Counter((each.client, each.message) for each in found), received)
        self.assertEqual([each for each in found if each.certainty == "certain" and not each.is_right], [])
        return Counter(each.certainty for each in found)

    def test_ordinary(self) -> None:
        """Sensors that repeat values, commands, retained state: nearly all is certain."""
        share = self.check("ordinary")
        self.assertGreaterEqual(share["certain"], 0.99 * share.total(), share)
        self.assertEqual(share["unknown"], 0)

    def test_other_brokers(self) -> None:
        """The same of RabbitMQ and aedes, with MQTT 3.1.1."""
        for name, least in LOGGED.items():
            with self.subTest(broker=name):
                share = self.check(name)
                self.assertGreaterEqual(share["certain"], least * share.total(), share)
                self.assertEqual(share["unknown"], 0)

    def test_encrypted(self) -> None:
        """Published over TLS and delivered over TCP, and back: each link is right, and none certain, since the ports differ."""
        found = links(JOURNEYS / "tls.pcapng")
        self.assertEqual(self.check("tls", "pcapng"), Counter(likely=len(found)))
        self.assertGreater(len(found), 20)
        self.assertEqual([each for each in found if not each.is_right], [])

    def test_kinds(self) -> None:
        """Each kind is there."""
        kinds = Counter(each.kind for each in links(JOURNEYS / "ordinary.pcap"))
        self.assertEqual(set(kinds), {"live", "retained", "queued", "will", "shared"})

    def test_bursts(self) -> None:
        """Of equal messages in flight together few are certain, and those are right."""
        share = self.check("bursts")
        self.assertGreater(share["certain"], 0.1 * share.total())
        self.assertGreater(share["likely"], 0.2 * share.total())


class TestTable(unittest.TestCase):
    """`-z mqttscope,deliveries`, against the clients' log."""

    def rows(self, order: harness.Order) -> list[list[str]]:
        """The cells of each row, the total first."""
        text = harness.tshark("-q", "-z", "mqttscope,deliveries", capture=JOURNEYS / "ordinary.pcap", order=order)
        lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if " |" in line]
        return lines[1:]

    def test_counts(self) -> None:
        """What was received is counted, by topic and subscriber; nothing is missing, and times are in their order
        where there are any."""
        received = Counter((topic, client) for verb, client, _, topic, *_ in log_of("ordinary") if verb == "received")
        total, *others = self.rows(harness.Order.ONE_PASS)
        self.assertEqual({(topic, client): int(delivered) for topic, client, _, delivered, *_ in others}, received)
        self.assertEqual(int(total[3]), received.total())
        for topic, client, published, delivered, missing, twice, disordered, certain, *times in others:
            with self.subTest(topic=topic, client=client):
                self.assertEqual((int(published) - int(delivered), int(missing), int(twice), int(disordered)), (0, 0, 0, 0))
                self.assertLessEqual(int(certain), int(delivered))
                broker = [float(each) for each in times[:5] if each]
                self.assertEqual(broker, sorted(broker))
                self.assertIn(len(broker), (0, 5) if int(certain) else (0,))
        self.assertTrue(all(total[8:16]))

    def test_two_passes(self) -> None:
        """A second pass counts alike."""
        self.assertEqual(self.rows(harness.Order.TWO_PASSES), self.rows(harness.Order.ONE_PASS))


class TestMessages(unittest.TestCase):
    """`-z mqttscope,messages`: the slowest deliveries and the missing ones."""

    def rows(self, capture: Path, order: harness.Order = harness.Order.ONE_PASS, given: str = "") -> list[list[str]]:
        """The cells of each row, the total first."""
        text = harness.tshark("-q", "-z", f"mqttscope,messages{given}", capture=capture, order=order)
        return [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if " |" in line][1:]

    def test_slowest(self) -> None:
        """They are the slowest of all certain deliveries, in their order."""
        total, *others = self.rows(JOURNEYS / "ordinary.pcap")
        fields = ["frame.number", "mqttscope.published_in", "mqttscope.broker_time"]
        timed = [row for row in harness.rows(JOURNEYS / "ordinary.pcap", fields, display_filter="mqttscope.broker_time")]
        times = sorted((float(each) for row in timed for each in row["mqttscope.broker_time"]), reverse=True)
        self.assertEqual([float(row[8]) for row in others], [round(each, 6) for each in times[:100]])
        self.assertEqual((total[2], total[3]), ("0 missing, 0 listed", f"{len(times)} timed, 100 listed"))
        frames = {(row["frame.number"][0], each) for row in timed for each in row["mqttscope.published_in"]}
        self.assertLessEqual({(row[7], row[6]) for row in others}, frames)
        self.assertEqual(self.rows(JOURNEYS / "ordinary.pcap", harness.Order.TWO_PASSES), [total, *others])

    def test_missing(self) -> None:
        """What was published for a subscriber and did not come, with its frame; also where a filter leaves out the SUBSCRIBE."""
        capture = ROOT / "test-captures" / "cases" / "journey" / "equal-with-a-loss.pcap"
        missing = ["missing (or withheld)", "3", "temp/a", "pub-1", "sub-1", "0", "17", "0", "0.000000"]
        for given in ("", ',mqttscope.topic == "temp/a"'):
            total, *others = self.rows(capture, given=given)
            self.assertEqual(total[2], "1 missing, 1 listed")
            self.assertEqual([row[:9] for row in others if row[0] != "slowest"], [missing])


class TestDamaged(unittest.TestCase):
    """Captures that lack something, or have it twice."""

    def test_no_certain_link_is_wrong(self) -> None:
        """Whatever is lost, doubled or not captured from the beginning."""
        names = ("ordinary", "bursts", *LOGGED)
        known = {name: logged_numbers(name) for name in LOGGED}
        share: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(SEEDS):
                name = names[seed // 4 % len(names)]
                header, records = frames_of(JOURNEYS / f"{name}.pcap")
                left = damaged([(str(number), each) for number, each in enumerate(records, 1)], seed)
                capture = Path(folder) / "damaged.pcap"
                capture.write_bytes(header + b"".join(each for _, each in left))
                Path(folder).chmod(0o755)
                numbers = {str(now): known[name].get(before, []) for now, (before, _) in enumerate(left, 1)} if name in known else None
                found = links(capture, numbers)
                share.update(each.certainty for each in found)
                wrong = [each for each in found if each.certainty == "certain" and not each.is_right]
                self.assertEqual(wrong, [], f"seed {seed}")
        self.assertGreater(share["certain"], 0.1 * share.total(), share)


if __name__ == "__main__":
    unittest.main()
