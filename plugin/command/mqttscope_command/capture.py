# capture.py: runs tshark on a capture, and takes in what the plugin writes of it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark gets a configuration folder of its own that is empty, so that no preference of whoever runs it changes the verdict; with a
profile it gets theirs. Where several programs are called tshark, the first that has the plugin is taken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Object = dict[str, Any]
FINDINGS_KEPT = 100_000
"""Of one capture; further ones are counted."""


class CannotJudge(Exception):
    """Why there is no verdict."""


class WrongUsage(Exception):
    """What the user has to change."""


@dataclass
class Settings:
    """What tshark is told."""

    preferences: list[str] = field(default_factory=list)
    decode_as: list[str] = field(default_factory=list)
    profile: str | None = None
    statistic: str = "mqttscope,json"
    keylog: str | None = None
    """Of a live capture: not recorded in the output, since it is gone when that is read."""


@dataclass
class Bounds:
    """How much is kept one by one."""

    connections: int
    """Those with most findings, then those with most packets, and without their statements."""
    events: int
    """The first."""


@dataclass
class Capture:
    """What was found in a capture."""

    name: str
    header: Object = field(default_factory=dict)
    findings: list[Object] = field(default_factory=list)
    findings_left_out: int = 0
    events: list[Object] = field(default_factory=list)
    events_left_out: int = 0
    connections: list[Object] = field(default_factory=list)
    connections_left_out: int = 0
    incomplete: set[int] = field(default_factory=set)
    """The numbers of all connections of which packets may be missing, where there are bounds."""
    statements: list[Object] = field(default_factory=list)
    deliveries: list[Object] = field(default_factory=list)
    summary: Object = field(default_factory=dict)
    is_cut: bool = False
    doubts: list[str] = field(default_factory=list)
    """Why it may lack packets that there were."""
    trouble: str = ""
    """Why it cannot be judged; "" if it can."""
    further: Callable[[Object], None] | None = None
    """Is given messages and packets."""
    bounds: Bounds | None = None

    def take(self, each: Object) -> None:
        """Takes in an object that the plugin wrote."""
        kind = each.get("type")
        if kind == "mqttscope":
            self.header = each
        elif kind == "finding":
            if len(self.findings) < FINDINGS_KEPT:
                self.findings.append(each)
            else:
                self.findings_left_out += 1
        elif kind == "event":
            if self.bounds is None or len(self.events) < self.bounds.events:
                self.events.append(each)
            else:
                self.events_left_out += 1
        elif kind == "connection":
            self.connections.append(each)
            if self.bounds is not None:
                self._bound_connections(self.bounds.connections)
        elif kind == "statement":
            self.statements.append(each)
        elif kind == "capture":
            self.summary = each
        elif kind == "delivery":
            self.deliveries.append(each)
        elif kind in ("message", "packet") and self.further is not None:
            self.further(each)


    def _bound_connections(self, most: int) -> None:
        """Prepares the last connection for being kept, and gives up those that matter least, now and then."""
        last = self.connections[-1]
        del last["statements"]
        if not last["complete"]:
            self.incomplete.add(last["connection"])
        if len(self.connections) < 2 * most:
            return
        self.connections.sort(key=weight)
        self.connections_left_out += len(self.connections) - most
        del self.connections[most:]


def weight(connection: Object) -> tuple[int, int, int]:
    """What makes a connection worth showing: findings, then packets, then having been there first. The least comes first."""
    return -sum(connection["findings"][each] for each in ("error", "warning", "note")), -connection["packets"], connection["connection"]


def is_connect_unseen(connection: Object) -> bool:
    """True where packets were captured, but not the CONNECT. One that the client left out was not there to capture."""
    return not connection["connect_seen"] and not connection["connect_left_out"] and connection["packets"] > 0


