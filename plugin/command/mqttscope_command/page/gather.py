# gather.py: what is counted of messages and packets while tshark writes them.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages are counted here and kept in a temporary file, line by line: which of them are worth showing is known at the end only. In memory
is what a page can show, a few bytes for each message, and what is known of each connection."""

from __future__ import annotations

import json
import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import IO

from ..capture import Object

BINS = 240
FLOWS_MOST = 4000
TOPICS_OF_OTHERS = 1000
"""So many topics have a flow of their own for all clients that there is no room for."""
LANE_POINTS_MOST = 400
SILENCES_MOST = 12
RUNS_MOST = 200_000
"""Of topics as well: what is delivered beyond that is counted, but not looked at for messages that are missing or doubled."""
STEPS_OF_TEN = 5
"""So many columns of the distribution of times make it ten times as long."""
INVALID_QOS = 3
"""A PUBLISH with it is no message: whoever receives it has to close the connection."""
OTHER = "(others)"
"""Stands for what there is no room for."""


class Series:
    """Counts by time, in BINS equal spans that begin with the capture; their width is the gatherer's."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs = array("I")
        """Which span, how many in it, for those that are not empty."""

    def add(self, span: int, count: int = 1) -> None:
        """Counts in a span, which is rarely before the last one: the clock of a capture may go back."""
        at = len(self.pairs)
        while at and self.pairs[at - 2] > span:
            at -= 2
        if at and self.pairs[at - 2] == span:
            self.pairs[at - 1] += count
        else:
            self.pairs[at:at] = array("I", (span, count))

    def fold(self) -> None:
        """Makes the spans twice as wide."""
        narrow, self.pairs = self.pairs, array("I")
        for at in range(0, len(narrow), 2):
            self.add(narrow[at] // 2, narrow[at + 1])

    def sparse(self) -> list[list[int]]:
        """The spans that are not empty: which, and how many."""
        return [[self.pairs[at], self.pairs[at + 1]] for at in range(0, len(self.pairs), 2)]


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


class Lane:
    """What a connection did over time. There is one for each connection, so that it has to be small."""

    __slots__ = ("sent", "received", "pings", "pings_left_out", "silences", "latest")

    def __init__(self, time: float) -> None:
        self.sent = Series()
        self.received = Series()
        self.pings = array("d")
        self.pings_left_out = 0
        self.silences: tuple[tuple[float, float], ...] = ()
        """The longest, the longest first."""
        self.latest = time

    def continue_at(self, time: float) -> None:
        """Keeps the time since the latest packet, if it is among the longest."""
        last = self.silences[-1] if len(self.silences) == SILENCES_MOST else (0.0, 0.0)
        if time - self.latest > last[1] - last[0]:
            self.silences = tuple(sorted((*self.silences, (self.latest, time)), key=lambda span: span[0] - span[1])[:SILENCES_MOST])
        self.latest = time


class Gatherer:
    """Takes in objects of the tap."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.size = 0
        self.index = (array("I"), array("I"), array("Q"))
        """Of each line about a message that has a number: the number, the frame, and where the line is in the file."""
        self.width = 1e-6
        self.flows: dict[tuple[str, str, bool], Flow] = {}
        self.lanes: dict[int, Lane] = {}
        self.clients: dict[str, int] = {}
        """Their numbers, from 1."""
        self.publishers = array("I")
        """Numbers of clients, by message; 0 for those whose publication was not captured."""
        self.published: dict[str, array[int]] = {}
        self.runs: dict[tuple[int, int, str], Run] = {}
        self.eras: Counter[int] = Counter()
        """How often the subscriptions of a connection changed."""
        self.messages = self.publications = self.deliveries = self.invalid_qos = 0
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
            if "message" in each:
                for column, value in zip(self.index, (each["message"], each["frame"], self.size)):
                    column.append(value)
            self.size += self.file.write(json.dumps(each, separators=(",", ":")).encode("ascii") + b"\n")

    def kept(self) -> Iterator[Object]:
        """What was kept, in the order of the capture."""
        self.file.seek(0)
        for line in self.file:
            yield json.loads(line)

    def kept_of(self, messages: Container[int]) -> Iterator[Object]:
        """What was kept of messages with these numbers."""
        for number, _, place in zip(*self.index):
            if number in messages:
                yield self._kept_at(place)

    def kept_in(self, frames: Container[int]) -> Iterator[Object]:
        """What was kept of messages with a number in these frames."""
        for _, frame, place in zip(*self.index):
            if frame in frames:
                yield self._kept_at(place)

    def _kept_at(self, place: int) -> Object:
        self.file.seek(place)
        found: Object = json.loads(self.file.readline())
        return found

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
        time = each["time"]
        lane = self.lanes.get(each["connection"])
        if lane is None:
            lane = self.lanes[each["connection"]] = Lane(time)
        (lane.received if each["sender"] == "broker" else lane.sent).add(self.bin_of(time))
        if each.get("packet") == "PINGREQ":
            if len(lane.pings) < LANE_POINTS_MOST:
                lane.pings.append(time)
            else:
                lane.pings_left_out += 1
        lane.continue_at(time)

    def _count_message(self, each: Object) -> None:
        self.messages += 1
        part, client, topic = each.get("part"), each.get("client", "?"), each.get("topic", "")
        is_publication = each["sender"] == "client"
        if each["qos"] == INVALID_QOS:
            self.invalid_qos += 1
            return
        if each["dup"]:
            return
        if is_publication:
            self.publications += 1
            if "message" in each:
                self._note_publication(each["message"], client, topic)
        else:
            self.deliveries += 1
        key = (client, topic, is_publication)
        flow = self.flows.get(key)
        if flow is None:
            if len(self.flows) >= FLOWS_MOST:
                key = (OTHER, topic, is_publication)
                if key not in self.flows and len(self.flows) >= FLOWS_MOST + TOPICS_OF_OTHERS:
                    key = (OTHER, OTHER, is_publication)
            flow = self.flows.setdefault(key, Flow(*key))
        flow.messages += 1
        flow.payload_bytes += each["payload_length"]
        flow.series.add(self.bin_of(each["time"]))
        if not is_publication:
            self._count_run(each, client, topic)
        if part == "delivery" and "broker_time" in each:
            self._count_time(each, topic, client)

    def _note_publication(self, number: int, client: str, topic: str) -> None:
        self.publishers.extend([0] * (number + 1 - len(self.publishers)))
        self.publishers[number] = self.clients.setdefault(client, len(self.clients) + 1)
        if topic not in self.published and len(self.published) < RUNS_MOST:
            self.published[topic] = array("I")
        if topic in self.published:
            insort(self.published[topic], number)

    def _count_run(self, each: Object, client: str, topic: str) -> None:
        connection = each["connection"]
        key = (connection, self.eras[connection], topic)
        run = self.runs.get(key)
        if run is None:
            if len(self.runs) >= RUNS_MOST:
                return
            run = self.runs[key] = Run(client, connection)
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
            published = self.published.get(topic, array("I"))
            for number in published[bisect_right(published, min(got)):bisect_left(published, max(got))]:
                if number not in got and self.publishers[number] != self.clients.get(run.client) and (len(found) < 500 or number in found):
                    found.setdefault(number, []).append(run.client)
        return found

    def doubled(self) -> set[int]:
        """Messages that a connection got more than once without DUP, and no other one can be meant."""
        found: set[int] = set()
        for run in self.runs.values():
            if not run.is_doubtful and len(set(run.numbers)) != len(run.numbers):
                found.update(number for number, times in Counter(run.numbers).items() if times > 1 and len(found) < 500)
        return found
