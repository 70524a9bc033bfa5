# mutations.py: changes one field of one control packet at a time, by a systematic list, and tells what is found then.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the fields are is what the plugin's own tree says; the bytes are changed in place, so that a wrong length stays
wrong. In each capture the first packet of each version, type, sender and field is changed.

    python3 mutations.py --write    renews test-captures/mutations.tsv; what is not noticed needs a reason there
"""

from __future__ import annotations

import functools
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[3]
sys.path += [str(ROOT / "tools" / "oracles"), str(Path(__file__).resolve().parent)]

import damage  # noqa: E402
import harness  # noqa: E402
from counted import compared  # noqa: E402
from expected import TYPES  # noqa: E402

TABLE = ROOT / "test-captures" / "mutations.tsv"
CAPTURES = ROOT / "test-captures" / "real"
LEFT_OUT = ("rabbitmq-qos2.pcap", "mosquitto-bridge-v50.pcap", "mosquitto-midstream.pcap", "mosquitto-snaplen.pcap")
"""Captures with errors or warnings of their own, and those of which so much is missing that doubt decides."""
MOST_FRAMES = 120
BATCH = 50
"""Variants in one file: the plugin follows the messages of so many brokers and some more."""
NOTHING = "-"
VERSIONS = {"3": "3.1", "4": "3.1.1", "5": "5.0"}


@dataclass(frozen=True)
class Field:
    """A run of bytes of one control packet."""

    name: str
    """The filter name without "mqtt."; for the parts of a property and its name."""
    kind: str
    """Of the values: "bits", "length", "byte", "number" or "text"."""
    frame: int
    """Its index in the capture."""
    at: int
    size: int


@dataclass(frozen=True)
class Packet:
    """What the changes of a packet are told by."""

    version: str
    type: str
    sender: str
    """"client" or "server"."""


@dataclass(frozen=True)
class Mutation:
    """One changed field."""

    packet: Packet
    field: Field
    change: str
    value: bytes

    def apply(self, frames: damage.Frames) -> damage.Frames:
        """The frames with it."""
        frame = frames[self.field.frame]
        data = frame.data[:self.field.at] + self.value + frame.data[self.field.at + len(self.value):]
        return [*frames[:self.field.frame], replace(frame, data=data), *frames[self.field.frame + 1:]]


def changes(field: Field, value: bytes) -> Iterator[tuple[str, bytes]]:
    """The systematic list for a field: what is changed, and the bytes that take their place."""
    number, top = int.from_bytes(value, "big"), (1 << 8 * len(value)) - 1
    if field.kind == "bits":
        made = [(f"bit {bit}", number ^ 1 << bit) for bit in range(8)]
    elif field.kind == "length":
        made = [("one more", number + 1), ("one less", number - 1)]
    elif field.kind == "byte":
        made = [(f"0x{each:02x}", each) for each in (0x00, 0x01, 0x02, 0x03, 0x7F, 0x80, 0x87, 0xFE)]
    elif field.kind == "number":
        made = [("0", 0), ("one more", number + 1), ("all ones", top)]
    else:
        made = [(f"begins with {each:02x}", number & top >> 8 | each << 8 * (len(value) - 1))
                for each in (0x00, 0x23, 0xFF)]
    for change, changed in made:
        if changed != number and 0 <= changed <= top:
            yield change, changed.to_bytes(len(value), "big")


@functools.cache
def _registered() -> tuple[list[str], ...]:
    """The rows of tshark's registry that tell of fields."""
    rows = (line.split("\t") for line in harness.tshark("-G", "fields").splitlines())
    return tuple(row for row in rows if row[0] == "F")


@functools.cache
def _kinds() -> dict[str, str]:
    """The kind of each field of the wire."""
    kinds = {}
    for row in _registered():
        if row[2].startswith("mqtt."):
            kinds[row[2]] = ("text" if "STRING" in row[3] or "BYTES" in row[3] else
                             "length" if row[2].endswith("len") else
                             "number" if row[3] in ("FT_UINT16", "FT_UINT32") else
                             "byte" if row[3] in ("FT_UINT8", "FT_BOOLEAN") else "")
    return kinds


