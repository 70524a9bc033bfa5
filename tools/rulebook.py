# rulebook.py: the rules as people read them: a book, one page of all texts, the explanation of a single rule.
# SPDX-License-Identifier: GPL-2.0-or-later
"""plugin/doc/rules.md, and what `tools/rules --texts` and `tools/rules --explain` print."""

from __future__ import annotations

import re
from pathlib import Path

from rulelint import cells, literals
from ruletable import VERSIONS, Rule, read_catalogue, read_unjudged

ROOT = Path(__file__).resolve().parents[1]

CHAPTERS = {
    "Connecting": "CONNECT and CONNACK: the order of the first packets, their fields, and what the one says to the other.",
    "Enhanced authentication": "AUTH, and the Authentication Method of CONNECT and CONNACK (MQTT 5.0).",
    "Disconnecting": "DISCONNECT, and what is sent after it, after a refusal or after a malformed packet.",
    "Publishing": "The limits that the receiver of a PUBLISH gives: QoS, RETAIN, Receive Maximum, Topic Aliases.",
    "Packet Identifiers and re-sent packets": "Which Packet Identifiers are free, and what is sent again and how.",
    "QoS flows": "PUBACK, PUBREC, PUBREL and PUBCOMP.",
    "Requests without a response": "What a request waits for and does not get.",
    "Subscribing": "SUBSCRIBE, UNSUBSCRIBE and their responses.",
    "Delivering": "What a Server sends to a subscriber, compared with its subscriptions.",
    "Forwarding": "What a Server sends to a subscriber, compared with what was published.",
    "Wills": "When a Will is published, and with what.",
    "Sessions": "What lasts from one connection of a Client to the next.",
    "Time": "Keep Alive, PINGREQ and PINGRESP, and how long other things take.",
    "Codes": "Return codes and Reason Codes.",
    "Properties": "The properties of MQTT 5.0, and Maximum Packet Size.",
    "Topics and strings": "UTF-8, Topic Names and Topic Filters.",
    "Fixed header and lengths": "Flags, lengths and the direction of packets.",
    "Malformed packets": "Packets that cannot be decoded completely.",
    "WebSocket": "MQTT over WebSocket.",
    "Practices": "Hints that no statement of the specification makes. They are notes, counted apart, and shown as the preference "
                 "`mqttscope.hints` says.",
}
"""The chapters of the book, in their order, and what is in each."""

FAMILIES = {
    "connecting": "Connecting", "authentication": "Enhanced authentication", "disconnecting": "Disconnecting",
    "limits": "Publishing", "packet-ids": "Packet Identifiers and re-sent packets", "acknowledgements": "QoS flows",
    "unanswered": "Requests without a response", "subscriptions": "Subscribing", "deliveries": "Delivering",
    "forwarding": "Forwarding", "wills": "Wills", "sessions": "Sessions", "time": "Time", "codes": "Codes",
    "properties": "Properties", "text": "Topics and strings", "framing": "Fixed header and lengths",
    "malformed": "Malformed packets", "practices": "Practices",
}
"""The chapter of each rules-*.def; rules-packets.def is divided by packet type."""

ABBREVIATED = {"any": "any packet"}


def chapter_of(rule: Rule) -> str:
    """Where a rule is in the book."""
    if rule.symbol.startswith("websocket_"):
        return "WebSocket"
    if rule.family != "packets":
        return FAMILIES[rule.family]
    if rule.packets in ("CONNECT", "CONNACK"):
        return "Connecting"
    return "Packet Identifiers and re-sent packets" if rule.symbol.endswith("_id_0") else "Subscribing"


def anchor(heading: str) -> str:
    """The link to a heading, as Markdown's renderers make it."""
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")


def info_text(rule: Rule) -> str:
    """What the Info column says of it, with the first statement of the latest version that has the rule."""
    ids = [rule.ids[version][0] for version in VERSIONS if rule.ids.get(version)]
    return f"[{rule.short_title}, {ids[-1]}]" if ids else f"[{rule.short_title}]"


def message(rule: Rule) -> str:
    """The text of a finding with made-up values."""
    return f"{rule.title}: {rule.sample}" if rule.sample else rule.title


def help_lines(rule: Rule) -> list[tuple[str, str]]:
    """The parts of a rule's help, each with a heading."""
    parts = [("The specification" if not rule.is_practice else "Why", rule.wants), ("Usual cause", rule.cause),
             ("To mend it", rule.mend), ("Not reported, or less severe", rule.excuse)]
    return [(heading, text) for heading, text in parts if text]


def _case(name: str) -> str:
    return f"[{name}](../../test-captures/cases/{name})"


