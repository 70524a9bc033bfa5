# data.py: what the page knows of a capture, as one object of bounded size.
# SPDX-License-Identifier: GPL-2.0-or-later
"""No text of the wire is ever the name of a member, so that redact.py finds all of it in values. Of each kind of thing so many are on
the page, and fewer where they are long: a Topic Name may have 65,535 bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..capture import Capture, Object, weight
from ..explain import Catalogue
from ..judge import SEVERITIES, Policy, judge
from .details import Message
from .gather import BINS, OTHER, STEPS_OF_TEN, Gatherer, Lane
from .page import escaped

MB = 1_000_000
CONNECTIONS_MOST = 400
CONNECTIONS_BYTES = 1 * MB
FLOWS_MOST = 600
FLOWS_BYTES = 0.8 * MB
OTHERS_MOST = 150
OTHERS_BYTES = 0.3 * MB
"""Of topics with the clients that have no flow of their own."""
LANES_MOST = 80
FINDINGS_MOST = 1000
FINDINGS_BYTES = 1.2 * MB
FINDINGS_OF_RULE_MOST = 25
"""Of one rule and client."""
EVENTS_MOST = 1000
EVENTS_BYTES = 0.5 * MB
DELIVERIES_MOST = 400
DELIVERIES_BYTES = 0.5 * MB
TIMES_MOST = 40
TIMES_BYTES = 0.8 * MB
MESSAGES_BYTES = 3 * MB
MISSING_MOST = 50
"""Subscribers that did not get one message."""
STATEMENT_CHARACTERS = 240
Redact = Callable[[Any], Any]


def _within(items: Iterable[Object], most: int, room: float, redact: Redact) -> tuple[list[Object], list[Object]]:
    """As many of them as there is room for, as the page has them, and those that are left out. What is too long keeps out nothing
    that follows."""
    kept: list[Object] = []
    rest: list[Object] = []
    for each in items:
        if len(kept) < most:
            shown = redact(each)
            size = len(escaped(shown).encode("utf-8"))
            if size <= room:
                kept.append(shown)
                room -= size
                continue
        rest.append(each)
    return kept, rest


def _without(each: Object, *names: str) -> Object:
    return {name: value for name, value in each.items() if name not in names}


def _findings(capture: Capture, redact: Redact) -> tuple[list[Object], int]:
    """The worst, not too many of one rule and client; and how many are left out."""
    counts: Counter[tuple[str, str]] = Counter()
    listed = []
    for each in sorted(capture.findings, key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["frame"])):
        key = (each["rule"], each.get("client", ""))
        counts[key] += 1
        if counts[key] <= FINDINGS_OF_RULE_MOST:
            listed.append(_without(each, "type", "time_epoch"))
    kept, _ = _within(listed, FINDINGS_MOST, FINDINGS_BYTES, redact)
    return kept, len(capture.findings) - len(kept) + capture.findings_left_out


def _statements(capture: Capture, catalogue: Catalogue, states: dict[tuple[str, str], str]) -> list[Object]:
    """Each statement of the versions that occur, and what became of it; those that nothing judges too."""
    known = {(each["version"], each["id"]): each for each in catalogue.statements}
    versions = {version for version, _ in states}
    written = []
    for (version, identifier), state in states.items():
        text = known.get((version, identifier), {}).get("text", "")
        written.append({"id": identifier, "version": version, "state": state, "statement": text[:STATEMENT_CHARACTERS]})
    for (version, identifier), each in known.items():
        if version in versions and (version, identifier) not in states:
            written.append({"id": identifier, "version": version, "state": "not judged", "statement": each["text"][:STATEMENT_CHARACTERS],
                            "reason": each.get("unjudged") or ""})
    return sorted(written, key=lambda each: (each["version"], [int(part) if part.isdigit() else 0 for part in each["id"].replace("-", ".").split(".")]))


def _together(topic: str, to_broker: bool, flows: list[Object]) -> Object:
    """Flows of several clients as one."""
    spans: Counter[int] = Counter()
    for each in flows:
        spans.update(dict(each["bins"]))
    return {"client": OTHER, "topic": topic, "to_broker": to_broker, "messages": sum(each["messages"] for each in flows),
            "payload_bytes": sum(each["payload_bytes"] for each in flows), "bins": [list(each) for each in sorted(spans.items())]}


def _flows(gatherer: Gatherer, redact: Redact) -> list[Object]:
    """The widest flows, one for each client, topic and direction; then those of the other clients by topic; then all that is left."""
    ordered = sorted(gatherer.flows.values(), key=lambda flow: (flow.client == OTHER, -flow.messages))
    named = sum(each.client != OTHER for each in ordered)
    written, rest = _within(({"client": each.client, "topic": each.topic, "to_broker": each.to_broker, "messages": each.messages,
                              "payload_bytes": each.payload_bytes, "bins": each.series.sparse()} for each in ordered), min(FLOWS_MOST, named), FLOWS_BYTES, redact)
    groups: dict[tuple[str, bool], list[Object]] = {}
    for each in rest:
        groups.setdefault((each["topic"], each["to_broker"]), []).append(each)
    left = {to_broker: groups.pop((OTHER, to_broker), []) for to_broker in (True, False)}
    by_topic = [_together(topic, to_broker, flows) for (topic, to_broker), flows in groups.items()]
    shown, rest = _within(sorted(by_topic, key=lambda flow: -int(flow["messages"])), OTHERS_MOST, OTHERS_BYTES, redact)
    for each in rest:
        left[each["to_broker"]].append(each)
    return written + shown + [_together(OTHER, to_broker, flows) for to_broker, flows in left.items() if flows]


def _lane(connection: Object, lane: Lane) -> Object:
    return {"connection": connection["connection"], "sent": lane.sent.sparse(), "received": lane.received.sparse(), "pings": list(lane.pings),
            "pings_left_out": lane.pings_left_out, "silences": sorted(lane.silences)}


def _step(each: Object) -> Object:
    names = ("frame", "pdu", "time", "connection", "client", "sender", "packet", "packet_id", "code", "qos", "dup", "retain", "kind", "certain",
             "broker_time", "end_to_end", "packet_length")
    return {"packet": "PUBLISH"} | {name: each[name] for name in names if name in each}


def message_object(message: Message) -> Object:
    """A message as the page has it."""
    first = message.publication or (message.deliveries + message.acknowledgements)[0]
    written: Object = {"number": message.number, "topic": message.topic,
                       "steps": [_step(each) for each in sorted([*([message.publication] if message.publication else []), *message.deliveries,
                                                                 *message.acknowledgements], key=lambda each: (each["time"], each["frame"], each["pdu"]))],
                       "missing": message.missing[:MISSING_MOST], "missing_total": len(message.missing), "doubled": message.doubled,
                       "delivered": message.delivered, "slowest": message.slowest, "steps_left_out": message.steps_left_out}
    if message.publication is not None:
        written["publisher"] = message.publication.get("client", "?")
    for name in ("payload", "payload_hex", "payload_length", "qos", "retain"):
        source = first if name in first else next((each for each in message.deliveries if name in each), {})
        if name in source:
            written[name] = source[name]
    return written


def _times(gatherer: Gatherer, redact: Redact) -> list[Object]:
    ordered = sorted(gatherer.times.items(), key=lambda each: -max(point[1] for point in each[1]))
    return _within(({"topic": topic, "subscriber": subscriber, "points": sorted(points), "histogram": sorted(gatherer.histograms[topic, subscriber].items())}
                    for (topic, subscriber), points in ordered), TIMES_MOST, TIMES_BYTES, redact)[0]


def make_data(capture: Capture, catalogue: Catalogue, gatherer: Gatherer, messages: list[Message], made: Object, redact: Redact) -> Object:
    """All that the page shows. The first of the messages are the most important; `redact` gives what may be shown of an object."""
    verdict = judge(capture, Policy())
    findings, findings_left_out = _findings(capture, redact)
    connections, left_out = _within((_without(each, "type", "client_id_hex") for each in sorted(capture.connections, key=weight)), CONNECTIONS_MOST,
                                    CONNECTIONS_BYTES, redact)
    connections_left_out = capture.connections_left_out + len(left_out)
    events, events_left_out = _within((_without(each, "type", "time_epoch") for each in capture.events), EVENTS_MOST, EVENTS_BYTES, redact)
    deliveries, deliveries_left_out = _within((_without(each, "type") for each in sorted(capture.deliveries, key=lambda each: (
        each["delivered"] - each["published"], -each["twice"], -each.get("broker_time", {}).get("most_us", 0)))), DELIVERIES_MOST, DELIVERIES_BYTES, redact)
    lanes = [each for each in connections if each["connection"] in gatherer.lanes][:LANES_MOST]
    rules = {each["rule"] for each in findings}
    shown, _ = _within(map(message_object, messages), len(messages), MESSAGES_BYTES, redact)
    summary: Object = redact({
        "made": made | {"plugin": capture.header.get("version", ""), "wireshark": capture.header.get("wireshark", ""),
                        "schema": capture.header.get("schema", "")},
        "capture": _without(capture.summary, "type"),
        "partial": verdict.partial,
        "statements": _statements(capture, catalogue, verdict.states),
        "bins": BINS, "steps_of_ten": STEPS_OF_TEN, "bin_width": gatherer.width, "end": max(gatherer.latest, float(capture.summary.get("duration", 0))),
        "totals": {"messages": gatherer.messages, "publications": gatherer.publications, "deliveries": gatherer.deliveries, "invalid_qos": gatherer.invalid_qos},
        "rules": [{"rule": each} | {name: catalogue.rules[each].get(name) or "" for name in ("wants", "cause", "mend", "excuse")}
                  for each in sorted(rules) if each in catalogue.rules]})
    return summary | {
        "connections": sorted(connections, key=lambda each: int(each["connection"])), "connections_left_out": connections_left_out,
        "flows": _flows(gatherer, redact),
        "lanes": [_lane(each, gatherer.lanes[each["connection"]]) for each in sorted(lanes, key=lambda each: int(each["connection"]))],
        "lanes_left_out": connections_left_out + len(connections) - len(lanes),
        "deliveries": deliveries, "deliveries_left_out": len(deliveries_left_out),
        "times": _times(gatherer, redact),
        "messages": sorted(shown, key=lambda each: int(each["number"])),
        "findings": findings, "findings_left_out": findings_left_out,
        "events": events, "events_left_out": capture.events_left_out + len(events_left_out),
    }
