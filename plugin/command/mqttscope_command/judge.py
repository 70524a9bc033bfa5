# judge.py: which findings count, and what the verdict on a capture is.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Exit statuses: CLEAN, FINDINGS, UNJUDGED, USAGE. Of several captures the highest counts."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field

from .capture import Capture, Object, is_connect_unseen, plural

CLEAN, FINDINGS, UNJUDGED, USAGE = range(4)
SEVERITIES = ("error", "warning", "note", "chat")
"""The worst first."""


@dataclass
class Policy:
    """What the user wants to be judged, and what fails."""

    fail_on: str = "warning"
    fail_on_events: list[str] = field(default_factory=list)
    fail_on_practice: bool = False
    rules: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    client: str | None = None
    side: str | None = None
    require_complete: bool = False
    required: list[str] = field(default_factory=list)


@dataclass
class Verdict:
    """The verdict on one capture."""

    capture: Capture
    findings: list[Object]
    """Those that the user has asked for."""
    failing: list[Object]
    """Of them those that fail, and events."""
    partial: list[str]
    """Why it does not speak for all of the traffic."""
    missing: list[str]
    """Statements that were required and not exercised."""
    states: dict[tuple[str, str], str]
    """What became of each statement, by version and id."""
    status: int
    known: int = 0
    """Findings that the baseline has taken from those that fail."""


def matches(name: str, pattern: str) -> bool:
    """True for the name itself, and for a glob of it. A pattern is the user's; a name may be the wire's."""
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _is_named(finding: Object, patterns: list[str]) -> bool:
    return any(matches(name, pattern) for pattern in patterns for name in (finding["rule"], *finding["ids"]))


def _is_wanted(finding: Object, policy: Policy) -> bool:
    if policy.rules and not _is_named(finding, policy.rules):
        return False
    if _is_named(finding, policy.skipped):
        return False
    if policy.client is not None and not matches(finding.get("client", ""), policy.client):
        return False
    return policy.side is None or finding["side"] == policy.side


def _fails(finding: Object, policy: Policy) -> bool:
    if finding["rule"].startswith("practice_"):
        return policy.fail_on_practice
    return policy.fail_on != "never" and SEVERITIES.index(finding["severity"]) <= SEVERITIES.index(policy.fail_on)


def connections_of(capture: Capture, client: str | None) -> list[Object]:
    """All connections, or those of the clients that the user has chosen."""
    return [each for each in capture.connections if client is None or matches(each["client"], client)]


def _partial(capture: Capture, connections: list[Object] | None) -> list[str]:
    """Why the verdict does not speak for all of the traffic, or of that of the connections that were chosen."""
    reasons = []
    if connections is None:
        without, gaps = capture.summary["connections_without_connect"], capture.summary["connections_with_gap"]
    else:
        without, gaps = sum(map(is_connect_unseen, connections)), sum(each["gap"] for each in connections)
    unread = capture.summary["unread_streams_total"]
    truncated = capture.summary["frames_truncated"]
    if without:
        reasons.append(f"{plural(without, 'connection')} whose CONNECT was not captured")
    if gaps:
        reasons.append(f"{plural(gaps, 'connection')} with missing bytes")
    if unread and connections is None:
        reasons.append(f"{plural(unread, 'stream')} of MQTT by port or ALPN that could not be read")
    if truncated and connections is None:
        reasons.append(f"{plural(truncated, 'frame')} truncated by the snapshot length")
    if capture.is_cut:
        reasons.append("the file ends within its last record")
    reasons += capture.doubts
    if capture.findings_left_out:
        reasons.append(f"{plural(capture.findings_left_out, 'further finding')} not kept")
    return reasons


def _states(capture: Capture) -> dict[tuple[str, str], str]:
    """What became of each statement in the capture."""
    return {(each["version"], each["id"]): each["state"] for each in capture.statements}


def states_on(connections: list[Object], capture: Capture) -> dict[tuple[str, str], str]:
    """What became of each statement on these connections."""
    versions = {each.get("version") for each in connections}
    states = {(each["version"], each["id"]): "not exercised" for each in capture.statements if each["version"] in versions}
    for state in ("partly judged", "held", "broken"):
        for connection in connections:
            for identifier in connection["statements"][state]:
                for version in versions:
                    if (version, identifier) in states and connection.get("version") in (version, None):
                        states[version, identifier] = state
    return states


def judge(capture: Capture, policy: Policy) -> Verdict:
    """The verdict on a capture."""
    if capture.trouble:
        return Verdict(capture, [], [], [], [], {}, UNJUDGED)
    chosen = connections_of(capture, policy.client) if policy.client is not None else None
    if chosen is not None and not chosen:
        capture.trouble = "no connection of this client in it"
        return Verdict(capture, [], [], [], [], {}, UNJUDGED)
    findings = [each for each in capture.findings if _is_wanted(each, policy)]
    failing = [each for each in findings if _fails(each, policy)]
    failing += [each for each in capture.events if any(matches(each.get("event", ""), name) for name in policy.fail_on_events)
                and (policy.client is None or matches(each.get("client", ""), policy.client))]
    states = _states(capture) if chosen is None else states_on(chosen, capture)
    exercised = {identifier for (_, identifier), state in states.items() if state != "not exercised"}
    missing = [each for each in policy.required if each not in exercised]
    partial = _partial(capture, chosen)
    status = UNJUDGED if missing or (partial and policy.require_complete) else FINDINGS if failing else CLEAN
    return Verdict(capture, findings, failing, partial, missing, states, status)
