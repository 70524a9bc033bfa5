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

PARTS = {
    "tcp_dissect_pdus": "all that TCP hands to the dissector",
    "mqtt_read": "decoding (wire)",
    "mqtt_track": "following the connection (model)",
    "check_run": "asking the rules (check)",
    "show_info": "the Info column (show)",
    "payload_hand_over": "offering the payload to other dissectors",
}
"""Functions whose whole cost, of what they call too, is told. The built-in dissector has only the first."""

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
                names[kind, match["id"]] = match["name"]
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

    def plugins_own(self) -> list[tuple[str, float]]:
        """The plugin's functions, what they call left out, the dearest first."""
        return [(function, cost / self.messages) for (program, function), cost in self.own.most_common()
                if program == "mqttscope.so"]


def measure(run: Callable[[str, Path, Path], None], make: Callable[[Path, int], None], folder: Path,
            messages: int) -> dict[str, Profile]:
    """Profiles of the built-in and of the plugin. `run` dissects a capture under callgrind and writes the profile, `make`
    makes a capture of so many messages."""
    captures = {"start": folder / "start.pcap", "whole": folder / "whole.pcap"}
    make(captures["start"], 1)
    make(captures["whole"], messages)
    profiles = {}
    for who in ("builtin", "plugin"):
        files = {name: folder / f"{who}-{name}.callgrind" for name in captures}
        for name, capture in captures.items():
            run(who, capture, files[name])
        profiles[who] = Profile(files["start"], files["whole"], messages)
    return profiles


def report(workload: str, messages: int, profiles: dict[str, Profile], functions: int) -> None:
    """The table of one workload."""
    builtin, plugin = profiles["builtin"], profiles["plugin"]
    print(f"{workload}: instructions a message, of {messages:,}; start-up taken off\n"
          f"{'':48} built-in    plugin   ratio")
    print(f"{'the whole process':48} {builtin.total():8,.0f} {plugin.total():9,.0f} {plugin.total() / builtin.total():7.3f}")
    for function, words in PARTS.items():
        theirs = f"{builtin.part(function):8,.0f}" if builtin.part(function) else f"{'':8}"
        print(f"  {words:46} {theirs} {plugin.part(function):9,.0f}")
    own = plugin.plugins_own()
    print(f"  {'the plugin alone, what it calls left out':46} {'':8} {sum(cost for _, cost in own):9,.0f}")
    for function, cost in own[:functions]:
        print(f"    {function:44} {'':8} {cost:9,.0f}")
    print(flush=True)
