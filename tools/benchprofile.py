# benchprofile.py: counts instructions with valgrind's callgrind, for tools/bench.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions are the same whatever else the machine does, and tell where the work is; what waiting for memory adds is in
the seconds that bench measures. What a message takes is the difference of two files, so that start-up is not in it.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

HANDED = ("tcp_dissect_pdus", "dissect_over_tcp")
"""The functions that have all which TCP hands to the dissector: the built-in's, and the plugin's."""

PARTS = {
    "mqtt_read": "decoding (wire)",
    "track": "following the connection (model)",
    "run_parts": "of these, the model's parts",
    "check_run": "asking the rules (check)",
    "show_info": "the Info column (show)",
    "show_tree": "the tree (show)",
    "payload_hand_over": "offering the payload to other dissectors",
}
"""Functions whose whole cost, of what they call too, is told where the plugin's run has it."""

_COPY = re.compile(r"\.(?:part|isra|constprop|lto_priv|cold)\.?\d*")
"""What a compiler puts behind the name of a function that it changed."""

_NAMED = re.compile(r"(?P<key>c?(?:ob|fn))=\((?P<id>\d+)\)(?: (?P<name>.*))?")


def _read(profile: Path) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """A profile in callgrind's format: instructions by object and function without what it calls, and by function with it."""
    names: dict[tuple[str, str], str] = {}
    current = {"ob": "", "fn": "", "cob": "", "cfn": ""}
    own: Counter[tuple[str, str]] = Counter()
    inclusive: Counter[str] = Counter()
    is_call = False
    for line in profile.read_text(errors="replace").splitlines():
        match = _NAMED.match(line)
        if match is not None:
            kind = match["key"].removeprefix("c")
            if match["name"] is not None:
                names[kind, match["id"]] = _COPY.sub("", match["name"]) if kind == "fn" else match["name"]
            current[match["key"]] = names[kind, match["id"]]
        elif line.startswith("calls="):
            is_call = True
        elif line[:1] in "0123456789+-*" and len(words := line.split()) > 1:
            inclusive[current["fn"]] += int(words[1])
            if not is_call:
                own[current["ob"].rsplit("/", 1)[-1], current["fn"]] += int(words[1])
            is_call = False
    return own, inclusive


class Profile:
    """What a message takes, by function: alone, and with what it calls."""

    def __init__(self, start: Path, whole: Path, messages: int) -> None:
        self.messages = messages
        self.own, self.inclusive = _read(whole)
        for counted, at_start in zip((self.own, self.inclusive), _read(start)):
            counted.subtract(at_start)

    def total(self) -> float:
        """Of the whole process."""
        return sum(self.own.values()) / self.messages

    def part(self, function: str) -> float:
        """With all that the function calls; 0 where it is not there."""
        return self.inclusive[function] / self.messages

    def by_program(self) -> Counter[str]:
        """By the program or library that the function is in, what it calls left out."""
        out: Counter[str] = Counter()
        for (program, _), cost in self.own.items():
            out[program] += cost
        return out


def make_captures(make: Callable[[Path, int], None], folder: Path, messages: int) -> dict[str, Path]:
    """What measure() reads. `make` makes a capture of so many messages."""
    made = {"start": folder / "start.pcap", "whole": folder / "whole.pcap"}
    make(made["start"], 1)
    make(made["whole"], messages)
    return made


def measure(run: Callable[[str, Path, Path], None], captures: dict[str, Path], folder: Path,
            messages: int) -> dict[str, Profile]:
    """Profiles of the built-in and of the plugin. `run` dissects a capture under callgrind and writes the profile."""
    profiles = {}
    for who in ("builtin", "plugin"):
        files = {name: folder / f"{who}-{name}.callgrind" for name in captures}
        for name, capture in captures.items():
            run(who, capture, files[name])
        profiles[who] = Profile(files["start"], files["whole"], messages)
    return profiles


def _line(words: str, builtin: float, plugin: float) -> str:
    return f"{words:60} {builtin:8,.0f} {plugin:9,.0f} {plugin - builtin:+9,.0f}"


def report(workload: str, mode: str, messages: int, profiles: dict[str, Profile], functions: int) -> None:
    """The table of one workload in one mode."""
    builtin, plugin = profiles["builtin"], profiles["plugin"]
    print(f"{workload}, {mode}: instructions a message, of {messages:,}; start-up taken off\n{'':60} built-in    plugin")
    print(_line("the whole process", builtin.total(), plugin.total()) + f"  x{plugin.total() / builtin.total():.3f}")
    handed = builtin.part(HANDED[0]), plugin.part(HANDED[1])
    print(_line("  all that TCP hands to the dissector", *handed))
    for function, words in PARTS.items():
        if plugin.part(function):
            print(_line(f"  {words}", builtin.part(function), plugin.part(function)))
    print("by program or library, what each calls left out")
    theirs, ours = builtin.by_program(), plugin.by_program()
    for program, _ in (theirs | ours).most_common(7):
        print(_line(f"  {program}", theirs[program] / messages, ours[program] / messages))
    print("by function, what it calls left out: where the two differ most")
    names = sorted(builtin.own.keys() | plugin.own.keys(), key=lambda name: abs(plugin.own[name] - builtin.own[name]))
    for name in names[:-functions - 1:-1]:
        print(_line(f"  {name[1]:34} {name[0]:.22}", builtin.own[name] / messages, plugin.own[name] / messages))
    print(flush=True)
