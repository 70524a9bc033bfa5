# junit.py: the verdict as JUnit XML.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A suite for each client, a case for each statement that was exercised on its connections; what was not exercised is one skipped case
with a list. A capture that cannot be judged is a suite with an error."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from .capture import Object
from .explain import Catalogue
from .judge import Verdict, connections_of, states_of
from .report import client_of, complaints_of, defused, frames_text, plain, result_of, xml_text

Element = ElementTree.Element


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


def _fill(suite: Suite, verdict: Verdict, client: str, catalogue: Catalogue) -> None:
    """The cases of a client."""
    states = states_of(verdict.capture, client)
    findings = [each for each in verdict.findings if client_of(each) == client]
    failing = [each for each in verdict.failing if each["type"] == "finding" and client_of(each) == client]
    named = {(each.get("version", ""), identifier) for each in findings for identifier in each["ids"]}
    idle = []
    for version, identifier in sorted(states.keys() | named, key=str):
        if (version, identifier) not in named and states[version, identifier] == "not exercised":
            idle.append(identifier)
            continue
        case = suite.case(identifier, f"{client}.MQTT {version}")
        bad = [each for each in failing if identifier in each["ids"]]
        others = [each for each in findings if identifier in each["ids"] and not any(each is one for one in bad)]
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
        clients = list(dict.fromkeys([each["client"] for each in connections_of(capture, options.get("client"))]
                                     + [client_of(each) for each in verdict.findings]))
        for client in clients if not capture.trouble else []:
            suite = Suite(ElementTree.SubElement(root, "testsuite", name=f"{name}: {xml_text(client)}"))
            _fill(suite, verdict, client, catalogue)
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
