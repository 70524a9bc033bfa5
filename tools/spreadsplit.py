# spreadsplit.py: writes the parts of a capture, and the way back from a part's frames to the capture's.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Part of tools/spread. A folder of parts holds:

    part-000.pcap ...     the parts, in the capture's own format (or .pcapng)
    part-000.frames ...   for each frame of a part its number in the capture, four bytes each, the lowest first
    spread.json           what was split, how, and what could not be told
"""

from __future__ import annotations

import json
import re
import struct
import sys
from array import array
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from spreadfile import ETHERNET, NOT_A_FRAME, SECTION_HEADER, TCP, Capture, Classifier, part_of

FLUSH = 1 << 20
CACHED = 1 << 20
"""Connections whose part is looked up without reading their headers again."""
PLACED = 4096
"""Keys of the sample that are placed by their weight; all others fall where their hash says."""
WAYS = ("broker", "hosts", "connection")
TOLERATED = 1.5
"""How much of an even share the largest part may have before another way of splitting is taken."""
_NO_LENGTH = b"\xff" * 8


@dataclass
class Part:
    """A part that is being written."""

    path: Path
    file: BinaryIO
    frames: BinaryIO
    out: bytearray
    numbers: array[int]
    count: int = 0
    size: int = 0

    def flush(self) -> None:
        """Writes what is gathered."""
        self.file.write(self.out)
        self.size += len(self.out)
        self.out.clear()
        if sys.byteorder == "big":
            self.numbers.byteswap()
        self.numbers.tofile(self.frames)
        self.count += len(self.numbers)
        del self.numbers[:]


def weigh(capture: Capture, classifier: Classifier) -> Counter[bytes]:
    """Bytes of each key in the sample."""
    weights: Counter[bytes] = Counter()
    for data, start, end, at, stop, link in capture.sample():
        if link >= 0:
            key = classifier.key(data, at, stop, link)
            if key not in (Classifier.NOWHERE, Classifier.EVERYWHERE):
                weights[key] += end - start
    return weights


def place(weights: Counter[bytes], parts: int) -> tuple[dict[bytes, int], float]:
    """The heaviest keys to the emptiest parts, and the largest part's share of the sample."""
    loads = [0] * parts
    placed: dict[bytes, int] = {}
    for number, (key, weight) in enumerate(weights.most_common()):
        part = loads.index(min(loads)) if number < PLACED else part_of(key, parts)
        if number < PLACED:
            placed[key] = part
        loads[part] += weight
    return placed, max(loads) / max(1, sum(loads))


def choose(capture: Capture, ports: frozenset[int], parts: int) -> tuple[str, dict[bytes, int], float]:
    """Splits by broker where the sample has brokers enough to fill the parts, else by pairs of hosts."""
    placed, share = place(weigh(capture, Classifier("broker", ports)), parts)
    if share * parts <= TOLERATED:
        return "broker", placed, share
    by_hosts, share_of_hosts = place(weigh(capture, Classifier("hosts", ports)), parts)
    return ("hosts", by_hosts, share_of_hosts) if share_of_hosts < share else ("broker", placed, share)


class Splitter:
    """Takes a capture apart."""

    def __init__(self, capture: Capture, folder: Path, parts: int, by: str, ports: frozenset[int]) -> None:
        self.capture = capture
        if by == "auto":
            self.by, self.placed, self.share = choose(capture, ports, parts)
        else:
            self.by = by
            self.placed, self.share = place(weigh(capture, Classifier(by, ports)), parts)
        self.classifier = Classifier(self.by, ports)
        self.folder = folder
        self.count = parts
        self.parts: list[Part] = []
        self.cache: dict[bytes, int] = {}
        self.frames = self.unclassified = self.everywhere = 0

    def split(self) -> dict[str, Any]:
        """Writes the parts; what spread.json says of them."""
        try:
            for number in range(self.count):
                path = self.folder / f"part-{number:03}{self.capture.suffix}"
                self.parts.append(Part(path, path.open("wb"), path.with_suffix(".frames").open("wb"),
                                       bytearray(self.capture.header), array("I")))
            self._distribute()
            for part in self.parts:
                part.flush()
        finally:
            for part in self.parts:
                part.file.close()
                part.frames.close()
        return {"by": self.by, "frames": self.frames, "unclassified": self.unclassified, "everywhere": self.everywhere,
                "cut": self.capture.cut,
                "parts": [{"file": each.path.name, "frames": each.count, "bytes": each.size} for each in self.parts]}

    def _distribute(self) -> None:
        parts, cache, number = self.parts, self.cache, 0
        for data, start, end, at, stop, link in self.capture.records():
            if link == NOT_A_FRAME or link == SECTION_HEADER:
                self._copy(data, start, end, link)
                continue
            number += 1
            # A whole IPv4 segment of TCP in Ethernet, without options of IP, is known by its addresses and ports.
            quick = data[at + 26:at + 38] if (link == ETHERNET and at + 38 <= stop and data[at + 23] == TCP
                                              and data[at + 12:at + 15] == b"\x08\x00\x45"
                                              and not data[at + 21] and not data[at + 20] & 0x3F) else None
            chosen = cache.get(quick) if quick is not None else None
            if chosen is None:
                chosen = self._part(data, at, stop, link)
                if quick is not None:
                    if len(cache) >= CACHED:
                        cache.clear()
                    cache[quick] = chosen
            for part in (parts[chosen],) if chosen >= 0 else parts:
                part.out += data[start:end]
                part.numbers.append(number)
                if len(part.out) >= FLUSH:
                    part.flush()
        self.frames = number

    def _part(self, data: bytes, at: int, stop: int, link: int) -> int:
        """The part that a frame goes to; -1 for all."""
        key = self.classifier.key(data, at, stop, link) if link >= 0 else Classifier.NOWHERE
        if key == Classifier.NOWHERE:
            self.unclassified += 1
            return 0
        if key == Classifier.EVERYWHERE:
            self.everywhere += 1
            return -1
        placed = self.placed.get(key)
        return placed if placed is not None else part_of(key, self.count)

    def _copy(self, data: bytes, start: int, end: int, link: int) -> None:
        """What is no frame goes to every part; a section's length is no longer known."""
        for part in self.parts:
            if link == SECTION_HEADER:
                part.out += data[start:start + 16] + _NO_LENGTH + data[start + 24:end]
            else:
                part.out += data[start:end]
            if len(part.out) >= FLUSH:
                part.flush()


class Parts:
    """A folder of parts, as split() left it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about: dict[str, Any] = json.loads((folder / "spread.json").read_text(encoding="utf-8"))
        self.files = [folder / each["file"] for each in self.about["parts"]]


class Numbers:
    """Frame numbers of a part, told as those of the capture; the part's own where there is no .frames file."""

    def __init__(self, part: Path) -> None:
        beside = part.with_suffix(".frames")
        self.file = beside.open("rb") if beside.exists() else None

    def __getitem__(self, frame: int) -> int:
        if self.file is None:
            return frame
        self.file.seek(4 * (frame - 1))
        return int(struct.unpack("<I", self.file.read(4))[0])

    def told(self, message: str) -> str:
        """A message of the plugin with the frames that it names; what stands in quotation marks came from the wire."""
        pieces = re.split(r'("[^"]*")', message)
        pieces[::2] = (re.sub(r"\bframe (\d+)", lambda found: f"frame {self[int(found[1])]}", each)
                       for each in pieces[::2])
        return "".join(pieces)