def _fields(element: ElementTree.Element, parent_at: int, parent_size: int, property_name: str,
            kinds: dict[str, str], frame: int) -> Iterator[Field]:
    """The fields under an element that have bytes of their own."""
    for child in element.findall("field"):
        name, at, size = child.get("name", ""), int(child.get("pos", "0")), int(child.get("size", "0"))
        # tshark adds the place of the item above where an item begins before it.
        at -= parent_at if at > parent_at + parent_size and at < 2 * parent_at else 0
        inner = name.removeprefix("mqtt.property.") if name.startswith("mqtt.property.") else property_name
        bits = [each for each in child.findall("field") if each.get("pos") == child.get("pos")
                and each.get("size") == child.get("size") == "1" and each.get("name", "").startswith("mqtt.")]
        kind = "bits" if bits else kinds.get(name, "")
        if child.get("hide") != "yes" and name.startswith("mqtt.") and kind and 0 < size:
            own = name.removeprefix("mqtt.")
            part = name.startswith("mqtt.prop")
            yield Field(f"{own} of {property_name}" if part and property_name and inner == property_name and
                        not name.startswith("mqtt.property.") else own, kind, frame, at, size)
        if not bits:
            yield from _fields(child, at, size, inner, kinds, frame)


def fields(capture: Path, frames: damage.Frames) -> Iterator[tuple[Packet, Field]]:
    """The fields of each control packet that lies in a frame as it was captured."""
    kinds = _kinds()
    arguments = ["-T", "pdml", "-Y", "mqtt"]
    for element in harness.pdml_packets(harness.tshark(*arguments, capture=capture).encode()):
        names = [each.get("name") for each in element.findall("proto")]
        number = next(int(each.get("show", "0")) for each in element.iter("field") if each.get("name") == "frame.number")
        whole = number <= len(frames) and "fake-field-wrapper" not in names
        for packet in element.findall("proto[@name='mqtt']") if whole else ():
            shown = {each.get("name", ""): each.get("show", "") for each in packet.iter("field")}
            at, size = int(packet.get("pos", "0")), int(packet.get("size", "0"))
            lies_here = damage.TCP_PAYLOAD_LEAST <= at <= at + size <= len(frames[number - 1].data)
            if not lies_here or "mqttscope.version" not in shown:
                continue
            sender = "server" if shown.get("mqttscope.src.role") == "broker" else "client"
            told = Packet(VERSIONS.get(shown["mqttscope.version"], "?"), TYPES[int(shown["mqtt.msgtype"])], sender)
            for field in _fields(packet, at, size, "", kinds, number - 1):
                if at <= field.at and field.at + field.size <= at + size:
                    yield told, field


def mutations(capture: Path, frames: damage.Frames) -> list[Mutation]:
    """All changes of a capture."""
    met: set[tuple[Packet, str]] = set()
    out = []
    for packet, field in fields(capture, frames):
        if (packet, field.name) in met:
            continue
        met.add((packet, field.name))
        value = frames[field.frame].data[field.at:field.at + field.size]
        out += [Mutation(packet, field, change, changed) for change, changed in changes(field, value)]
    return out


# ---- What is found -------------------------------------------------------------------------------

Key = tuple[str, str, str, str]
"""Packet type, sender, field, change."""
Found = dict[Key, dict[str, set[str]]]
"""For each version what is found: names of rules with a space between them, or NOTHING."""


def sources() -> list[Path]:
    """The clean captures whose frames can be changed here."""
    return [path for path in sorted(CAPTURES.glob("*.pcap"))
            if path.name not in LEFT_OUT and not path.name.startswith("websocket") and damage.is_usable(path)]


