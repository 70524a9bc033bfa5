# compare.py: compares what other MQTT libraries make of packets with what the plugin shows.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The work of tools/differential. Whoever imports this has tools/ and plugin/test/integration/ among the folders of
modules."""

from __future__ import annotations

import collections
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import accepted
import benchtraffic
import disagreements
import expected
import harness
import spoil
import streams

ORACLES = Path(__file__).resolve().parent

VERSIONS = (3, 4, 5)
PARTS = ("mqtt-packet", "paho", "damage")
CHUNK = 10_000
"""Packets in one capture."""
ERRORS = ("mqttscope.malformed", "mqttscope.framing")
"""The plugin's findings on what cannot be read."""
WITHOUT_RULES = harness.Settings((("mqttscope.check_rules", "FALSE"),))
"""Where a rule tells of a fault, the decoder's own words for it are not shown; and values are left to the rules."""
MESSAGE = "_ws.expert.message"
FAULT = re.compile(r"(needs|is) \d+ bytes?, \d+ left|ends after \d+ bytes?, found|more than (four|\d+) bytes|"
                   r"expected 1 to \d+ (\(MQTT 5.0\)|in this version)|expected 3, 4 or 5")
"""What their messages have and others have not."""
DEBIAN_PYTHON = "/usr/bin/python3"
"""The Python for which Debian's paho is installed; another may be first in the path."""
TIMEOUT_S = 600

Line = dict[str, Any]
"""What a generator writes: see packets.js."""
Row = dict[str, list[str]]
"""Values by field, of one frame."""


class Unable(Exception):
    """A part cannot be run here; the text says why."""


@dataclass
class Outcome:
    """What a part found out."""

    packets: int = 0
    types: collections.Counter[str] = field(default_factory=collections.Counter)
    """Packets by their type, before any damage."""
    values: int = 0
    """Values of fields that were compared."""
    differences: list[str] = field(default_factory=list)
    explained: collections.Counter[str] = field(default_factory=collections.Counter)
    """Disagreements by the row that explains them."""
    verdicts: collections.Counter[str] = field(default_factory=collections.Counter)


# ---- The other libraries -------------------------------------------------------------------

