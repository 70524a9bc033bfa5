# spreadread.py: what tshark says of the parts of a capture: documents, findings, and whether the whole says the same.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Part of tools/spread. Everything is read line by line as tshark writes it.

    documents(...)   bulk documents for OpenSearch and Elasticsearch, frames numbered as in the whole capture
    mapping(...)     the mapping that they need
    table(...)       the findings of all parts in the order of the capture
    prove(...)       compares all that is shown of the parts with all that is shown of the whole
"""

from __future__ import annotations

import heapq
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from spreadsplit import Numbers

LAYERS = ("frame", "ip", "ipv6", "tcp", "udp", "mqtt", "mqttscope")
"""Protocols that a document has."""
LEFT_OUT = {"frame": ("frame_frame_time_relative", "frame_frame_time_delta", "frame_frame_time_delta_displayed"),
            "tcp": ("tcp_tcp_payload", "tcp_tcp_segment_data"), "udp": ("udp_udp_payload",)}
"""What is counted from frames of the part, and bytes that the capture holds and mqtt has in pieces."""
BESIDE = ("mqttscope_mqttscope_rule_frame", "mqttscope_mqttscope_rule_help", "mqttscope_mqttscope_event_frame")
"""Fields of the plugin that are beside a finding, in the packet's own part of the tree."""
SEVERITIES = {0x100000: "comment", 0x200000: "chat", 0x400000: "note", 0x600000: "warning", 0x800000: "error"}
ALONE = ("-o", "mqttscope.follow_messages:FALSE")
"""The journey of a message leads from one connection to others, which may be in other parts."""
KEYWORD = {"type": "keyword", "ignore_above": 1024}
_STRINGS = re.compile(r"FT_(STRING|UINT_STRING|STRINGZ|STRINGZPAD|STRINGZTRUNC|BYTES|UINT_BYTES|ETHER|AX25|VINES|FCWWN"
                      r"|GUID|OID|REL_OID|SYSTEM_ID|EUI64|CHAR)")
_WHOLE_NUMBERS = frozenset({"byte", "short", "integer", "long"})
_NAMED_CONNECTION = re.compile(r"(?<=mqttscope\.connection )\d+")
_NAMED_BROKER = re.compile(r"\bbroker [^\s\"]+:\d+")
"""A broker has its address in its name where the file has shown another one before; a part has fewer of them."""
_SECONDS = re.compile(r"(\d+)\.(\d{3})(\d*)")


class ToolFailed(Exception):
    """tshark did not end well."""


class Field(NamedTuple):
    """A field of tshark's registry."""

    name: str
    kind: str
    protocol: str

    @property
    def key(self) -> str:
        """Its name in tshark's documents."""
        return f"{self.protocol}_{self.name}".replace(".", "_")


def lines_of(command: list[str]) -> Iterator[str]:
    """What a program prints; raises ToolFailed if it fails."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                          errors="replace") as process:
        assert process.stdout is not None
        yield from process.stdout
        status = process.wait()
    if status != 0:
        raise ToolFailed(f"{' '.join(command[:4])} ...: exit status {status}")


def fields(tshark: str, protocols: Iterable[str]) -> list[Field]:
    """The registered fields of some protocols."""
    wanted = frozenset(protocols)
    rows = (line.rstrip("\n").split("\t") for line in lines_of([tshark, "-G", "fields"]))
    return [Field(row[2], row[3], row[4]) for row in rows if row[0] == "F" and row[4] in wanted]


def _joined(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice, as tshark writes them: several values become a list."""
    out: dict[str, Any] = {}
    for name, value in pairs:
        if name not in out:
            out[name] = value
        else:
            values = out[name] if isinstance(out[name], list) else [out[name]]
            out[name] = values + (value if isinstance(value, list) else [value])
    return out


# ---- Documents -------------------------------------------------------------------------------

