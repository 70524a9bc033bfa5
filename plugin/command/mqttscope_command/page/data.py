# data.py: what the page knows of a capture, as one object of bounded size.
# SPDX-License-Identifier: GPL-2.0-or-later
"""No text of the wire is ever the name of a member, so that redact.py finds all of it in values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..capture import Capture, Object
from ..explain import Catalogue
from ..judge import SEVERITIES, Policy, judge
from .details import Message
from .gather import BINS, OTHER, STEPS_OF_TEN, Gatherer, Lane

CONNECTIONS_MOST = 400
FLOWS_MOST = 600
LANES_MOST = 80
FINDINGS_MOST = 1000
FINDINGS_OF_RULE_MOST = 25
"""Of one rule and client."""
EVENTS_MOST = 1000
DELIVERIES_MOST = 400
TIMES_MOST = 40
STATEMENT_CHARACTERS = 240


def _first(items: list[Any], most: int) -> tuple[list[Any], int]:
    """So many of them, and how many are left out."""
    return items[:most], max(0, len(items) - most)


def _weight(connection: Object) -> tuple[int, int]:
    """What makes a connection worth showing: findings, then packets."""
    return -sum(connection["findings"][each] for each in SEVERITIES[:3]), -connection["packets"]


def _findings(capture: Capture) -> tuple[list[Object], int]:
    """The worst, not too many of one rule and client; and how many are left out."""
    counts: Counter[tuple[str, str]] = Counter()
    kept = []
    for each in sorted(capture.findings, key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["frame"])):
        key = (each["rule"], each.get("client", ""))
        counts[key] += 1
        if counts[key] <= FINDINGS_OF_RULE_MOST and len(kept) < FINDINGS_MOST:
            kept.append({name: value for name, value in each.items() if name not in ("type", "time_epoch")})
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


def _flows(gatherer: Gatherer) -> tuple[list[Object], int]:
    """The widest flows, one for each client, topic and direction; the others are added up, one for each direction."""
    ordered = sorted(gatherer.flows.values(), key=lambda flow: (flow.topic == OTHER, -flow.messages))
    shown, rest = ordered[:FLOWS_MOST], ordered[FLOWS_MOST:]
    written = [{"client": each.client, "topic": each.topic, "to_broker": each.to_broker, "messages": each.messages,
                "payload_bytes": each.payload_bytes, "bins": each.series.sparse()} for each in shown]
    for to_broker in (True, False):
        others = [each for each in rest if each.to_broker == to_broker]
        if others:
            sums: Counter[int] = Counter()
            for each in others:
                sums.update(dict(each.series.sparse()))
            written.append({"client": OTHER, "topic": OTHER, "to_broker": to_broker, "messages": sum(each.messages for each in others),
                            "payload_bytes": sum(each.payload_bytes for each in others), "bins": [list(each) for each in sorted(sums.items())]})
    return written, len(rest)


def _lane(connection: Object, lane: Lane) -> Object:
    return {"connection": connection["connection"], "sent": lane.sent.sparse(), "received": lane.received.sparse(), "pings": lane.pings,
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
                       "missing": message.missing, "doubled": message.doubled, "steps_left_out": message.steps_left_out}
    if message.publication is not None:
        written["publisher"] = message.publication.get("client", "?")
    for name in ("payload", "payload_hex", "payload_length", "qos", "retain"):
        source = first if name in first else next((each for each in message.deliveries if name in each), {})
        if name in source:
            written[name] = source[name]
    return written


def _times(gatherer: Gatherer) -> list[Object]:
    ordered = sorted(gatherer.times.items(), key=lambda each: -max(point[1] for point in each[1]))
    return [{"topic": topic, "subscriber": subscriber, "points": sorted(points), "histogram": sorted(gatherer.histograms[topic, subscriber].items())} for (topic, subscriber), points in ordered[:TIMES_MOST]]


def make_data(capture: Capture, catalogue: Catalogue, gatherer: Gatherer, messages: list[Message], made: Object) -> Object:
    """All that the page shows."""
    verdict = judge(capture, Policy())
    findings, findings_left_out = _findings(capture)
    connections, connections_left_out = _first(sorted(capture.connections, key=_weight), CONNECTIONS_MOST)
    connections = sorted(connections, key=lambda each: int(each["connection"]))
    events, events_left_out = _first(capture.events, EVENTS_MOST)
    deliveries, deliveries_left_out = _first(sorted(capture.deliveries, key=lambda each: (
        each["delivered"] - each["published"], -each["twice"], -each.get("broker_time", {}).get("most_us", 0))), DELIVERIES_MOST)
    lanes = [each for each in sorted(connections, key=_weight) if each["connection"] in gatherer.lanes][:LANES_MOST]
    flows, flows_left_out = _flows(gatherer)
    rules = {each["rule"] for each in findings}
    return {
        "made": made | {"plugin": capture.header.get("version", ""), "wireshark": capture.header.get("wireshark", ""),
                        "schema": capture.header.get("schema", "")},
        "capture": {name: value for name, value in capture.summary.items() if name != "type"},
        "partial": verdict.partial,
        "statements": _statements(capture, catalogue, verdict.states),
        "connections": [{name: value for name, value in each.items() if name not in ("type", "statements", "client_id_hex")} for each in connections],
        "connections_left_out": connections_left_out,
        "bins": BINS, "steps_of_ten": STEPS_OF_TEN, "bin_width": gatherer.width, "end": max(gatherer.latest, float(capture.summary.get("duration", 0))),
        "totals": {"messages": gatherer.messages, "publications": gatherer.publications, "deliveries": gatherer.deliveries},
        "flows": flows, "flows_left_out": flows_left_out + gatherer.lost_flows,
        "lanes": [_lane(each, gatherer.lanes[each["connection"]]) for each in sorted(lanes, key=lambda each: int(each["connection"]))],
        "lanes_left_out": len(capture.connections) - len(lanes),
        "deliveries": [{name: value for name, value in each.items() if name != "type"} for each in deliveries],
        "deliveries_left_out": deliveries_left_out,
        "times": _times(gatherer),
        "messages": [message_object(each) for each in messages],
        "findings": findings, "findings_left_out": findings_left_out,
        "events": [{name: value for name, value in each.items() if name not in ("type", "time_epoch")} for each in events],
        "events_left_out": events_left_out,
        "rules": [{"rule": each} | {name: catalogue.rules[each].get(name) or "" for name in ("wants", "cause", "mend", "excuse")}
                  for each in sorted(rules) if each in catalogue.rules],
    }