def npm_folder() -> Path:
    """Where mqtt-packet is, or is to be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("MQTTSCOPE_NPM") or cache / "mqttscope" / "npm")


def install() -> None:
    """Installs mqtt-packet in the version that the tree names, unless it is there."""
    folder = npm_folder()
    folder.mkdir(parents=True, exist_ok=True)
    files = [(ORACLES / name, folder / name) for name in ("package.json", "package-lock.json")]
    if all(there.is_file() and there.read_bytes() == ours.read_bytes() for ours, there in files) and has_mqtt_packet():
        return
    if shutil.which("npm") is None:
        raise Unable("npm is not installed")
    for ours, there in files:
        shutil.copyfile(ours, there)
    try:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Unable(f"npm did not install mqtt-packet within {TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise Unable(f"npm cannot install mqtt-packet:\n{done.stdout[-2000:]}")


def has_mqtt_packet() -> bool:
    """True if mqtt-packet is installed."""
    return (npm_folder() / "node_modules" / "mqtt-packet" / "package.json").is_file()


def why_not(part: str) -> str | None:
    """Why a part cannot be run here; None if it can."""
    if part == "paho":
        found = Path(DEBIAN_PYTHON).is_file() and subprocess.run(
            [DEBIAN_PYTHON, "-c", "import paho.mqtt.client"], stderr=subprocess.DEVNULL, check=False).returncode == 0
        return None if found else "not installed: python3-paho-mqtt"
    if shutil.which("node") is None:
        return "not installed: nodejs"
    return None if has_mqtt_packet() else f"mqtt-packet is not in {npm_folder()}: tools/differential --install"


def ask(command: list[str], text: str = "") -> list[str]:
    """The lines that a program answers."""
    environment = os.environ | {"NODE_PATH": str(npm_folder() / "node_modules")}
    done = subprocess.run(command, input=text, env=environment, stdout=subprocess.PIPE, encoding="utf-8",
                          check=False, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise Unable(f"{' '.join(command)}: exit status {done.returncode}")
    # Not splitlines(): texts hold other characters that end lines.
    return done.stdout.split("\n")[:-1]


def generate(part: str, version: int, count: int, seed: str) -> list[Line]:
    """Random packets; each stands behind the CONNECT of its connection."""
    program = [DEBIAN_PYTHON, "-B", str(ORACLES / "paho_packets.py")] if part == "paho" else \
        ["node", str(ORACLES / "packets.js")]
    return [json.loads(line) for line in ask([*program, str(version), str(count), seed])]


# ---- Valid packets -------------------------------------------------------------------------

def with_aliases(lines: list[Line]) -> Iterator[tuple[Line, str | None]]:
    """The packets, and what the Topic Alias stands for where it is sent in place of a topic."""
    aliases: dict[tuple[int, bool, int], str] = {}
    for line in lines:
        packet = line["packet"]
        number = dict(each for each in packet.get("properties") or () if each[0] == expected.TOPIC_ALIAS).get(
            expected.TOPIC_ALIAS) if packet["type"] == "publish" else None
        key = (line["connection"], line["to_server"], number)
        if number is not None and packet["topic"]:
            aliases[key] = packet["topic"]
        yield line, aliases.get(key) if not packet.get("topic") else None


def expect(lines: list[Line], sent: list[streams.Sent]) -> dict[int, expected.Shown]:
    """What has to be shown in each frame."""
    frames: dict[int, expected.Shown] = {}
    order = sorted(zip(with_aliases(lines), sent), key=lambda each: each[1].frame)
    for (line, topic), packet in order:
        shown = frames.setdefault(packet.frame, {})
        shown.setdefault("mqttscope.pdu", []).append(str(len(shown.get("mqttscope.pdu", [])) + 1))
        for name, values in expected.expected_fields(line["packet"], len(packet.data), topic).items():
            shown.setdefault(name, []).extend(values)
    return frames


def short(value: object) -> str:
    """A value for a message."""
    text = ascii(value)
    return text if len(text) < 300 else f"{text[:300]}... ({len(text)})"


def compare_valid(part: str, version: int, count: int, seed: str, capture: Path, outcome: Outcome) -> None:
    """One capture of valid packets."""
    compare_lines(generate(part, version, count, seed), f"{part}, version {version}, seed {seed}", capture, outcome)


def compare_lines(lines: list[Line], name: str, capture: Path, outcome: Outcome) -> None:
    """Writes packets into a capture, from which the plugin has to show what they were made from."""
    sent = [streams.Sent(line["connection"], line["to_server"], bytes.fromhex(line["bytes"])) for line in lines]
    streams.write_connections(capture, sent, random.Random(name))
    wanted = expect(lines, sent)
    got = {}
    for row in harness.rows(capture, ["frame.number", *expected.FIELDS], display_filter="mqtt || _ws.malformed",
                            timeout_s=TIMEOUT_S):
        number = int(row.pop("frame.number")[0])
        # A packet whose beginning alone breaks a rule is shown there too, without a number of its own.
        row["mqttscope.version"] = row["mqttscope.version"][:len(row["mqttscope.pdu"])]
        got[number] = {each: [expected.level(each, value) for value in values]
                       for each, values in row.items() if values}
    outcome.packets += len(lines)
    outcome.types.update(line["packet"]["type"] for line in lines)
    for frame in sorted(wanted | got):
        ours, theirs = got.get(frame, {}), wanted.get(frame, {})
        outcome.values += sum(map(len, theirs.values()))
        for each in sorted(ours | theirs):
            if ours.get(each) != theirs.get(each):
                outcome.differences.append(f"{name}, frame {frame}, {each}:\n    encoder {short(theirs.get(each))}\n"
                                           f"    plugin  {short(ours.get(each))}")


# ---- Damaged packets -----------------------------------------------------------------------

def connect_of(version: int) -> bytes:
    """A CONNECT that says which version is spoken."""
    name = "MQIsdp" if version == 3 else "MQTT"
    properties = b"\x00" if version == 5 else b""
    return benchtraffic.packet(0x10, benchtraffic.text(name) + bytes([version, 2, 0, 60]) + properties +
                               benchtraffic.text("c"))


def write_damaged(capture: Path, version: int, damaged: list[tuple[Line, bytes]]) -> list[int]:
    """Each damaged packet ends a connection of its own, behind a CONNECT unless it is one; returns their frames."""
    frames = []
    with streams.Capture(capture) as out:
        for number, (line, data) in enumerate(damaged):
            if data[0] >> 4 != expected.TYPES.index("connect"):
                out.send(number, True, connect_of(version))
            frames.append(out.send(number, line["to_server"], data))
    return frames


def plugin_verdicts(capture: Path, frames: list[int]) -> list[tuple[str, Row]]:
    """For each frame "packet", "waits", or "error" with the finding; and the fields that accepted.py needs."""
    fields = dict.fromkeys(("frame.number", "mqtt.msgtype", *ERRORS, MESSAGE, *accepted.FIELDS,
                            *accepted.PUBLISH_FLAGS.values()))
    found: dict[int, tuple[str, Row]] = {}
    for row in harness.rows(capture, fields, display_filter="mqtt", settings=WITHOUT_RULES, timeout_s=TIMEOUT_S):
        verdict = "packet" if row["mqtt.msgtype"] else "waits"
        if any(row[name] for name in ERRORS):
            # Other findings of the frame stand among the messages.
            verdict = "error " + next((text for text in row[MESSAGE] if FAULT.search(text)), "")
        number = int(row["frame.number"][0])
        found[number] = verdict, {name: [expected.level(name, value) for value in values]
                                  for name, values in row.items()}
    return [found.get(frame, ("waits", {})) for frame in frames]


def version_of(data: bytes, version: int) -> int:
    """The version by which a packet is read: a CONNECT names it."""
    header = spoil.split_fixed_header(data)
    if data[0] >> 4 != 1 or header is None or len(data) < header[0] + 2:
        return version
    level_at = header[0] + 2 + int.from_bytes(data[header[0]:header[0] + 2], "big")
    level = data[level_at] & 0x7F if level_at < len(data) else version
    return level if level in VERSIONS else version


def judge(line: Line, data: bytes, oracle: str, plugin: str, row: Row, outcome: Outcome) -> str | None:
    """Compares two verdicts, and what was read where both took the packet; returns what nothing explains."""
    kind, version = expected.TYPES[data[0] >> 4], version_of(data, line["packet"]["version"])
    oracle, _, said = oracle.partition(" ")
    ours, _, our_finding = plugin.partition(" ")
    outcome.verdicts[f"{oracle}/{ours}"] += 1
    what = (f"{kind} of version {version} made of a {line['packet']['type']} "
            f"{'to' if line['to_server'] else 'from'} the server: {short(data.hex())}\n")
    if oracle == ours:
        if oracle != "packet":
            return None
        theirs, shown = accepted.accepted_fields(json.loads(said), kind, version), accepted.shown_fields(row, kind)
        outcome.values += sum(map(len, theirs.values()))
        return None if theirs == shown else f"{what}    mqtt-packet {short(theirs)}\n    plugin      {short(shown)}"
    if oracle == "error":
        explained = disagreements.explain(disagreements.REFUSED_BY_ORACLE_ONLY,
                                          disagreements.Damaged(data, version, kind, said, ours))
    else:
        explained = disagreements.explain(disagreements.REFUSED_BY_PLUGIN_ONLY,
                                          disagreements.Damaged(data, version, kind, our_finding, oracle))
    if explained is not None:
        outcome.explained[explained.name] += 1
        return None
    return f"{what}    mqtt-packet {oracle} {said}\n    plugin      {plugin}"


def compare_damaged(_: str, version: int, count: int, seed: str, capture: Path, outcome: Outcome) -> None:
    """One capture of damaged packets."""
    chance = random.Random(seed)
    damaged = [(line, spoil.spoil(bytes.fromhex(line["bytes"]), chance))
               for line in generate("mqtt-packet", version, count, seed) if len(line["bytes"]) < 100_000]
    frames = write_damaged(capture, version, damaged)
    oracle = ask(["node", str(ORACLES / "judge.js")],
                 "".join(f"{version} {data.hex()}\n" for _, data in damaged))
    outcome.packets += len(damaged)
    outcome.types.update(line["packet"]["type"] for line, _ in damaged)
    for (line, data), theirs, (ours, row) in zip(damaged, oracle, plugin_verdicts(capture, frames), strict=True):
        difference = judge(line, data, theirs, ours, row, outcome)
        if difference is not None:
            outcome.differences.append(f"damage, version {version}, seed {seed}, {difference}")


# ---- Run -----------------------------------------------------------------------------------

def run_part(part: str, version: int, packets: int, seed: str, keep: Path | None = None) -> Outcome:
    """Compares so many packets."""
    reason = why_not(part)
    if reason is not None:
        raise Unable(reason)
    compare = compare_damaged if part == "damage" else compare_valid
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="mqttscope-differential-") as name:
        Path(name).chmod(0o755)
        capture = Path(name) / "packets.pcap"
        for chunk, done in enumerate(range(0, packets, CHUNK)):
            before = len(outcome.differences)
            compare(part, version, min(CHUNK, packets - done), f"{seed}/{chunk}", capture, outcome)
            if keep is not None and len(outcome.differences) > before:
                shutil.copy(capture, keep / f"{part}-{version}-{chunk}.pcap")
    return outcome