def mapping(tshark: str, registered: list[Field]) -> dict[str, Any]:
    """tshark's mapping, mended: without what makes OpenSearch and Elasticsearch refuse it or its documents."""
    text = "".join(lines_of([tshark, "-G", "elastic-mapping", "--elastic-mapping-filter", ",".join(LAYERS)]))
    theirs = json.loads(text, object_pairs_hook=_joined)
    blocks = theirs["mappings"]["properties"]["layers"]["properties"]
    layers: dict[str, dict[str, Any]] = {}
    for protocol in LAYERS:
        # A protocol stands there again for each place where its fields were registered.
        said = blocks.get(protocol, [])
        layers[protocol] = {}
        for block in said if isinstance(said, list) else [said]:
            for key, kind in block["properties"].items():
                layers[protocol][key] = kind[0] if isinstance(kind, list) else kind
    for field in registered:
        if _STRINGS.fullmatch(field.kind):
            layers[field.protocol][field.key] = KEYWORD
        elif field.kind == "FT_RELATIVE_TIME":
            layers[field.protocol][field.key] = {"type": "double"}
    for protocol, keys in LEFT_OUT.items():
        for key in keys:
            layers[protocol].pop(key, None)
    layers["mqtt"] |= {key: layers["mqttscope"][key] for key in BESIDE if key in layers["mqttscope"]}
    finding = {"name": KEYWORD, "severity": KEYWORD, "message": {"type": "text", "fields": {"keyword": KEYWORD}}}
    return {
        "settings": theirs["settings"] | {"index.mapping.ignore_malformed": True},
        "mappings": {"dynamic": False, "properties": {
            "timestamp": {"type": "date"}, "part": KEYWORD, "findings": {"properties": finding},
            "layers": {"properties": {protocol: {"properties": each} for protocol, each in layers.items()}}}},
    }


class _Maker:
    """Makes documents of what tshark writes with -T ek."""

    def __init__(self, tshark: str, part: Path) -> None:
        registered = fields(tshark, LAYERS)
        self.part = part.stem
        self.names = {each.key: each.name for each in registered}
        self.frame_numbers = frozenset(each.key for each in registered if each.kind == "FT_FRAMENUM")
        types = mapping(tshark, registered)["mappings"]["properties"]["layers"]["properties"]
        self.types = {key: kind["type"] for layer in types.values() for key, kind in layer["properties"].items()}
        self.numbers = Numbers(part)

    def document(self, line: str) -> tuple[int, dict[str, Any]]:
        """The frame's number in the capture, and its document."""
        read = json.loads(line, object_pairs_hook=_joined)
        layers = {name: layer for name, layer in read["layers"].items() if name in LAYERS}
        findings: list[dict[str, str]] = []
        inferred: list[Any] = []
        for each in self._objects(layers.values()):
            # tshark hangs what is inferred under mqtt, where its own mapping does not look for it.
            self._take(each, "mqttscope", inferred)
        for each in self._objects([*layers.values(), *inferred]):
            for item in self._take(each, "_ws_expert", []):
                findings += self._finding(item)
            # What has no type in the mapping cannot be searched for.
            kept = {key: self._value(key, value) for key, value in each.items() if key in self.types}
            each.clear()
            each.update(kept)
        if inferred:
            layers["mqttscope"] = inferred if len(inferred) > 1 else inferred[0]
        return int(layers["frame"]["frame_frame_number"]), {
            "timestamp": read["timestamp"], "part": self.part, "findings": findings, "layers": layers}

    @staticmethod
    def _objects(layers: Iterable[Any]) -> Iterator[dict[str, Any]]:
        for layer in layers:
            yield from (each for each in (layer if isinstance(layer, list) else [layer]) if isinstance(each, dict))

    @staticmethod
    def _take(holder: dict[str, Any], name: str, into: list[Any]) -> list[Any]:
        value = holder.pop(name, [])
        into += value if isinstance(value, list) else [value]
        return into

    def _finding(self, item: Any) -> Iterator[dict[str, str]]:
        """An expert item of the plugin."""
        for key in item if isinstance(item, dict) else ():
            name = self.names.get(key, "")
            if name.startswith(("mqtt.", "mqttscope.")):
                severity = SEVERITIES.get(int(item["_ws_expert__ws_expert_severity"], 0), "unknown")
                message = self.numbers.told(item.get("_ws_expert__ws_expert_message", ""))
                yield {"name": name, "severity": severity, "message": message}

    def _value(self, key: str, value: Any) -> Any:
        """A value in the form that its type in the mapping asks for."""
        if isinstance(value, list):
            return [self._value(key, each) for each in value]
        if key in self.frame_numbers or key == "frame_frame_number":
            return str(self.numbers[int(value)])
        kind = self.types.get(key)
        if not isinstance(value, str):
            return value
        if kind in _WHOLE_NUMBERS and value.startswith("0x"):
            return str(int(value, 16))
        if kind == "boolean":
            return value.lower() in ("1", "true")
        if kind == "date":
            # Seconds since 1970 would be taken for milliseconds.
            seconds = _SECONDS.fullmatch(value)
            return f"{seconds[1]}{seconds[2]}" if seconds else value
        return value


