# explain.py: what is known of each rule and statement, without a capture.
# SPDX-License-Identifier: GPL-2.0-or-later
"""From rules.json, which the build makes of the tables of rules and the catalogue of statements (make-data.py)."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any


HELP = (("Why", "wants"), ("Usual cause", "cause"), ("To mend it", "mend"), ("Not reported, or less severe", "excuse"))
"""The parts of the help for a rule, each with a heading."""


class Catalogue:
    """The rules by symbol and the statements by version and id."""

    def __init__(self, folder: Path) -> None:
        try:
            data = json.loads((folder / "rules.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            data = {"rules": {}, "statements": []}
        self.rules: dict[str, dict[str, Any]] = data["rules"]
        self.statements: list[dict[str, Any]] = data["statements"]
        self.version: str = data.get("version", "")

    def mend(self, rule: str) -> str:
        """One line of help, "" where there is none."""
        text: str = self.rules.get(rule, {}).get("mend", "")
        return text

    def help(self, rule: str) -> str:
        """All that the table has to say about it."""
        known = self.rules.get(rule, {})
        return "\n".join(f"{title}: {known[name]}" for title, name in HELP if known.get(name))

    def ids(self) -> set[str]:
        """All statements."""
        return {each["id"] for each in self.statements}


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent)


def _explain_rule(catalogue: Catalogue, symbol: str) -> str:
    rule = catalogue.rules[symbol]
    lines = [f"{symbol}: {rule['title']}", f"  severity {rule['severity']}; at fault: {rule['side']}"]
    if rule["needs"]:
        lines.append(f"  needs: {rule['needs']}")
    for version, ids in rule["ids"].items():
        lines.append(f"  MQTT {version}: {', '.join(ids)}")
    for title, name in HELP:
        if rule.get(name):
            lines.append(_wrapped(f"{title}: {rule[name]}"))
    return "\n".join(lines)


def _explain_statement(catalogue: Catalogue, statement: dict[str, Any]) -> str:
    lines = [f"{statement['id']} (MQTT {statement['version']}, section {statement['section']})", _wrapped(statement["text"])]
    rules = [symbol for symbol, rule in catalogue.rules.items() if statement["id"] in rule["ids"].get(statement["version"], [])]
    lines += [f"  rule {each}: {catalogue.rules[each]['title']}" for each in rules]
    if not rules:
        lines.append(_wrapped(f"Not checked: {statement['unjudged']}" if statement.get("unjudged") else "Not checked."))
    return "\n".join(lines)


def explain(catalogue: Catalogue, names: list[str]) -> tuple[str, list[str]]:
    """What is known of rules and statements; and the names that are neither."""
    parts, unknown = [], []
    for name in names:
        name = name.removeprefix("mqttscope.rule.")
        statements = [each for each in catalogue.statements if each["id"] == name]
        if name in catalogue.rules:
            parts.append(_explain_rule(catalogue, name))
        elif statements:
            parts += [_explain_statement(catalogue, each) for each in statements]
            parts += [_explain_rule(catalogue, symbol) for symbol, rule in catalogue.rules.items()
                      if any(name in ids for ids in rule["ids"].values())]
        else:
            unknown.append(name)
    return "\n\n".join(parts) + ("\n" if parts else ""), unknown


def list_all(catalogue: Catalogue) -> str:
    """A line for each rule."""
    return "".join(f"{symbol:42} {rule['severity']:8} {rule['title']}\n" for symbol, rule in sorted(catalogue.rules.items()))
