# report.py: the verdict as text for people, and as JSON.
# SPDX-License-Identifier: GPL-2.0-or-later
"""plain() is between the wire and a terminal, xml_text() between it and XML, json_text() between it and JSON. What CI systems take for
commands in a job's output (`::`, `##[`, `##vso[`, `##teamcity[`) is in no format, and no line begins with text off the wire."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from .capture import Object, plural
from .explain import Catalogue
from .judge import SEVERITIES, UNJUDGED, Verdict

FRAMES_SHOWN = 8
COLOURS = {"error": "31", "warning": "33", "note": "36", "chat": "37"}
STATES = ("broken", "held", "partly judged", "not exercised")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def defused(text: str, colon: str = "\\:", hash_sign: str = "\\#") -> str:
    """Text with nothing that a CI system takes for a command."""
    return re.sub("(?<=:):", lambda _: colon, re.sub("(?<=#)#", lambda _: hash_sign, text))


def json_text(document: Any) -> str:
    """A document of JSON in ASCII."""
    return defused(json.dumps(document, indent=1, ensure_ascii=True), "\\u003a", "\\u0023") + "\n"


def plain(text: str) -> str:
    """Text of one line that neither a terminal nor a CI system takes for anything else."""
    return defused(_printable(text))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode("ascii")
                   if not 0xD800 <= ord(each) <= 0xDFFF else f"\\u{ord(each):04x}" for each in text)


def xml_text(text: str) -> str:
    """Text with what XML 1.0 cannot hold, and what a terminal would obey, written as escapes. Lines stay lines."""
    return "\n".join(_printable(_NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", line)) for line in text.split("\n"))


def frames_text(frames: list[int]) -> str:
    """`frame 6`, `frames 6, 8 and 3 more`."""
    frames = sorted(set(frames))
    shown = ", ".join(map(str, frames[:FRAMES_SHOWN]))
    more = f" and {len(frames) - FRAMES_SHOWN} more" if len(frames) > FRAMES_SHOWN else ""
    return f"frame{'s' if len(frames) > 1 else ''} {shown}{more}"


def complaints_of(options: Object) -> list[str]:
    """What is wrong with the baseline."""
    complaints: list[str] = (options.get("baseline") or {}).get("complaints", [])
    return complaints


def fault_of(finding: Object) -> str:
    """The side at fault, in words."""
    return {"client": "Client at fault", "broker": "Server at fault"}.get(finding["side"], "side at fault unknown")


def result_of(verdicts: list[Verdict], status: int, options: Object) -> str:
    """The line that says how it ended, and whose the exit status is."""
    failing = sum(len(each.failing) for each in verdicts)
    unjudged = sum(each.status == UNJUDGED for each in verdicts)
    stale = complaints_of(options)
    words = []
    if unjudged:
        words.append(f"{plural(unjudged, 'capture')} not judged")
    if failing:
        words.append(f"{plural(failing, 'finding')} at or above the level of --fail-on")
    if stale:
        words.append(f"{plural(len(stale), 'complaint')} about the baseline")
    known = sum(each.known for each in verdicts)
    text = ", ".join(words) or "clean"
    text += f" ({plural(known, 'finding')} known to the baseline)" if known else ""
    whose = {"command": ": the command's", "verdict": ": the verdict's"}.get(options.get("exit_status_of", ""), "")
    return f"mqttscope: {text} (exit status {status}{whose})"


def client_of(finding: Object) -> str:
    """Whose traffic it is about."""
    return str(finding.get("client") or f"connection {finding['connection']}")


def by_client(findings: list[Object]) -> list[tuple[str, list[list[Object]]]]:
    """Findings by client, then those of one rule and severity together; the worst first."""
    groups: dict[str, dict[tuple[str, str], list[Object]]] = {}
    for each in findings:
        groups.setdefault(client_of(each), {}).setdefault((each["severity"], each["rule"]), []).append(each)

    def rank(group: list[Object]) -> tuple[int, int]:
        return SEVERITIES.index(group[0]["severity"]), group[0]["frame"]

    clients = [(client, sorted(of_rule.values(), key=rank)) for client, of_rule in groups.items()]
    return sorted(clients, key=lambda each: (rank(each[1][0])[0], each[1][0][0]["frame"]))


def _rule_lines(group: list[Object], catalogue: Catalogue, is_coloured: bool) -> list[str]:
    first = group[0]
    severity = first["severity"].ljust(8)
    if is_coloured:
        severity = f"\x1b[{COLOURS[first['severity']]}m{severity}\x1b[0m"
    ids = f" [{', '.join(first['ids'])}]" if first["ids"] else ""
    detail = ": " + plain(first["detail"]) if first.get("detail") else ""
    lines = [f"    {severity} {plain(first['title'])}{ids}", f"             {frames_text([each['frame'] for each in group])}{detail} ({fault_of(first)})"]
    if first.get("doubt"):
        lines.append(f"             less severe since: {plain(first['doubt'])}")
    mend = catalogue.mend(first["rule"])
    lines.append(f"             {first['rule']}" + (f": {mend}" if mend else ""))
    return lines


def _verdict_lines(verdict: Verdict, catalogue: Catalogue, is_coloured: bool) -> list[str]:
    capture = verdict.capture
    name = plain(capture.name)
    if capture.trouble:
        return [f"{name}: cannot be judged: {plain(capture.trouble)}"]
    summary = capture.summary
    lines = [f"{name}: {plural(summary['frames'], 'frame')}, {plural(summary['mqtt_packets'], 'MQTT packet')}, "
             f"{plural(summary['connections'], 'connection')}"]
    for client, groups in by_client(verdict.findings):
        lines.append(f"  client {plain(client)}")
        for group in groups:
            lines += _rule_lines(group, catalogue, is_coloured)
    lines += [f"  event {plain(str(each.get('event', '')))} in frame {each.get('frame', '?')}" for each in verdict.failing
              if each["type"] == "event"]
    lines += [f"  partial: {each}" for each in verdict.partial]
    lines += [f"  required and not exercised: {plain(each)}" for each in verdict.missing]
    counts = Counter(each["severity"] for each in verdict.findings)
    states = Counter(verdict.states.values())
    found = ", ".join(plural(counts[each], each) for each in SEVERITIES[:3])
    lines.append(f"  {found}; statements: " + ", ".join(f"{states[each]} {each}" for each in STATES))
    return lines


def write_text(verdicts: list[Verdict], status: int, options: Object, catalogue: Catalogue, is_coloured: bool) -> str:
    """The verdict for people."""
    lines = []
    for each in verdicts:
        lines += _verdict_lines(each, catalogue, is_coloured)
    lines += [f"  {plain(each)}" for each in complaints_of(options)]
    lines += [f"with {name}: {plain(str(value))}" for name, value in options.items() if name in ("profile", "preferences") and value]
    return "\n".join([*lines, result_of(verdicts, status, options)]) + "\n"


def write_json(verdicts: list[Verdict], status: int, options: Object, _catalogue: Catalogue, _is_coloured: bool) -> str:
    """The verdict and what it rests on, in one document."""
    captures: list[Any] = [{
        "file": each.capture.name, "status": each.status, "trouble": each.capture.trouble, "cut": each.capture.is_cut,
        "partial": each.partial, "required_missing": each.missing,
        "findings": each.findings,
        "failing": len(each.failing), "known": each.known, "events": each.capture.events,
        "statements": [statement | {"state": each.states.get((statement["version"], statement["id"]), "not exercised")}
                       for statement in each.capture.statements],
        "connections": each.capture.connections, "deliveries": each.capture.deliveries, "capture": each.capture.summary,
        "written_by": each.capture.header,
    } for each in verdicts]
    return json_text({"tool": "mqttscope", "schema": "1.1", "options": options, "exit_status": status, "result": result_of(verdicts, status, options),
                      "captures": captures})