def _entry(rule: Rule, catalogue: dict[tuple[str, str], list[str]]) -> str:
    """A rule's section."""
    parts = [f"### {rule.symbol}\n**{rule.title}.** At fault: {rule.side}. On {ABBREVIATED.get(rule.packets, rule.packets)}.\n\n"
             f"> {message(rule)} {info_text(rule)}\n\n"]
    parts += [f"*{heading}:* {text}\n\n" for heading, text in help_lines(rule)]
    if rule.needs:
        parts.append(f"*Needs:* {rule.needs}.\n\n")
    if any(rule.ids.values()):
        parts.append("| version | severity | statement | says |\n|---|---|---|---|\n")
        for version in VERSIONS:
            for each in rule.ids.get(version, []):
                text = catalogue.get((version, each), [""] * 8)[7].replace("|", "\\|")
                parts.append(f"| {version} | {rule.severities[version]} | {each} | {text} |\n")
        parts.append("\n")
    # A case made to break rules shows it best; in others it may only be doubted.
    broken = min(rule.broken_in, key=lambda name: not name.endswith("-broken.case"), default="")
    kept = rule.kept_in[0] if rule.kept_in else ""
    parts.append(f"Broken in {_case(broken) if broken else 'none'}, kept in {_case(kept) if kept else 'none'}.\n\n")
    return "".join(parts)


def document(rules: dict[str, Rule], counts: str) -> str:
    """The text of plugin/doc/rules.md. The cases have to be noted already."""
    catalogue = read_catalogue()
    unjudged, _ = read_unjudged()
    parts = [
        "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n# The rules\n\n"
        "Made by `tools/rules --write` from the table of rules, the catalogue of statements and the cases; do not edit.\n\n"
        "Each rule is an expert item and a filter field `mqttscope.rule.SYMBOL`; the statement's id is in `mqttscope.rule`. "
        "The severity is the highest one: doubt lowers it, and a rule is silent where something that it needs is not known. "
        "The line after the title is a finding with made-up values, and in brackets what the Info column shows.\n\n",
        counts, "\n## Contents\n\n"]
    chapters = {title: [rule for rule in rules.values() if chapter_of(rule) == title] for title in CHAPTERS}
    for title, members in chapters.items():
        if members:
            links = ", ".join(f"[{rule.symbol}](#{anchor(rule.symbol)})" for rule in members)
            parts.append(f"- [{title}](#{anchor(title)}): {links}\n")
    parts.append("- [Statements that are not judged](#statements-that-are-not-judged)\n\n")
    for title, members in chapters.items():
        if members:
            parts.append(f"## {title}\n{CHAPTERS[title]}\n\n")
            parts += [_entry(rule, catalogue) for rule in members]
    parts.append("## Statements that are not judged\n\n| version | statement | says | why not |\n|---|---|---|---|\n")
    for (version, each), reason in sorted(unjudged.items()):
        text = catalogue.get((version, each), [""] * 8)[7].replace("|", "\\|")
        parts.append(f"| {version} | {each} | {text} | {reason.replace('|', chr(92) + '|')} |\n")
    return "".join(parts)


def _texts_of_list(path: str, macro: str) -> list[str]:
    """The texts of a .def file, each with its symbol."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = []
    for match in re.finditer(rf"^{macro}\((\w+),(.*?)\)$", text, re.MULTILINE | re.DOTALL):
        said = literals(match[2].split(",", 3)[3] if macro == "EXPERT" else match[2])
        if said:
            lines.append(f"  {match[1]}: {said}")
    return lines


def texts(rules: dict[str, Rule]) -> str:
    """All texts on one page."""
    parts = []
    for title in CHAPTERS:
        members = [rule for rule in rules.values() if chapter_of(rule) == title]
        if members:
            parts.append(f"{title}\n{'=' * len(title)}\n")
        for rule in members:
            parts.append(f"{rule.symbol}  {rule.severity}, {rule.side} at fault\n  {info_text(rule)}\n  {message(rule)}\n")
            parts += [f"  {heading}: {text}\n" for heading, text in help_lines(rule)]
            parts.append("\n")
    for heading, path, macro in (("Expert items without a rule", "plugin/show/experts.def", "EXPERT"),
                                 ("Faults of decoding", "plugin/wire/faults.def", "FAULT"),
                                 ("Doubts", "plugin/model/facts/doubts.def", "DOUBT"), ("Needs", "plugin/check/needs.def", "NEED"),
                                 ("Lacks", "plugin/model/facts/lacks.def", "LACK")):
        parts.append(f"{heading}\n{'=' * len(heading)}\n" + "\n".join(_texts_of_list(path, macro)) + "\n\n")
    return "".join(parts).rstrip("\n") + "\n"


def explain(rules: dict[str, Rule], name: str) -> str:
    """What is known of a rule, or of those of a statement; "" where there is none of that name."""
    catalogue = read_catalogue()
    parts = []
    for rule in rules.values():
        if name != rule.symbol and not any(name in ids for ids in rule.ids.values()):
            continue
        parts.append(f"{rule.symbol}: {rule.title}\n  For example: {message(rule)} {info_text(rule)}\n  At fault: {rule.side}\n")
        parts += [f"  {heading}: {text}\n" for heading, text in help_lines(rule)]
        if rule.needs:
            parts.append(f"  Needs: {rule.needs}\n")
        for version in VERSIONS:
            for each in rule.ids.get(version, []):
                says = catalogue.get((version, each), [""] * 8)[7]
                parts.append(f"  MQTT {version}, {rule.severities[version]}, {each}: {says}\n")
        parts.append("\n")
    unjudged, _ = read_unjudged()
    for (version, each), reason in unjudged.items():
        if each == name:
            parts.append(f"{each} of MQTT {version} is not judged: {reason}\n\n")
    return "".join(parts).rstrip("\n") + "\n" if parts else ""
