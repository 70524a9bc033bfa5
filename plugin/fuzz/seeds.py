#!/usr/bin/env python3
# seeds.py: makes the fuzzers' first inputs from the crafted cases and the captures.
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds.py decode|conversation FOLDER

Writes inputs of that fuzzer (the heads of decode.c and conversation.c say what they are) into FOLDER. The captures are
read by tshark without the plugin, so whatever transport it knows; without a tshark they are left out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

from casefile import Again, Case, Send, Wait, read_case  # noqa: E402

CAPTURES = ROOT / "test-captures"
LONGEST_PIECE = 1000
"""Longer packets are left out: what makes them long is payload."""
LONGEST_TALK = 3000
"""Bytes of a conversation that become a seed."""
CONNECTIONS = 4
GAP, CUT, SAME_FRAME, END, ANEW = 0x08, 0x10, 0x20, 0x40, 0x80
MILLISECOND = 20
"""As a power of two, in nanoseconds."""
DECODE_CHOICES = (b"\x02", b"\x03", b"\x17")
"""MQTT 3.1.1 and 5.0, whole; 5.0 cut short."""
TALK_CHOICES = (b"\x00", b"\x8f")
"""As users have it; MQTT 5.0 preferred, two exchanges followed, and little memory."""


@dataclass(frozen=True)
class Piece:
    """Bytes that one end of a connection sends."""

    connection: int
    sender: int
    data: bytes
    what: int = 0
    time: int = MILLISECOND


Talk = list[Piece]


def _talk_of_case(case: Case) -> Talk:
    """What travels in a case. An end's number is told by the first to send, as the fuzzer's transports have it."""
    numbers: dict[str, int] = {}
    sent: dict[str, list[Piece]] = {}
    talk: Talk = []
    time = MILLISECOND
    for step in case.steps:
        if isinstance(step, Wait):
            time = min(62, max(1, step.microseconds * 1000).bit_length())
        elif isinstance(step, Again):
            talk += sent.get(step.original, [])
        elif isinstance(step, Send):
            number = numbers.setdefault(step.connection.name, len(numbers)) % CONNECTIONS
            sender = int(not step.from_client) ^ int(number == 1)
            what = (GAP if "lost" in step.options else 0) | (CUT if "snap" in step.options else 0)
            what |= END if step.flag in ("FIN", "RST") or "fin" in step.options else 0
            what |= SAME_FRAME if talk and step.joined else 0
            cut = step.options.get("snap", step.options.get("split", [len(step.data)]))[0]
            parts = [step.data[:cut]] if "snap" in step.options else [step.data[:cut], step.data[cut:]]
            pieces = [Piece(number, sender, b"" if "lost" in step.options else part, what, time)
                      for at, part in enumerate(parts) if part or not at]
            talk += pieces
            time = MILLISECOND
            if step.label:
                sent[step.label] = pieces
    return talk


def _json_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keys of JSON that stand more than once become lists."""
    out: dict[str, Any] = {}
    for key, value in pairs:
        out.setdefault(key, []).append(value)
    return out


def _talk_of_capture(path: Path) -> Talk:
    """The control packets of a capture, as Wireshark's own dissector finds them."""
    tshark = shutil.which("tshark")
    if tshark is None:
        return []
    keys = [option for each in path.parent.glob(path.stem + ".keys") for option in ("-o", f"tls.keylog_file:{each}")]
    done = subprocess.run([tshark, "-r", path, *keys, "-Y", "mqtt", "-T", "json", "-x"], capture_output=True, check=True)
    talk: Talk = []
    numbers: dict[str, int] = {}
    for record in json.loads(done.stdout.decode("utf-8", "replace"), strict=False, object_pairs_hook=_json_pairs):
        layers = record["_source"][0]["layers"][0]
        tcp = layers["tcp"][0]
        ports = int(tcp["tcp.srcport"][0]), int(tcp["tcp.dstport"][0])
        number = numbers.setdefault(tcp["tcp.stream"][0], len(numbers)) % CONNECTIONS
        sender = int(ports[0] < ports[1]) ^ int(number == 1)
        for at, raw in enumerate(layers.get("mqtt_raw", [])):
            for text in [raw[0]] if isinstance(raw[0], str) else [each[0] for each in raw]:
                talk.append(Piece(number, sender, bytes.fromhex(text), SAME_FRAME if at else 0))
    return talk


def talks() -> Iterator[Talk]:
    """What is said in each case and each capture."""
    for path in sorted((CAPTURES / "cases").rglob("*.case")):
        yield _talk_of_case(read_case(path))
    for path in sorted((CAPTURES / "real").glob("*.pcap*")):
        yield _talk_of_capture(path)


def decode_seeds() -> set[bytes]:
    """Each piece by itself."""
    pieces = {piece.data for talk in talks() for piece in talk if 0 < len(piece.data) <= LONGEST_PIECE}
    return {choice + data for data in pieces for choice in DECODE_CHOICES}


def _script(talk: Iterable[Piece]) -> bytes:
    """The steps of a conversation."""
    out = b""
    for piece in talk:
        if len(piece.data) > LONGEST_PIECE:
            continue
        out += struct.pack(">BBH", piece.sender | piece.connection << 1 | piece.what, piece.time, len(piece.data))
        out += piece.data
        if len(out) > LONGEST_TALK:
            break
    return out


def conversation_seeds() -> set[bytes]:
    """Each talk from its beginning, one connection of it alone, and the whole twice, with new connections."""
    scripts = set()
    for talk in talks():
        scripts.add(_script(talk))
        for number in {piece.connection for piece in talk}:
            scripts.add(_script(piece for piece in talk if piece.connection == number))
        if talk and len(_script(talk)) < LONGEST_TALK / 2:
            first = talk[0]
            again = Piece(first.connection, first.sender, first.data, first.what | ANEW, first.time)
            scripts.add(_script([*talk, again, *talk[1:]]))
    return {choice + script for script in scripts if script for choice in TALK_CHOICES}


def main() -> int:
    """The exit status."""
    kinds = {"decode": decode_seeds, "conversation": conversation_seeds}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    seeds = kinds[sys.argv[1]]()
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    print(f"{len(seeds)} seeds in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