def _findings(path: Path, owners: list[int], names: list[str]) -> dict[int, Counter[tuple[int, str]]]:
    """For each variant its findings, by frame of the variant."""
    out: dict[int, Counter[tuple[int, str]]] = defaultdict(Counter)
    first = {owner: owners.index(owner) for owner in set(owners)}
    for row in harness.rows(path, ["frame.number", *names], display_filter="mqtt and _ws.expert"):
        frame = int(row["frame.number"][0]) - 1
        for name in names:
            if row[name]:
                out[owners[frame]][frame - first[owners[frame]], name] += len(row[name])
    return out


def _told(new: Counter[tuple[int, str]]) -> str:
    names = {name.removeprefix("mqttscope.").removeprefix("rule.") for _, name in new}
    return " ".join(sorted(names - ({"malformed"} if len(names) > 1 else set()))) or NOTHING


def outcomes(capture: Path, names: list[str]) -> list[tuple[Mutation, str]]:
    """All changes of a capture, and what is found that the capture itself does not have."""
    frames = damage.read_frames(capture)[:MOST_FRAMES]
    made = mutations(capture, frames)
    out = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "changed.pcap"
        for start in range(0, len(made), BATCH):
            batch = made[start:start + BATCH]
            owners = damage.write_variants(path, [frames, *(each.apply(frames) for each in batch)])
            found = _findings(path, owners, names)
            out += [(each, _told(found[number] - found[0])) for number, each in enumerate(batch, 1)]
    return out


def all_outcomes() -> Found:
    """What is found in all captures."""
    others = ("mqttscope.malformed", "mqttscope.framing")
    names = sorted({row[2] for row in _registered()
                    if row[2].startswith("mqttscope.rule.") and row[3] == "FT_NONE" or row[2] in others})
    out: Found = defaultdict(lambda: defaultdict(set))
    with ThreadPoolExecutor(max_workers=2) as pool:
        for each in pool.map(lambda capture: outcomes(capture, names), sources()):
            compared["mutations"] += len(each)
            for mutation, told in each:
                packet = mutation.packet
                out[packet.type, packet.sender, mutation.field.name, mutation.change][packet.version].add(told)
    return out


# ---- The table -----------------------------------------------------------------------------------

Row = tuple[str, str, str, str, str, str]
"""Key, versions, and what is found: one of several after a semicolon, because captures differ in what surrounds a packet."""


def rows(found: Found) -> list[Row]:
    """The lines of the table but for their reasons."""
    out = []
    for key, by_version in found.items():
        alike: dict[str, list[str]] = defaultdict(list)
        for version, told in sorted(by_version.items()):
            alike["; ".join(sorted(told))].append(version)
        out += [(*key, " ".join(versions), told) for told, versions in alike.items()]
    return sorted(out, key=lambda row: (TYPES.index(row[0]), row))


def read_table() -> tuple[str, dict[Row, str]]:
    """The remarks at the head of the table, and its reasons by row."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    split = [line.split("\t") for line in lines if not line.startswith("#")]
    return "\n".join(head), {tuple(line[:6]): line[6] for line in split}  # type: ignore[misc]


def is_unnoticed(row: Row) -> bool:
    """True if a capture has it without a finding."""
    return NOTHING in row[5].split("; ")


def write_table() -> int:
    """Renews the table; the number of rows that need a reason and have none."""
    head, reasons = read_table()
    by_key = {(row[:4], version): reason for row, reason in reasons.items() for version in row[4].split()}
    missing, lines = 0, [head]
    for row in rows(all_outcomes()):
        known = {by_key.get((row[:4], version), "") for version in row[4].split()} - {""}
        reason = " ".join(sorted(known)) if is_unnoticed(row) else ""
        missing += is_unnoticed(row) and not reason
        lines.append("\t".join((*row, reason)))
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return missing


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    harness.require_plugin()
    without = write_table()
    sys.exit(f"{without} rows of {TABLE.name} need a reason" if without else 0)
