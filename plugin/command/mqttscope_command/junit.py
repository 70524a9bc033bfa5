# junit.py: the verdict as JUnit XML.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A suite for each client, a case for each statement that was exercised on its connections; what was not exercised is one skipped case
with a list. Where there are too many clients, the last share a suite. A capture that cannot be judged is a suite with an error."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from .capture import Object
from .explain import Catalogue
from .judge import Verdict, connections_of, states_on
from .report import client_of, complaints_of, defused, frames_text, plain, result_of, xml_text

Element = ElementTree.Element
CLIENTS_MOST = 1000
"""With a suite of their own; those with findings come first."""


@dataclass
class Suite:
    """A suite under way, and its counts."""

    element: Element
    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0

    def case(self, name: str, class_name: str) -> Element:
        """Another case."""
        self.tests += 1
        return ElementTree.SubElement(self.element, "testcase", name=xml_text(name), classname=xml_text(class_name), time="0")

    def close(self) -> None:
        """Writes the counts."""
        for name in ("tests", "failures", "errors", "skipped"):
            self.element.set(name, str(getattr(self, name)))


def _text_of(findings: list[Object], catalogue: Catalogue) -> str:
    """What a failure says: each rule with its frames, and the help."""
    lines = []
    for rule in dict.fromkeys(each["rule"] for each in findings):
        group = [each for each in findings if each["rule"] == rule]
        lines.append(f"{group[0]['severity']}: {group[0]['title']}; {frames_text([each['frame'] for each in group])}")
        lines += [f"  frame {each['frame']}: {plain(each.get('detail', ''))}" for each in group[:20]]
        lines.append(catalogue.help(rule))
    return xml_text("\n".join(lines))


@dataclass
class Share:
    """What a suite is about: a client, or the rest of them."""

    client: str
    connections: list[Object] = field(default_factory=list)
    failing: list[Object] = field(default_factory=list)
    others: list[Object] = field(default_factory=list)
    """Findings that do not fail."""


def _shares(verdict: Verdict, client: str | None) -> list[Share]:
    """A share for each client, or each of those that were chosen; CLIENTS_MOST and one for the rest at most."""
    shares: dict[str, Share] = {}
    failing = set(map(id, verdict.failing))
    for each in connections_of(verdict.capture, client):
        shares.setdefault(each["client"], Share(each["client"])).connections.append(each)
    for each in verdict.findings:
        share = shares.setdefault(client_of(each), Share(client_of(each)))
        (share.failing if id(each) in failing else share.others).append(each)
    if len(shares) <= CLIENTS_MOST:
        return list(shares.values())
    ranked = sorted(shares.values(), key=lambda share: not (share.failing or share.others))
    rest = Share(f"{len(ranked) - CLIENTS_MOST} further clients")
    for share in ranked[CLIENTS_MOST:]:
        rest.connections += share.connections
        rest.failing += share.failing
        rest.others += share.others
    return [*ranked[:CLIENTS_MOST], rest]


def _fill(suite: Suite, verdict: Verdict, share: Share, catalogue: Catalogue) -> None:
    """The cases of a share."""
    client, failing = share.client, share.failing
    states = states_on(share.connections, verdict.capture)
    named = {(each.get("version", ""), identifier) for each in failing + share.others for identifier in each["ids"]}
    idle = []
    for version, identifier in sorted(states.keys() | named, key=str):
        if (version, identifier) not in named and states[version, identifier] == "not exercised":
            idle.append(identifier)
            continue
        case = suite.case(identifier, f"{client}.MQTT {version}")
        bad = [each for each in failing if identifier in each["ids"]]
        others = [each for each in share.others if identifier in each["ids"]]
        if bad:
            suite.failures += 1
            ElementTree.SubElement(case, "failure", message=xml_text(bad[0]["title"]), type=bad[0]["rule"]).text = _text_of(bad, catalogue)
        if others:
            ElementTree.SubElement(case, "system-out").text = _text_of(others, catalogue)
    for each in (each for each in failing if not each["ids"]):
        suite.failures += 1
        case = suite.case(each["rule"], client)
        ElementTree.SubElement(case, "failure", message=xml_text(each["title"]), type=each["rule"]).text = _text_of([each], catalogue)
    if idle:
        suite.skipped += 1
        case = suite.case("statements that were not exercised", client)
        ElementTree.SubElement(case, "skipped", message=xml_text(", ".join(idle)))


def write_junit(verdicts: list[Verdict], status: int, options: Object, catalogue: Catalogue, _is_coloured: bool) -> str:
    """The document."""
    root = ElementTree.Element("testsuites", name="mqttscope")
    for verdict in verdicts:
        capture = verdict.capture
        name = xml_text(capture.name)
        for share in _shares(verdict, options.get("client")) if not capture.trouble else []:
            suite = Suite(ElementTree.SubElement(root, "testsuite", name=f"{name}: {xml_text(share.client)}"))
            _fill(suite, verdict, share, catalogue)
            suite.close()
        suite = Suite(ElementTree.SubElement(root, "testsuite", name=f"{name}: capture"))
        case = suite.case("can be judged", "capture")
        events = [each for each in verdict.failing if each["type"] == "event"]
        reasons = [capture.trouble] if capture.trouble else (verdict.partial if options.get("require_complete") else [])
        reasons = reasons + [f"{each} was required and not exercised" for each in verdict.missing]
        if reasons:
            suite.errors += 1
            ElementTree.SubElement(case, "error", message=xml_text("; ".join(reasons)), type="cannot judge")
        elif verdict.partial:
            ElementTree.SubElement(case, "system-out").text = xml_text("\n".join(verdict.partial))
        for each in events:
            suite.failures += 1
            event = suite.case(f"event {each.get('event', '')} in frame {each.get('frame', '')}", "events")
            ElementTree.SubElement(event, "failure", message=xml_text(str(each.get("event", ""))), type="event")
        suite.close()
    suite = Suite(ElementTree.SubElement(root, "testsuite", name="mqttscope: verdict"))
    for each in complaints_of(options):
        suite.failures += 1
        ElementTree.SubElement(suite.case("baseline", "baseline"), "failure", message=xml_text(each), type="baseline")
    suite.close()
    ElementTree.SubElement(suite.element, "system-out").text = xml_text(result_of(verdicts, status, options))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode", xml_declaration=False).join(('<?xml version="1.0" encoding="utf-8"?>\n', "\n"))
    return defused(text, "&#58;", "&#35;")
