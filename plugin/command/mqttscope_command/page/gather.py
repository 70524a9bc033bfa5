# gather.py: what is counted of messages and packets while tshark writes them.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages are counted here and kept in a temporary file, line by line: which of them are worth showing is known at the end only."""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from ..capture import Object

BINS = 240
FLOWS_MOST = 4000
LANE_POINTS_MOST = 400
STEPS_OF_TEN = 5
"""So many columns of the distribution of times make it ten times as long."""
OTHER = "(others)"
"""Stands for what there is no room for."""


class Series:
    """Counts by time, in BINS equal spans that begin with the capture; their width is the gatherer's."""

    def __init__(self) -> None:
        self.bins = array("I", bytes(4 * BINS))

    def fold(self) -> None:
        """Makes the spans twice as wide."""
        halves = [self.bins[2 * i] + self.bins[2 * i + 1] for i in range(BINS // 2)]
        self.bins = array("I", halves + [0] * (BINS - BINS // 2))

    def sparse(self) -> list[list[int]]:
        """The spans that are not empty: which, and how many."""
        return [[i, count] for i, count in enumerate(self.bins) if count]


@dataclass
class Flow:
    """Messages of a client to a topic, or of a topic to a client."""

    client: str
    topic: str
    to_broker: bool
    messages: int = 0
    payload_bytes: int = 0
    series: Series = field(default_factory=Series)


@dataclass
class Run:
    """What a connection got of a topic while its subscriptions stayed as they were."""

    client: str
    connection: int
    numbers: array[int] = field(default_factory=lambda: array("I"))
    is_doubtful: bool = False
    """Which message it was is not certain each time, or it is not for this subscriber alone."""


@dataclass
class Lane:
    """What a connection did over time."""

    sent: Series = field(default_factory=Series)
    received: Series = field(default_factory=Series)
    pings: list[float] = field(default_factory=list)
    pings_left_out: int = 0
    silences: list[list[float]] = field(default_factory=list)
    latest: float | None = None
    longest_kept: float = 0.0


class Gatherer:
    """Takes in objects of the tap."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        self.width = 1e-6
        self.flows: dict[tuple[str, str, bool], Flow] = {}
        self.lanes: dict[int, Lane] = {}
        self.publishers: dict[int, str] = {}
        self.published: dict[str, array[int]] = {}
        self.runs: dict[tuple[int, int, str], Run] = {}
        self.eras: Counter[int] = Counter()
        """How often the subscriptions of a connection changed."""
        self.messages = self.publications = self.deliveries = 0
        self.lost_flows = 0
        self.slowest: list[tuple[float, int]] = []
        self.times: dict[tuple[str, str], list[list[float]]] = {}
        self.histograms: dict[tuple[str, str], Counter[int]] = {}
        self.latest = 0.0

    def take(self, each: Object) -> None:
        """Counts a message or packet, and keeps it."""
        self._make_room(each["time"])
        self.latest = max(self.latest, each["time"])
        self._count_lane(each)
        if each["type"] == "message":
            self._count_message(each)
        elif each["packet"] in ("SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK"):
            self.eras[each["connection"]] += 1
        if "message" in each or each["type"] == "message":
            json.dump(each, self.file, ensure_ascii=True, separators=(",", ":"))
            self.file.write("\n")

    def kept(self) -> Iterator[Object]:
        """What was kept, in the order of the capture."""
        self.file.flush()
        self.file.seek(0)
        for line in self.file:
            yield json.loads(line)

    def bin_of(self, time: float) -> int:
        """The span of a time."""
        return max(0, min(BINS - 1, int(time / self.width)))

    def _make_room(self, time: float) -> None:
        while time >= self.width * BINS:
            for each in self.flows.values():
                each.series.fold()
            for lane in self.lanes.values():
                lane.sent.fold()
                lane.received.fold()
            self.width *= 2

    def _count_lane(self, each: Object) -> None:
        lane = self.lanes.setdefault(each["connection"], Lane())
        time = each["time"]
        series = lane.received if each["sender"] == "broker" else lane.sent
        series.bins[self.bin_of(time)] += 1
        if each.get("packet") == "PINGREQ":
            if len(lane.pings) < LANE_POINTS_MOST:
                lane.pings.append(time)
            else:
                lane.pings_left_out += 1
        if lane.latest is not None and time - lane.latest > lane.longest_kept:
            lane.silences = sorted([*lane.silences, [lane.latest, time]], key=lambda span: span[0] - span[1])[:12]
            lane.longest_kept = lane.silences[-1][1] - lane.silences[-1][0] if len(lane.silences) == 12 else 0.0
        lane.latest = time

    def _count_message(self, each: Object) -> None:
        self.messages += 1
        part, client, topic = each.get("part"), each.get("client", "?"), each.get("topic", "")
        is_publication = each["sender"] == "client"
        if each["dup"]:
            return
        if is_publication:
            self.publications += 1
            if "message" in each:
                self.publishers[each["message"]] = client
                self.published.setdefault(topic, array("I")).append(each["message"])
        else:
            self.deliveries += 1
        key = (client, topic, is_publication)
        flow = self.flows.get(key)
        if flow is None:
            if len(self.flows) >= FLOWS_MOST:
                self.lost_flows += 1
                key = (OTHER, OTHER, is_publication)
            flow = self.flows.setdefault(key, Flow(*key))
        flow.messages += 1
        flow.payload_bytes += each["payload_length"]
        flow.series.bins[self.bin_of(each["time"])] += 1
        if not is_publication:
            self._count_run(each, client, topic)
        if part == "delivery" and "broker_time" in each:
            self._count_time(each, topic, client)

    def _count_run(self, each: Object, client: str, topic: str) -> None:
        connection = each["connection"]
        run = self.runs.setdefault((connection, self.eras[connection], topic), Run(client, connection))
        if each.get("part") != "delivery" or not each["certain"] or each["kind"] == "shared":
            run.is_doubtful = True
        if "message" in each:
            run.numbers.append(each["message"])

    def _count_time(self, each: Object, topic: str, client: str) -> None:
        """Keeps the slowest, and for each topic and subscriber the slowest of so many spans of time."""
        time = each["broker_time"]
        if len(self.slowest) < 1000 or time > self.slowest[0][0]:
            self.slowest.append((time, each["message"]))
            if len(self.slowest) >= 2000:
                self.slowest = sorted(self.slowest)[-1000:]
        key = (topic, client)
        if key not in self.times and len(self.times) >= 300:
            return
        points = self.times.setdefault(key, [])
        self.histograms.setdefault(key, Counter())[round(STEPS_OF_TEN * math.log10(max(time, 1e-6)))] += 1
        points.append([each["time"], time, each["message"]])
        if len(points) > 2 * BINS:
            points.sort()
            worst = (max(points[i], points[i + 1], key=lambda point: point[1]) for i in range(0, len(points) - 1, 2))
            self.times[key] = list(worst) + points[len(points) & ~1:]

    def missing(self, untold: set[int]) -> dict[int, list[str]]:
        """By message: the subscribers that got an earlier and a later one of the topic on the same connection, but not it. Withheld is not
        told from lost. Nothing is said of connections in `untold`, where packets may be missing from the capture."""
        found: dict[int, list[str]] = {}
        for (_, _, topic), run in self.runs.items():
            if run.is_doubtful or len(run.numbers) < 2 or run.connection in untold:
                continue
            got = set(run.numbers)
            for number in sorted(set(self.published.get(topic, ())) - got):
                if min(got) < number < max(got) and self.publishers[number] != run.client and (len(found) < 500 or number in found):
                    found.setdefault(number, []).append(run.client)
        return found

    def doubled(self) -> set[int]:
        """Messages that a connection got more than once without DUP, and no other one can be meant."""
        found: set[int] = set()
        for run in self.runs.values():
            if not run.is_doubtful and len(set(run.numbers)) != len(run.numbers):
                found.update(number for number, times in Counter(run.numbers).items() if times > 1 and len(found) < 500)
        return found
