# ruletable.py: the rules, the catalogue of statements, and the statements that no rule judges, as the tools read them.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of plugin/check/rules-*.def, by compiling them; the catalogue of statements; the reasons for those not judged."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from rulelint import cells

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "plugin" / "doc" / "spec" / "normative-statements.tsv"
UNJUDGED = ROOT / "plugin" / "check" / "unjudged"
VERSIONS = ("3.1", "3.1.1", "5.0")
PRACTICE = "practice_"
"""How the symbols of rules begin that stand for no statement."""


Shown = tuple[str, str, bool]
"""A version, a statement of the rule in that version, and whether it was among those of a finding of the rule."""


@dataclass
class Rule:
    """A row of the rule table."""

    symbol: str
    packets: str  # types, or "any"
    side: str  # at fault
    severity: str
    needs: str
    title: str
    short_title: str
    help: str  # its name
    wants: str
    cause: str
    mend: str
    excuse: str
    severities: dict[str, str] = field(default_factory=dict)  # by version
    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by version
    conditions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by version, one for each id
    shown: set[Shown] = field(default_factory=set)  # in cases
    missing: list[str] = field(default_factory=list)  # properties that it stands for no statement about
    broken_in: list[str] = field(default_factory=list)  # cases
    kept_in: list[str] = field(default_factory=list)
    family: str = ""  # the part of rules-FAMILY.def that varies
    sample: str = ""  # a detail with made-up values

    @property
    def is_practice(self) -> bool:
        """A hint that no statement makes."""
        return self.symbol.startswith(PRACTICE)


Statement = tuple[str, str]  # version and id


def read_rules() -> dict[str, Rule]:
    """The rules by symbol, in the order of the table, without their cases."""
    sources = ["plugin/doc/list-rules.c", "plugin/check/ask.c", "plugin/check/findings.c", "plugin/check/rule-functions.c",
               "plugin/check/rules.c",
               *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("plugin/check/predicates-*.c"))),
               *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("plugin/wire/*.c")))]
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "list-rules")
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-o", program, *sources], cwd=ROOT, check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    rules: dict[str, Rule] = {}
    for line in output.splitlines():
        kind, symbol, *rest = line.split("\t")
        if kind == "rule":
            rules[symbol] = Rule(symbol, *rest)
        elif kind == "sample":
            rules[symbol].sample = rest[0]
        elif kind == "cell":
            version, severity = rest
            rules[symbol].severities[version] = severity
        elif kind == "missing":
            block, name = rest
            if f"{name} in {block}" not in rules[symbol].missing:
                rules[symbol].missing.append(f"{name} in {block}")
        else:
            version, identifier, condition = rest
            if identifier not in rules[symbol].ids[version]:
                rules[symbol].ids[version].append(identifier)
                rules[symbol].conditions[version].append(condition)
    for path in ROOT.glob("plugin/check/rules-*.def"):
        for symbol, _ in cells(path.read_text(encoding="utf-8"), "RULE"):
            rules[symbol].family = path.stem.removeprefix("rules-")
    return rules


def read_catalogue() -> dict[Statement, list[str]]:
    """The rows of the catalogue by version and id."""
    rows = [line.split("\t") for line in CATALOGUE.read_text(encoding="utf-8").splitlines()[1:]]
    return {(row[1], row[0]): row for row in rows}


def read_unjudged() -> tuple[dict[Statement, str], list[str]]:
    """Why statements are not judged; and complaints."""
    reasons: dict[Statement, str] = {}
    complaints = []
    for path in sorted(UNJUDGED.glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            version, identifier, reason = (line.split("\t") + ["", ""])[:3]
            if not reason.strip():
                complaints.append(f"{path.name}:{number}: no reason is given")
            if (version, identifier) in reasons:
                complaints.append(f"{path.name}:{number}: {identifier} of {version} stands there already")
            reasons[version, identifier] = reason
    return reasons, complaints
