# listings.py: the verdict as GitLab's Code Quality, as annotations of GitHub, and as Markdown.
# SPDX-License-Identifier: GPL-2.0-or-later
"""What people read beside a change. Findings of one rule and client are told once, with their frames, but for Code Quality, which
wants each. Text off the wire is in code spans in Markdown: nothing in them is a link, an image, a mention or HTML."""

from __future__ import annotations

import re
from collections import Counter

from .capture import Object
from .explain import Catalogue
from .judge import UNJUDGED, Verdict
from .report import STATES, by_client, client_of, complaints_of, fault_of, frames_text, json_text, plain, plural, result_of
from .sarif import fingerprint, path_of

SEVERITIES_OF_GITLAB = {"error": "critical", "warning": "major", "note": "minor", "chat": "info"}
LEVELS_OF_GITHUB = {"error": "error", "warning": "warning", "note": "notice", "chat": "notice"}


def _remarks(verdict: Verdict) -> list[tuple[bool, str]]:
    """What is to be said of the capture itself, and whether it fails."""
    is_failing = verdict.status == UNJUDGED
    reasons = [verdict.capture.trouble, *verdict.partial, *(f"{each} was required and not exercised" for each in verdict.missing)]
    remarks = [(is_failing, f"{verdict.capture.name}: {each}") for each in reasons if each]
    return remarks + [(True, f"event {each.get('event', '')} in frame {each.get('frame', '?')}") for each in verdict.failing
                      if each["type"] == "event"]


def _described(finding: Object) -> str:
    """A finding in a sentence."""
    ids = f" [{', '.join(finding['ids'])}]" if finding["ids"] else ""
    detail = f": {finding['detail']}" if finding.get("detail") else ""
    return f"{finding['title']}{ids}{detail} (client {client_of(finding)}, {fault_of(finding)})"


def _fingerprint_of(kind: str, text: str, seen: Counter[str]) -> str:
    """Of what is no finding."""
    return fingerprint({"rule": kind, "ids": [], "client": kind, "side": "", "detail": text}, seen)


def write_gitlab(verdicts: list[Verdict], status: int, options: Object, _catalogue: Catalogue, _is_coloured: bool) -> str:
    """An array of Code Quality's issues."""
    issues: list[Object] = []

    def add(check: str, description: str, key: str, severity: str, path: str, line: int) -> None:
        issues.append({"description": plain(description), "check_name": check, "fingerprint": key, "severity": severity,
                       "location": {"path": path, "lines": {"begin": line}}})

    for verdict in verdicts:
        seen: Counter[str] = Counter()
        path = path_of(verdict.capture.name)
        for each in verdict.findings:
            add(each["rule"], _described(each), fingerprint(each, seen), SEVERITIES_OF_GITLAB[each["severity"]], path, each["frame"])
        for is_failing, text in _remarks(verdict):
            add("verdict", text, _fingerprint_of("verdict", text, seen), "blocker" if is_failing else "info", path, 1)
    for text in complaints_of(options):
        add("baseline", text, _fingerprint_of("baseline", text, Counter()), "major", path_of(options["baseline"]["file"]), 1)
    if options.get("exit_status_of") == "command":
        text = result_of(verdicts, status, options)
        add("command", text, _fingerprint_of("command", text, Counter()), "info", path_of(verdicts[0].capture.name), 1)
    return json_text(issues)


def _command(level: str, title: str, text: str, path: str = "", frame: int = 0) -> str:
    """A workflow command of GitHub."""
    def value(given: str) -> str:
        return given.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")

    place = f"file={value(plain(path))},line={frame}," if path else ""
    return f"::{level} {place}title={value(plain(title))}::{plain(text).replace('%', '%25')}"


def write_github(verdicts: list[Verdict], status: int, options: Object, catalogue: Catalogue, _is_coloured: bool) -> str:
    """Annotations, and a last line that is none."""
    lines = []
    for verdict in verdicts:
        path = path_of(verdict.capture.name)
        for client, groups in by_client(verdict.findings):
            for group in groups:
                first = group[0]
                ids = f" [{', '.join(first['ids'])}]" if first["ids"] else ""
                detail = f": {first['detail']}" if first.get("detail") else ""
                text = f"Client {client}, {frames_text([each['frame'] for each in group])}{detail} ({fault_of(first)}). {catalogue.mend(first['rule'])}"
                lines.append(_command(LEVELS_OF_GITHUB[first["severity"]], first["title"] + ids, text.strip(), path, first["frame"]))
        lines += [_command("error" if is_failing else "notice", "mqttscope", text) for is_failing, text in _remarks(verdict)]
    lines += [_command("error", "mqttscope baseline", each) for each in complaints_of(options)]
    return "\n".join([*lines, result_of(verdicts, status, options)]) + "\n"


def code(text: str) -> str:
    """A code span that holds text, whatever it is."""
    text = plain(text).strip() or "(nothing)"
    fence = "`" * (1 + max((len(each) for each in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _section(verdict: Verdict, catalogue: Catalogue) -> list[str]:
    """What Markdown says of a capture."""
    lines = [f"## Capture {code(verdict.capture.name)}", ""]
    lines += [f"- **{'not judged' if is_failing else 'remark'}**: {code(text)}" for is_failing, text in _remarks(verdict)]
    for client, groups in by_client(verdict.findings):
        for group in groups:
            first = group[0]
            ids = f" ({', '.join(first['ids'])})" if first["ids"] else ""
            lines.append(f"- **{first['severity']}**: {first['title']}{ids}, rule {code(first['rule'])}, client {code(client)}, "
                         f"{frames_text([each['frame'] for each in group])}; {fault_of(first)}")
            if first.get("detail"):
                lines.append(f"  - found: {code(first['detail'])}")
            if catalogue.mend(first["rule"]):
                lines.append(f"  - what to do: {catalogue.mend(first['rule'])}")
    states = Counter(verdict.states.values())
    lines += ["", "| statements | |", "|---|---|", *(f"| {each} | {states[each]} |" for each in STATES), ""] if verdict.states else [""]
    return lines


def write_markdown(verdicts: list[Verdict], status: int, options: Object, catalogue: Catalogue, _is_coloured: bool) -> str:
    """For the summary of a job, or a comment on a change."""
    lines = ["# Verdict of mqttscope", ""]
    for verdict in verdicts:
        lines += _section(verdict, catalogue)
    lines += [f"- **baseline**: {code(each)}" for each in complaints_of(options)]
    return "\n".join([*lines, "", code(result_of(verdicts, status, options))]) + "\n"
