# baseline.py: what is known to be broken, so that only what is new fails.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of JSON:

    {"mqttscope_baseline": 1, "known": [
      {"rule": "publish_qos_3", "side": "client", "client": "sensor-*", "count": 2}]}

`client` is a glob, `count` a number or "any". A finding belongs to the first entry that fits. More than the count fails, and so does
an entry that nothing fits: the file gets shorter, not longer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .capture import Object, WrongUsage
from .judge import FINDINGS, UNJUDGED, Verdict, matches
from .report import client_of

VERSION = 1
MEMBERS = {"rule", "side", "client", "count", "remark"}
SIDES = ("client", "broker", "unknown")


@dataclass
class Entry:
    """A row of the file, and how many findings it fits."""

    rule: str
    side: str
    client: str
    count: int | None
    """None: any."""
    remark: str | None = None
    found: int = 0

    def fits(self, finding: Object) -> bool:
        """True where it is about the finding."""
        return finding["rule"] == self.rule and finding["side"] == self.side and matches(client_of(finding), self.client)

    def name(self) -> str:
        """For people."""
        return f"{self.rule}, {self.side}, {self.client}"

    def written(self) -> Object:
        """As the file has it."""
        row: Object = {"rule": self.rule, "side": self.side, "client": self.client, "count": "any" if self.count is None else self.count}
        return row if self.remark is None else row | {"remark": self.remark}


def _read_entry(path: str, row: Any) -> Entry:
    if not isinstance(row, dict) or not MEMBERS - {"remark"} <= row.keys() <= MEMBERS:
        raise WrongUsage(f"{path}: an entry has the members rule, side, client and count, and may have a remark: {json.dumps(row)[:200]}")
    count = row["count"]
    if count != "any" and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise WrongUsage(f'{path}: count is a number from 1 or "any", not {json.dumps(count)[:100]}')
    texts = [row["rule"], row["side"], row["client"], row.get("remark", "")]
    if not all(isinstance(each, str) for each in texts) or row["side"] not in SIDES:
        raise WrongUsage(f"{path}: rule, client and remark are texts, side is client, broker or unknown: {json.dumps(row)[:200]}")
    return Entry(row["rule"], row["side"], row["client"], None if count == "any" else count, row.get("remark"))


def read_baseline(path: str) -> list[Entry]:
    """The entries of a file."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as fault:
        raise WrongUsage(f"--baseline {path}: {fault.strerror}") from fault
    except ValueError as fault:
        raise WrongUsage(f"--baseline {path}: {fault}") from fault
    if not isinstance(document, dict) or document.get("mqttscope_baseline") != VERSION or not isinstance(document.get("known"), list):
        raise WrongUsage(f"--baseline {path}: this is no baseline of version {VERSION}")
    return [_read_entry(path, row) for row in document["known"]]


def write_baseline(path: str, entries: Iterable[Entry]) -> None:
    """Writes them, in an order that differences can be read in."""
    rows = [each.written() for each in sorted(entries, key=lambda each: (each.rule, each.side, each.client))]
    text = json.dumps({"mqttscope_baseline": VERSION, "known": rows}, indent=1, ensure_ascii=True) + "\n"
    try:
        Path(path).write_text(text, encoding="ascii")
    except OSError as fault:
        raise WrongUsage(f"--update-baseline {path}: {fault.strerror}") from fault


def apply(entries: list[Entry], verdicts: list[Verdict]) -> list[str]:
    """Takes what is known from what fails; what is wrong with the baseline itself, in words."""
    for verdict in verdicts:
        failing = []
        for finding in verdict.failing:
            entry = next((each for each in entries if finding["type"] == "finding" and each.fits(finding)), None)
            if entry is None:
                failing.append(finding)
                continue
            entry.found += 1 + int(finding.get("further", 0))
            if entry.count is not None and entry.found > entry.count:
                failing.append(finding)
        verdict.known = len(verdict.failing) - len(failing)
        verdict.failing = failing
        if verdict.status != UNJUDGED:
            verdict.status = FINDINGS if failing else 0
    complaints = [f"the baseline allows {each.count} of {each.name()}, and {each.found} were found" for each in entries
                  if each.count is not None and each.found > each.count]
    return complaints + [f"the baseline is stale: nothing fits {each.name()}; remove the entry" for each in entries if each.found == 0]


def glob_of(client: str) -> str:
    """A glob for the name of a client: itself, with the port open where it is called by its port."""
    literal = re.sub(r"([*?[])", r"[\1]", client)
    return re.sub(r"(?<=:)[0-9]+$", "*", literal)


def updated(entries: list[Entry], verdicts: list[Verdict]) -> list[Entry]:
    """The entries for what fails now: those that fit are kept, with the count that was found, and others are added."""
    result = [Entry(each.rule, each.side, each.client, each.count, each.remark) for each in entries]
    for finding in (each for verdict in verdicts for each in verdict.failing if each["type"] == "finding"):
        entry = next((each for each in result if each.fits(finding)), None)
        if entry is None:
            entry = Entry(finding["rule"], finding["side"], glob_of(client_of(finding)), 0)
            result.append(entry)
        entry.found += 1 + int(finding.get("further", 0))
    for entry in result:
        if entry.count is not None:
            entry.count = entry.found
    return [each for each in result if each.found]
