# harness.py: what tests ask of Wireshark, and what it shows of each frame.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The one module through which tests run Wireshark's programs (programs.py does the running).

    tshark(...)       any run of tshark, as text
    rows(...)         chosen fields of each frame
    packets(...)      Info column, all fields and the plugin's findings of each frame
    findings(...)     the plugin's findings alone
    projection(...)   a capture as text, for comparing
    three_orders(...) the same capture in one pass, in two, and in random access
    level_times(...)  a printed tree, its times as every version says them

All take settings=Settings(...), and builtin=True for the dissector that Wireshark brings.
What differs between Wireshark 4.0, 4.4 and 4.6 is levelled here and nowhere else.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from counted import compared
from environment import TIMEOUT_S, Order, Settings, ToolError, program, readable, require_plugin, version
from programs import Sharkd, shared_sharkd, tshark, tshark_bytes, tshark_costs, tshark_statistics

__all__ = ["Finding", "Order", "Packet", "Settings", "Sharkd", "ToolError", "assert_same_in_every_order", "findings",
           "info_column", "level_times", "packets", "program", "project", "projection", "readable", "require_plugin",
           "rows", "three_orders", "tshark", "tshark_costs",
           "tshark_statistics", "version"]

FINDING_PREFIX = "mqttscope."
"""What the filter names of the plugin's expert items begin with."""

HAS_GRAVE_FINDINGS = "_ws.expert.severity >= 0x600000"
"""A display filter for frames with an expert item of severity warning or error, the plugin's or another's."""

ON_REQUEST = {"mqttscope.closed_world": "TRUE", "mqttscope.delivery_deadline": "1", "mqttscope.explain_silence": "TRUE",
              "mqttscope.hints": "all"}
"""Preferences that have everything judged and shown that is not by default."""
FORWARD_LINKS = frozenset({"mqttscope.response_in", "mqttscope.delivered_in", "mqttscope.reply_in", "mqttscope.deliveries",
                           "mqttscope.websocket.reassembled_in"})
"""Fields that may point to a later frame, and so are unknown in the first pass."""

_SINGLE_BYTE = re.compile(r"[0-9a-f]{2}:")
"""One byte as a filter has it since 4.2, lest it be taken for a number."""

