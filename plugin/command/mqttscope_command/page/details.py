# details.py: the messages that are shown one by one.
# SPDX-License-Identifier: GPL-2.0-or-later
"""All of them where there are few; else those that were asked for, then missing, doubled and slow ones, those with findings, and the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..capture import Object
from ..judge import matches
from .gather import Gatherer

MESSAGES_MOST = 400
STEPS_MOST = 59
"""Of one message, its publication apart."""


@dataclass
class Wanted:
    """What the user wants to see of messages."""

    client: str | None = None
    topic: str | None = None
    between: tuple[float, float] | None = None
    numbers: list[int] = field(default_factory=list)

    def is_set(self) -> bool:
        """True where anything was asked for."""
        return self.client is not None or self.topic is not None or self.between is not None or bool(self.numbers)

    def takes(self, each: Object) -> bool:
        """True where a message, or a packet of its journey, is asked for."""
        return ((self.client is None or matches(each.get("client", ""), self.client))
                and (self.topic is None or topic_matches(each.get("topic", ""), self.topic))
                and (self.between is None or self.between[0] <= each["time"] <= self.between[1])
                and (not self.numbers or each.get("message") in self.numbers))


def topic_matches(topic: str, pattern: str) -> bool:
    """True where a Topic Filter matches a Topic Name."""
    levels, wanted = topic.split("/"), pattern.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for i, each in enumerate(wanted):
        if each == "#":
            return True
        if i >= len(levels) or each not in ("+", levels[i]):
            return False
    return len(levels) == len(wanted)


@dataclass
class Message:
    """An application message and its journey."""

    number: int
    topic: str = ""
    publication: Object | None = None
    deliveries: list[Object] = field(default_factory=list)
    acknowledgements: list[Object] = field(default_factory=list)
    steps_left_out: int = 0
    delivered: int = 0
    slowest: float = -1.0
    missing: list[str] = field(default_factory=list)
    doubled: bool = False

    def take(self, each: Object) -> None:
        """Takes in a step. Of many the first are kept, and the slowest delivery."""
        self.topic = self.topic or each.get("topic", "")
        if each.get("part") == "publication" and self.publication is None:
            self.publication = each
            return
        is_delivery = each.get("part") == "delivery"
        is_slowest = is_delivery and each.get("broker_time", -1.0) > self.slowest
        if is_slowest:
            self.slowest = each["broker_time"]
        self.delivered += each["type"] == "message" and each["sender"] == "broker"
        if len(self.deliveries) + len(self.acknowledgements) >= STEPS_MOST:
            self.steps_left_out += 1
            if not is_slowest:
                return
            (self.deliveries or self.acknowledgements).pop()
        (self.deliveries if is_delivery else self.acknowledgements).append(each)


def choose(gatherer: Gatherer, wanted: Wanted, with_findings: set[tuple[int, int]], missing: dict[int, list[str]]) -> tuple[list[int], int]:
    """The numbers of the messages to show, the first being the most important, and how many there are."""
    seen = max(gatherer.index[0], default=0)
    if wanted.is_set():
        asked = (each["message"] for each in gatherer.kept() if each["type"] == "message" and "message" in each and wanted.takes(each))
        return _distinct(asked, MESSAGES_MOST), seen
    broken = (each["message"] for each in gatherer.kept_in({frame for frame, _ in with_findings})
              if each["type"] == "message" and (each["frame"], each["pdu"]) in with_findings)
    slow = (number for _, number in sorted(gatherer.slowest, reverse=True))
    first = _distinct(gatherer.index[0], MESSAGES_MOST)
    return _distinct([*list(missing)[:100], *sorted(gatherer.doubled())[:50], *_distinct(broken, 100), *_distinct(slow, 100), *first],
                     MESSAGES_MOST), seen


def _distinct(numbers: Iterable[int], most: int) -> list[int]:
    """So many of them, each once, in their order."""
    found: dict[int, None] = {}
    for each in numbers:
        found[each] = None
        if len(found) == most:
            break
    return list(found)


def messages_of(gatherer: Gatherer, numbers: list[int], missing: dict[int, list[str]]) -> list[Message]:
    """The messages with these numbers, in their order."""
    found = {number: Message(number) for number in numbers}
    doubled = gatherer.doubled()
    for each in gatherer.kept_of(found):
        found[each["message"]].take(each)
    for number, message in found.items():
        message.missing = missing.get(number, [])
        message.doubled = number in doubled
    return list(found.values())


def delivered(gatherer: Gatherer, wanted: Wanted) -> Iterator[Object]:
    """A row for each delivery, in the order of the capture, and one for each publication that nobody was seen to get. An end-to-end time
    that is known only at the acknowledgement is on the row all the same."""
    times: dict[tuple[int, int, int], float] = {}
    published: dict[int, Object] = {}
    reached: set[int] = set()
    for each in gatherer.kept():
        if each["type"] == "packet" and each.get("part") == "acknowledgement" and "end_to_end" in each and "message" in each:
            times.setdefault((each["message"], each["connection"], each.get("packet_id", 0)), each["end_to_end"])
        if each["type"] == "message" and each.get("part") == "delivery" and "message" in each:
            reached.add(each["message"])
    for each in gatherer.kept():
        part, number = each.get("part"), each.get("message")
        if part == "publication" and number is not None:
            published.setdefault(number, {name: each[name] for name in ("frame", "time", "time_epoch", "client") if name in each})
            if each["type"] == "message" and number not in reached and not each["dup"] and wanted.takes(each):
                yield _row(each, each, None)
        elif each["type"] == "message" and part in ("delivery", "unknown") and (wanted.takes(each) or (
                wanted.client is not None and number in published and wanted.takes({**each, "client": published[number].get("client", "")}))):
            row = _row(each, published.get(number or 0), each)
            row["end_to_end"] = each.get("end_to_end", times.get((number or 0, each["connection"], each.get("packet_id", 0))))
            yield row


def _row(each: Object, publication: Object | None, delivery: Object | None) -> Object:
    publication = publication or {}
    reached = delivery or {}
    return {
        "message": each.get("message"), "topic": each.get("topic", ""),
        "publisher": publication.get("client"), "published_frame": publication.get("frame"), "published": publication.get("time"),
        "published_epoch": publication.get("time_epoch"),
        "subscriber": reached.get("client"), "delivered_frame": reached.get("frame"), "delivered": reached.get("time"),
        "delivered_epoch": reached.get("time_epoch"), "broker_time": reached.get("broker_time"), "end_to_end": None,
        "kind": reached.get("kind"), "certain": reached.get("certain"), "qos": each["qos"], "dup": each["dup"], "retain": each["retain"],
        "payload_length": each["payload_length"],
    }
