# sarif.py: the verdict as SARIF 2.1.0.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A line is a frame of the capture. Text is escaped, since a bracket in a message of SARIF begins a link."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from typing import Any
from urllib.parse import quote

from .capture import Object
from .explain import Catalogue
from .judge import UNJUDGED, Verdict
from .report import client_of, complaints_of, json_text, plain, result_of

LEVELS = {"error": "error", "warning": "warning", "note": "note", "chat": "none"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def message(text: str) -> dict[str, str]:
    """A message whose text is no link."""
    return {"text": re.sub(r"([\\\[\]])", r"\\\1", plain(text))}


def path_of(name: str) -> str:
    """The name of a capture where a format wants a path: from the current folder where it is in it."""
    if name == "-":
        return "stdin"
    relative = os.path.relpath(name)
    return name if relative.startswith("..") else relative


def _uri(name: str) -> str:
    return quote(path_of(name).encode("utf-8", "surrogateescape"))


def fingerprint(finding: Object, seen: Counter[str]) -> str:
    """The same for the same fault of the same client, whatever other frames there are: no frame number is in it."""
    detail = re.sub(r"\bframes? [0-9]+", "frame", finding.get("detail", ""))
    key = "\0".join([finding["rule"], *finding["ids"], client_of(finding), finding["side"], finding.get("packet", ""), detail])
    seen[key] += 1
    return hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "replace")).hexdigest()[:32]


def _result(finding: Object, name: str, index: int, seen: Counter[str]) -> dict[str, Any]:
    client = plain(client_of(finding))
    detail = ": " + finding["detail"] if finding.get("detail") else ""
    return {
        "ruleId": finding["rule"], "ruleIndex": index, "level": LEVELS[finding["severity"]],
        "message": message(f"{finding['title']}{detail} ({', '.join(finding['ids'])}; {client})"),
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": _uri(name)}, "region": {"startLine": finding["frame"]}},
            "logicalLocations": [{"name": client, "kind": "client"},
                                 {"name": f"connection {finding['connection']}", "fullyQualifiedName": f"{client}/{finding['connection']}", "kind": "connection"}],
        }],
        "partialFingerprints": {"mqttscope/v1": fingerprint(finding, seen)},
        "properties": {each: finding[each] for each in ("ids", "severity", "side", "doubt", "time", "version", "packet", "bytes", "at", "length", "subject")
                       if each in finding},
    }


def _rule(catalogue: Catalogue, finding: Object) -> dict[str, Any]:
    rule = finding["rule"]
    help_text = catalogue.help(rule) or finding["title"]
    return {"id": rule, "name": rule, "shortDescription": message(finding["title"]), "fullDescription": message(help_text),
            "help": message(help_text), "properties": {"statements": catalogue.rules.get(rule, {}).get("ids", {})}}


def write_sarif(verdicts: list[Verdict], status: int, options: Object, catalogue: Catalogue, _is_coloured: bool) -> str:
    """The document."""
    rules: dict[str, dict[str, Any]] = {}
    results = []
    for verdict in verdicts:
        seen: Counter[str] = Counter()
        for finding in verdict.findings:
            rules.setdefault(finding["rule"], _rule(catalogue, finding))
            results.append(_result(finding, verdict.capture.name, list(rules).index(finding["rule"]), seen))
    notes = [{"level": "error" if each.status == UNJUDGED else "note", "message": message(f"{each.capture.name}: {reason}")}
             for each in verdicts for reason in [each.capture.trouble, *each.partial, *(f"{one} was required and not exercised" for one in each.missing)] if reason]
    notes += [{"level": "error", "message": message(each)} for each in complaints_of(options)]
    version = next((each.capture.header["version"] for each in verdicts if each.capture.header), catalogue.version or "0")
    run = {
        "tool": {"driver": {"name": "mqttscope", "version": version, "rules": list(rules.values())}},
        "invocations": [{"executionSuccessful": all(each.status != UNJUDGED for each in verdicts), "exitCode": status, "exitCodeDescription": plain(result_of(verdicts, status, options)),
                         "toolExecutionNotifications": notes}],
        "artifacts": [{"location": {"uri": _uri(each.capture.name)}} for each in verdicts],
        "results": results, "columnKind": "unicodeCodePoints", "properties": {"options": options},
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