_EXPERT_LABEL = re.compile(r"Expert Info \((?P<severity>\w+)/(?P<group>[^)]*)\): (?P<message>.*)", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """An expert item of the plugin; `name` is its filter name, `severity` in lower case."""

    frame: int
    name: str
    severity: str
    group: str
    message: str


@dataclass
class Packet:
    """What Wireshark shows of one frame."""

    number: int
    info: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    """All values of each field, in the order of the tree; "" for an item without a value."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_mqtt(self) -> bool:
        """True if the frame holds an MQTT control packet, whole or broken."""
        return "mqtt" in self.values


# ---- Chosen fields -------------------------------------------------------------------------

def rows(capture: Path | str, fields: Iterable[str], *, display_filter: str = "", settings: Settings = Settings(),
         order: Order = Order.ONE_PASS, builtin: bool = False, timeout_s: float = TIMEOUT_S
         ) -> list[dict[str, list[str]]]:
    """All values of each field, one entry a frame; `info` and `protocol` stand for the columns.

    Read from JSON, so that no content can be taken for a separator. Booleans are "1" and "0".
    """
    names = {each: _column(each) if each in ("info", "protocol") else each for each in fields}
    arguments = ["-T", "json"] + (["-Y", display_filter] if display_filter else [])
    for name in names.values():
        arguments += ["-e", name]
    text = tshark(*arguments, capture=capture, settings=settings, order=order, builtin=builtin, timeout_s=timeout_s)
    out = []
    for record in json.loads(text, strict=False):
        layers = record["_source"]["layers"]
        out.append({each: [_level(name, str(value), builtin) for value in layers[name]] if name in layers else []
                    for each, name in names.items()})
    return out


def info_column(capture: Path | str, **how: Any) -> dict[int, str]:
    """Frame number to Info column; further arguments as for rows()."""
    return {int(row["frame.number"][0]): "".join(row["info"])
            for row in rows(capture, ["frame.number", "info"], **how)}


def _column(name: str) -> str:
    return f"_ws.col.{name.capitalize() if version() < (4, 2) else name}"


@functools.cache
def _booleans(builtin: bool) -> frozenset[str]:
    """Names of the fields that are booleans; empty where Wireshark prints them as 0 and 1 anyway."""
    if version() < (4, 2):
        return frozenset()
    lines = (line.split("\t") for line in tshark("-G", "fields", builtin=builtin).splitlines())
    return frozenset(each[2] for each in lines if each[0] == "F" and each[3] == "FT_BOOLEAN")


def _level(name: str, value: str, builtin: bool) -> str:
    """A value as every Wireshark version says it."""
    if value in ("True", "False") and name in _booleans(builtin):
        return "1" if value == "True" else "0"
    return value


_TIME_UNITS = {"nanoseconds": -9, "microseconds": -6, "milliseconds": -3, "seconds": 0}
_SPAN_OF_TIME = re.compile(r"(-?\d+) (nanoseconds)\b|(-?\d+\.\d+) (microseconds|milliseconds|seconds)\b")


def level_times(tree: str) -> str:
    """A printed tree with every span of time in seconds and nine decimals; since 4.6 short ones have units of their own."""
    def in_seconds(match: re.Match[str]) -> str:
        number, unit = (each for each in match.groups() if each is not None)
        return f"{Decimal(number).scaleb(_TIME_UNITS[unit]):.9f} seconds"

    return _SPAN_OF_TIME.sub(in_seconds, tree)


# ---- What is shown of each frame -----------------------------------------------------------

def packets(capture: Path | str, *, display_filter: str = "", settings: Settings = Settings(),
            order: Order = Order.ONE_PASS, builtin: bool = False, timeout_s: float = TIMEOUT_S) -> list[Packet]:
    """Info column, fields and findings of each frame.

    In Order.RANDOM frames are asked for from the last to the first, each twice; the two answers
    must agree, and only fields that are visible in the tree are there.
    """
    if order is Order.RANDOM:
        if display_filter:
            raise ValueError("no display filter with random access")
        return _packets_at_random(capture, settings, builtin, timeout_s)
    how: dict[str, Any] = {"settings": settings, "order": order, "builtin": builtin, "timeout_s": timeout_s}
    columns = info_column(capture, display_filter=display_filter, **how)
    arguments = ["-T", "pdml"] + (["-Y", display_filter] if display_filter else [])
    out = []
    for element in pdml_packets(tshark_bytes(arguments, capture, **how)):
        packet = Packet(0, values=_pdml_values(element, builtin))
        packet.number = int(packet.values["frame.number"][0])
        packet.findings = [Finding(packet.number, *each) for each in _pdml_findings(element)]
        packet.info = columns[packet.number]
        out.append(packet)
    return out


def pdml_packets(document: bytes) -> Iterator[ElementTree.Element]:
    """The packets of a PDML document, each parsed by itself: a large document need not be in memory as a whole."""
    begin, end = b"<packet>", b"</packet>"
    at = document.find(begin)
    while at >= 0:
        behind = document.index(end, at) + len(end)
        yield ElementTree.fromstring(document[at:behind])
        at = document.find(begin, behind)


def _pdml_values(packet: ElementTree.Element, builtin: bool) -> dict[str, list[str]]:
    """The values of all fields of a packet."""
    values: dict[str, list[str]] = {}
    for element in packet.iter():
        name = element.get("name")
        if name and element.tag in ("proto", "field"):
            value = element.get("show", "") if element.tag == "field" else ""
            values.setdefault(name, []).append(_level(name, value, builtin))
    return values


def _pdml_findings(packet: ElementTree.Element) -> Iterator[tuple[str, str, str, str]]:
    for item in packet.iter("field"):
        if item.get("name") != "_ws.expert":
            continue
        label = _EXPERT_LABEL.match(item.get("showname", ""))
        children = {child.get("name", ""): child.get("show", "") for child in item}
        for name in children:
            if name.startswith(FINDING_PREFIX) and label is not None:
                message = children.get("_ws.expert.message") or label["message"]
                yield name, label["severity"].lower(), label["group"], message


def _packets_at_random(capture: Path | str, settings: Settings, builtin: bool, timeout_s: float) -> list[Packet]:
    column = 'gui.column.format', '"Info","%i"'
    settings = Settings(settings.preferences + (column,), settings.heuristics, settings.decode_as,
                        settings.disabled, settings.files)
    out = []
    with shared_sharkd(capture, settings, builtin, timeout_s) as sharkd:
        for number in range(sharkd.ask("status")["frames"], 0, -1):
            first, second = (sharkd.ask("frame", frame=number, proto=True, columns=True) for _ in range(2))
            packet = _read_sharkd(number, first, builtin)
            again = packet if second == first else _read_sharkd(number, second, builtin)
            if again is not packet and packet.is_mqtt and _of_mqtt(packet) != _of_mqtt(again):
                raise AssertionError(f"{capture}, frame {number}: asked for twice in sharkd, the answers differ:\n"
                                     + _difference(_of_mqtt(packet), _of_mqtt(again)))
            out.append(packet)
    return out[::-1]


def _read_sharkd(number: int, answer: dict[str, Any], builtin: bool) -> Packet:
    """A frame from sharkd's tree: `l` is a node's label, `f` the filter that selects it, `n` its children."""
    packet = Packet(number, answer["col"][0])

    def walk(nodes: list[dict[str, Any]]) -> None:
        for node in nodes:
            name, _, value = node.get("f", "").partition(" == ")
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            elif len(value) == 3 and _SINGLE_BYTE.fullmatch(value):
                value = value[:-1]
            if name and " " not in name:
                packet.values.setdefault(name, []).append(_level(name, value, builtin))
            label = _EXPERT_LABEL.match(node["l"]) if name == "_ws.expert" else None
            if label is not None:
                for child in node.get("n", []):
                    inner = child.get("f", "").partition(" == ")[0]
                    if inner.startswith(FINDING_PREFIX):
                        packet.findings.append(Finding(number, inner, label["severity"].lower(), label["group"],
                                                       label["message"]))
            walk(node.get("n", []))

    walk(answer.get("tree", []))
    return packet


def findings(capture: Path | str, **how: Any) -> list[Finding]:
    """The plugin's expert items of a capture, in the order of the frames; further arguments as for packets()."""
    return [each for packet in packets(capture, **how) for each in packet.findings]


# ---- The projection ------------------------------------------------------------------------

def _own_info(packet: Packet) -> str:
    """The Info column without what TLS remarks on a packet that spans records, which is there in the first pass only."""
    return packet.info.removeprefix("[TLS segment of a reassembled PDU] | ")


def _projected(packet: Packet) -> str:
    """The projection's line of one frame."""
    def first(*names: str) -> str:
        return next((packet.values[name][-1] for name in names if name in packet.values), "?")

    def ends(side: str) -> str:
        return f"{first(f'ip.{side}', f'ipv6.{side}')}:{first(f'tcp.{side}port', f'udp.{side}port')}"

    info = re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", _own_info(packet))
    versions = zip(packet.values.get("mqttscope.version", []), packet.values.get("mqttscope.version.source", []))
    shown = ", ".join(f"{number} {source}" for number, source in dict.fromkeys(versions)) or "-"
    found = ", ".join(f"{each.name} {each.severity}" for each in packet.findings) or "-"
    return f"{packet.number} {ends('src')} > {ends('dst')} [{info}] version: {shown} findings: {found}\n"


def project(shown: Iterable[Packet]) -> str:
    """The text form of packets at hand; see projection()."""
    return "".join(_projected(packet) for packet in shown if packet.is_mqtt)


def projection(capture: Path | str, **how: Any) -> str:
    """A capture as text, one line for each frame with an MQTT packet: what must be the same in every
    order and on every Wireshark version. Further arguments as for packets()."""
    return project(packets(capture, **how))


def three_orders(capture: Path | str, settings: Settings = Settings(), **how: Any) -> dict[Order, list[Packet]]:
    """What is shown in each of the three orders; two programs run at a time."""
    if not how.get("builtin"):
        require_plugin()
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {order: pool.submit(packets, capture, settings=settings, order=order, **how) for order in Order}
        return {order: each.result() for order, each in running.items()}


def _of_mqtt(packet: Packet) -> dict[str, Any]:
    """What must not change when a frame is dissected again: links may learn where they lead, and the
    TCP dissector of 4.0 changes its mind about some of its own fields."""
    return {"Info": _own_info(packet), "findings": packet.findings} | {
        name: values for name, values in packet.values.items()
        if name.startswith(("mqtt.", "mqttscope.")) and name not in FORWARD_LINKS}


def _difference(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The entries that are not the same in both."""
    return "".join(f"  {name}: expected {first.get(name)}, found {second.get(name)}\n" for name in sorted(first | second)
                   if first.get(name) != second.get(name))


def assert_same_in_every_order(shown: dict[Order, list[Packet]]) -> str:
    """The projection; AssertionError with the difference if it depends on the order.

    Between one pass and two, every field of mqtt and mqttscope is compared as well, forward links excepted.
    """
    expected = project(shown[Order.ONE_PASS])
    for packets_shown in shown.values():
        compared.update(frames=len(packets_shown), findings=sum(len(each.findings) for each in packets_shown))
    for order in (Order.TWO_PASSES, Order.RANDOM):
        other = project(shown[order])
        if other != expected:
            raise AssertionError(f"the projection differs between {Order.ONE_PASS.value} (-) and {order.value} (+), "
                                 "each line with its frame:\n" + "".join(difflib.unified_diff(
                                     expected.splitlines(True), other.splitlines(True), n=0)))
    for first, second in zip(shown[Order.ONE_PASS], shown[Order.TWO_PASSES]):
        if first != second and first.is_mqtt and _of_mqtt(first) != _of_mqtt(second):
            raise AssertionError(f"frame {first.number}: two passes do not show what one pass does:\n"
                                 + _difference(_of_mqtt(first), _of_mqtt(second)))
    return expected