def documents(tshark: str, part: Path, index: str, arguments: list[str]) -> Iterator[str]:
    """Lines for the bulk interface: an action and a document for each frame with MQTT."""
    maker = _Maker(tshark, part)
    command = [tshark, "-n", "-r", str(part), "-Y", "mqtt", "-T", "ek", "-J", " ".join(LAYERS), *ALONE,
               *arguments]
    for line in lines_of(command):
        if line.startswith('{"timestamp"'):
            number, document = maker.document(line)
            # A name of its own: what is loaded twice is there once.
            yield json.dumps({"index": {"_index": index, "_id": str(number)}}) + "\n"
            yield json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


# ---- The table of findings ---------------------------------------------------------------------

def _rows(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"timestamp"'):
                document = json.loads(line)
                layers = document["layers"]
                frame = layers["frame"]
                for finding in document["findings"]:
                    # Control characters cannot break the table.
                    message = re.sub(r"[\x00-\x1f\x7f]", " ", finding["message"])
                    row = (frame["frame_frame_number"], frame["frame_frame_time"], _end(layers, "src"),
                           _end(layers, "dst"), finding["severity"], finding["name"], message)
                    yield int(row[0]), "\t".join(row) + "\n"


def _end(layers: dict[str, Any], side: str) -> str:
    """An end's address and port; the last one where there is a tunnel."""
    def last(protocol: str, name: str) -> str:
        found = layers.get(protocol, {})
        value = (found[-1] if isinstance(found, list) else found).get(f"{protocol}_{protocol}_{name}", "")
        return str(value[-1] if isinstance(value, list) else value)

    address = last("ip", side) or last("ipv6", side)
    return f"[{address}]:" + (last("tcp", side + "port") or last("udp", side + "port")) if ":" in address else \
        f"{address}:" + (last("tcp", side + "port") or last("udp", side + "port"))


def table(files: list[Path]) -> Iterator[str]:
    """The findings of all parts, in the order of the capture, below a line of headings."""
    yield "frame\ttime\tfrom\tto\tseverity\tname\tmessage\n"
    for _, row in heapq.merge(*(_rows(each) for each in files), key=lambda row: row[0]):
        yield row


# ---- The proof -----------------------------------------------------------------------------------

Shown = tuple[int, dict[str, list[str]]]


class Reader:
    """Has all fields of MQTT, the Info column and the expert items shown for each frame of a capture."""

    CONNECTIONS = ("mqttscope_connection", "mqttscope_takes_over")
    NAMES = ("mqttscope_name", "mqttscope_src_name", "mqttscope_dst_name", "_ws_col_Info", "_ws_col_info")
    MESSAGE = "_ws_expert_message"
    MESSAGES = (MESSAGE, "mqttscope_end")

    def __init__(self, tshark: str, arguments: list[str]) -> None:
        own = fields(tshark, ("mqtt", "mqttscope"))
        version = re.search(r"(\d+)\.(\d+)\.\d+", "".join(lines_of([tshark, "--version"])))
        info = "_ws.col.Info" if version and (int(version[1]), int(version[2])) < (4, 2) else "_ws.col.info"
        names = ["frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport",
                 "tcp.dstport", "udp.srcport", "udp.dstport", info, "_ws.expert.message", "_ws.expert.severity",
                 *dict.fromkeys(each.name for each in own)]
        self.frame_numbers = {each.name.replace(".", "_") for each in own if each.kind == "FT_FRAMENUM"}
        self.command = [tshark, "-n", "-Y", "mqtt", "-T", "ek", *(each for name in names for each in ("-e", name)),
                        *ALONE, *arguments]

    def read(self, file: Path, numbers: Numbers | None = None) -> Iterator[Shown]:
        """(frame number in the whole capture, what is shown of it)."""
        for line in lines_of([*self.command, "-r", str(file)]):
            if not line.startswith('{"timestamp"'):
                continue
            shown = json.loads(line)["layers"]
            if numbers is not None:
                for name in self.frame_numbers | {"frame_number"}:
                    if name in shown:
                        shown[name] = [str(numbers[int(each)]) for each in shown[name]]
                if self.MESSAGE in shown:
                    shown[self.MESSAGE] = [numbers.told(each) for each in shown[self.MESSAGE]]
            yield int(shown["frame_number"][0]), shown

    def read_part(self, part: int, file: Path) -> Iterator[tuple[int, dict[str, list[str]], int]]:
        """The same of a part, with the part's number."""
        for number, shown in self.read(file, Numbers(file)):
            yield number, shown, part


class Comparison:
    """The whole against its parts."""

    def __init__(self) -> None:
        self.frames = self.expert_items = self.differences = 0
        self.connections: dict[tuple[int, str], str] = {}
        self.back: dict[str, tuple[int, str]] = {}

    def _same_connection(self, part: int, ours: str, theirs: str) -> bool:
        """Connections are numbered anew in each part: each has to stand for one of the whole, and always for it."""
        return (self.connections.setdefault((part, ours), theirs) == theirs
                and self.back.setdefault(theirs, (part, ours)) == (part, ours))

    def _same_message(self, part: int, ours: str, theirs: str) -> bool:
        """Messages name connections too."""
        text, *our_numbers = _NAMED_CONNECTION.sub("", ours), *_NAMED_CONNECTION.findall(ours)
        their_text, *their_numbers = _NAMED_CONNECTION.sub("", theirs), *_NAMED_CONNECTION.findall(theirs)
        return (text == their_text and len(our_numbers) == len(their_numbers)
                and all(map(self._same_connection, itertools.repeat(part), our_numbers, their_numbers)))

    @staticmethod
    def _same_name(_: int, ours: str, theirs: str) -> bool:
        """Names of brokers count for the same, with an address or without."""
        return _NAMED_BROKER.sub("broker", ours) == _NAMED_BROKER.sub("broker", theirs)

    def compare(self, number: int, whole: dict[str, list[str]] | None, parts: dict[str, list[str]] | None, part: int
                ) -> Iterator[str]:
        """A line for each difference in a frame."""
        if whole is None or parts is None:
            self.differences += 1
            yield f"frame {number}: only in the " + ("parts" if whole is None else "whole") + " is it MQTT\n"
            return
        self.frames += 1
        self.expert_items += len(whole.get("_ws_expert_severity", []))
        for name in sorted(whole.keys() | parts.keys()):
            one, other = whole.get(name, []), parts.get(name, [])
            are_same = (self._same_connection if name in Reader.CONNECTIONS else
                        self._same_message if name in Reader.MESSAGES else
                        self._same_name if name in Reader.NAMES else lambda _, b, a: a == b)
            if len(one) != len(other) or not all(are_same(part, b, a) for a, b in zip(one, other)):
                self.differences += 1
                yield f"frame {number}: {name}: whole {one}, part {part} {other}\n"


def prove(tshark: str, capture: Path, files: list[Path], arguments: list[str], most: int = 20) -> bool:
    """Reads the whole and all parts at once, and says whether the same is shown of every frame."""
    reader = Reader(tshark, arguments)
    comparison = Comparison()
    of_parts = heapq.merge(*(reader.read_part(part, file) for part, file in enumerate(files)), key=lambda each: each[0])
    end = (sys.maxsize, {}, 0)
    whole = reader.read(capture)
    one, other = next(whole, end[:2]), next(of_parts, end)
    while one[0] < sys.maxsize or other[0] < sys.maxsize:
        number = min(one[0], other[0])
        lines = comparison.compare(number, one[1] if one[0] == number else None,
                                   other[1] if other[0] == number else None, other[2])
        for line in lines:
            if comparison.differences <= most:
                sys.stdout.write(line)
        if one[0] == number:
            one = next(whole, end[:2])
        if other[0] == number:
            other = next(of_parts, end)
    same = comparison.differences == 0
    print(f"{comparison.frames} frames with MQTT, {comparison.expert_items} expert items: " +
          ("the parts show what the whole shows" if same else f"{comparison.differences} differences"))
    return same