def plural(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def programs(name: str) -> list[str]:
    """Every program of that name, in the order of the path."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep) + ["/usr/local/bin", "/usr/bin"]
    found = (shutil.which(name, path=folder) for folder in folders if folder)
    return list(dict.fromkeys(each for each in found if each is not None))


def _without_plugin(tsharks: list[str]) -> str:
    """What to say where no tshark has the plugin."""
    if not tsharks:
        return "tshark is not installed, or not in the PATH"
    words = [f"the plugin mqttscope is not loaded by {', '.join(tsharks)}"]
    done = subprocess.run([tsharks[0], "-G", "folders"], capture_output=True, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL)
    for line in done.stdout.splitlines():
        kind, _, folder = line.partition(":")
        if kind in ("Personal Plugins", "Global Plugins"):
            has_plugin = Path(folder.strip(), "epan", "mqttscope.so").exists()
            words.append(f"  {kind.lower()}: {folder.strip()}" + (" (mqttscope.so is there)" if has_plugin else ""))
    if os.geteuid() == 0:
        words.append("  tshark that is run as root looks in the global folder only: install with -Dinstall_scope=system")
    return "\n".join(words)


def _arguments(settings: Settings, path: str) -> list[str]:
    """What follows the program's name."""
    arguments = ["-n", "-q", "-r", path, "-z", settings.statistic]
    if settings.profile is not None:
        arguments += ["-C", settings.profile]
    for each in settings.preferences:
        arguments += ["-o", each]
    if settings.keylog is not None:
        arguments += ["-o", f"tls.keylog_file:{settings.keylog}"]
    for each in settings.decode_as:
        arguments += ["-d", each]
    return arguments


def _run(capture: Capture, program: str, arguments: list[str], source: Any, folder: str, has_profile: bool) -> tuple[int, str]:
    """Runs tshark; its exit status and what it said."""
    environment = dict(os.environ)
    if not has_profile:
        environment["WIRESHARK_CONFIG_DIR"] = folder
    with open(os.path.join(folder, "stderr"), "w+b") as said:
        with subprocess.Popen([program, *arguments], stdin=source, stdout=subprocess.PIPE, stderr=said,
                              env=environment) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith(b"{"):
                    capture.take(json.loads(line.decode("utf-8", "replace")))
            status = process.wait()
        said.seek(0)
        return status, said.read().decode("utf-8", "replace")


def _words_of(said: str) -> str:
    """The first line that tshark meant for people."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("Running as user")]
    return (lines[0].removeprefix("tshark: ") if lines else "")[:500]


def read(name: str, settings: Settings, source: Any = None, path: str | None = None,
         further: Callable[[Object], None] | None = None, bounds: Bounds | None = None) -> Capture:
    """What is in a capture file; `-` is standard input, or `source`, which is a pipe. `further` is given its messages and
    packets, if the settings ask for them. Without bounds all connections and events are kept."""
    capture = Capture(name, further=further, bounds=bounds)
    if path is None:
        path = "-" if name == "-" else os.path.abspath(name)
    if path != "-":
        try:
            with open(path, "rb"):
                pass
        except OSError as fault:
            capture.trouble = fault.strerror or str(fault)
            return capture
    if source is None:
        source = sys.stdin.buffer if path == "-" else subprocess.DEVNULL
    tsharks = programs(os.environ.get("MQTTSCOPE_TSHARK", "tshark"))
    with tempfile.TemporaryDirectory(prefix="mqttscope-") as folder:
        for program in tsharks:
            status, said = _run(capture, program, _arguments(settings, path), source, folder, settings.profile is not None)
            if capture.header or "nvalid -z argument" not in said:
                break
        else:
            raise CannotJudge(_without_plugin(tsharks))
    if any(words in said for words in ("unknown preference", "Invalid -o flag", "Invalid -d", "nvalid argument", "Unknown protocol")) or (
            not capture.header and "profile" in said.lower()):
        raise WrongUsage(_words_of(said))
    capture.is_cut = "cut short" in said
    if not capture.summary:
        capture.trouble = _words_of(said) or f"tshark ended with status {status}"
    elif status != 0 and not capture.is_cut:
        capture.trouble = _words_of(said) or f"tshark ended with status {status}"
    elif not capture.summary["mqtt_packets"]:
        unread = capture.summary["unread_streams_total"]
        capture.trouble = "no MQTT in it" + (
            f"; {plural(unread, 'stream')} of MQTT by port or ALPN could not be read (TLS without keys? see --keylog)" if unread else "")
    return capture


def read_ring(names: list[str], settings: Settings) -> Capture:
    """Several files as one capture, their frames in the order of time."""
    name = f"{names[0]} and {len(names) - 1} more"
    mergecaps = programs("mergecap")
    if not mergecaps:
        raise CannotJudge("mergecap, which puts the files of a ring together, is not installed")
    command = [mergecaps[0], "-w", "-", *map(os.path.abspath, names)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as merging:
        assert merging.stderr is not None
        capture = read(name, settings, source=merging.stdout, path="-")
        said = merging.stderr.read().decode("utf-8", "replace")
        if merging.wait() != 0 and not capture.trouble:
            capture.trouble = "mergecap: " + _words_of(said)
    return capture
