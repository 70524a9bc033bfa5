# programs.py: starts Wireshark's programs for the tests, with the plugin or without it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of harness.py that knows about processes; tests import harness.py, not this file.

Environment: MQTTSCOPE_PLUGIN_DIR is a folder that holds <major>.<minor>/epan/mqttscope.so
(unset: the plugin must be installed); MQTTSCOPE_TSHARK and MQTTSCOPE_SHARKD name the programs.

Run as root, Wireshark looks for plugins in the system folder only. So the programs run as
an ordinary uid with a home of their own, and captures they may not read are copied there.
No preference, profile or plugin of whoever runs the tests is seen.
"""

from __future__ import annotations

import atexit
import contextlib
import enum
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 120
"""How long one run of a program may take unless a test says otherwise."""
ORDINARY_UID = 65534
"""The uid that programs run as when the tests run as root."""

_BAD_STDERR = re.compile(r"dissector bug|ERROR|CRITICAL|WARNING \*\*|\[[^\]\n]*WARNING\]|runtime error:|Sanitizer",
                         re.IGNORECASE)


class ToolError(Exception):
    """A program failed, took too long, or complained on stderr."""


class Order(enum.Enum):
    """The orders in which Wireshark dissects frames; what is shown must not depend on it."""

    ONE_PASS = "one pass"
    TWO_PASSES = "two passes"
    RANDOM = "random access"


@dataclass(frozen=True)
class Settings:
    """What a user would have set up before opening the capture."""

    preferences: tuple[tuple[str, str], ...] = ()
    """(module.name, value)."""
    heuristics: tuple[tuple[str, bool], ...] = ()
    """(name of a heuristic, on)."""
    decode_as: tuple[str, ...] = ()
    """As tshark's -d takes it: tcp.port==1884,mqtt."""
    disabled: tuple[str, ...] = ()
    """Filter names of protocols that are switched off."""
    files: tuple[tuple[str, str], ...] = ()
    """(name, content) of further files of the profile folder, such as a table of the user's."""


# ---- The environment of the programs -------------------------------------------------------

_lock = threading.RLock()


def _private_folder() -> Path:
    """A folder that the programs may read and write, removed at exit."""
    with _lock:
        return _make_private_folder()


@functools.cache
def _make_private_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mqttscope-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    _give_away(folder)
    return folder


def _give_away(*paths: Path) -> None:
    """Makes the ordinary uid the owner, when the tests run as root."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, ORDINARY_UID, ORDINARY_UID)


def _identity() -> dict[str, Any]:
    """Arguments of subprocess that drop root's rights."""
    return {"user": ORDINARY_UID, "group": ORDINARY_UID, "extra_groups": []} if os.geteuid() == 0 else {}


def program(name: str) -> str:
    """The path of `tshark`, `sharkd` or another of Wireshark's programs."""
    found = shutil.which(os.environ.get(f"MQTTSCOPE_{name.upper()}", name))
    if found is None:
        raise ToolError(f"{name} is not installed; MQTTSCOPE_{name.upper()} may name it")
    return found


@functools.cache
def version() -> tuple[int, int]:
    """(major, minor) of the Wireshark in use."""
    text = subprocess.run([program("tshark"), "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, timeout=TIMEOUT_S, check=True).stdout
    match = re.search(r"(\d+)\.(\d+)\.\d+", text)
    if match is None:
        raise ToolError(f"no version number in: {text[:80]}")
    return int(match[1]), int(match[2])


@functools.cache
def _plugin_folder(builtin: bool) -> Path | None:
    """What WIRESHARK_PLUGIN_DIR says: a readable copy of the plugin's folder, or an empty folder."""
    if builtin:
        empty = _private_folder() / "no-plugins"
        empty.mkdir()
        return empty
    given = os.environ.get("MQTTSCOPE_PLUGIN_DIR")
    if not given:
        return None
    relative = Path(f"{version()[0]}.{version()[1]}", "epan", "mqttscope.so")
    source = Path(given) / relative
    if not source.is_file():
        raise ToolError(f"MQTTSCOPE_PLUGIN_DIR is {given}, but there is no {source}")
    copy = _private_folder() / "plugins" / relative
    copy.parent.mkdir(parents=True)
    shutil.copy(source, copy)
    copy.chmod(0o755)
    return copy.parents[2]


@functools.cache
def _profile(settings: Settings, builtin: bool) -> Path:
    """An XDG_CONFIG_HOME that holds the settings in Wireshark's own files."""
    home = Path(tempfile.mkdtemp(prefix="profile-", dir=_private_folder()))
    folder = home / "wireshark"
    folder.mkdir()
    preferences = [(f"nameres.{kind}_name", "FALSE") for kind in ("mac", "network", "transport")]
    preferences += [(name, value) for name, value in settings.preferences
                    if not (builtin and name.startswith("mqttscope."))]
    contents = {
        "preferences": "".join(f"{name}: {value}\n" for name, value in preferences),
        "heuristic_protos": "".join(f"{name},{int(on)}\n" for name, on in settings.heuristics),
        "disabled_protos": "".join(f"{name}\n" for name in settings.disabled),
        "decode_as_entries": "".join(_decode_as_entry(each) for each in settings.decode_as),
    } | dict(settings.files)
    for name, content in contents.items():
        if content:
            (folder / name).write_text(content, encoding="utf-8")
    home.chmod(0o755)
    _give_away(home, folder)
    return home


def _decode_as_entry(argument: str) -> str:
    """The line of the file decode_as_entries that does what tshark's `-d argument` does."""
    table, number, name = re.split("==|,", argument)
    for line in tshark("-G", "protocols", builtin=True).splitlines():
        columns = line.split("\t")
        if len(columns) > 2 and columns[2] == name:
            return f"decode_as_entry: {table},{number},(none),{columns[1]}\n"
    raise ToolError(f"Decode As: no protocol is called {name}")


def _environment(settings: Settings, builtin: bool) -> dict[str, str]:
    """The environment of a program; sanitizer and allocator variables of the caller stay."""
    with _lock:
        folder, profile = _plugin_folder(builtin), _profile(settings, builtin)
    kept = {name: value for name, value in os.environ.items()
            if name not in ("WIRESHARK_PLUGIN_DIR", "WIRESHARK_CONFIG_DIR", "SSLKEYLOGFILE")}
    kept |= {"HOME": str(_private_folder()), "XDG_CONFIG_HOME": str(profile), "LC_ALL": "C.UTF-8", "TZ": "UTC",
             "TMPDIR": str(_private_folder()), "WIRESHARK_ABORT_ON_DISSECTOR_BUG": "1"}
    if folder is not None:
        kept["WIRESHARK_PLUGIN_DIR"] = str(folder)
    return kept


def readable(path: Path | str) -> Path:
    """The file itself if the programs may read it, else a copy that they may.

    For captures this happens by itself; preferences that name a file (a key log, say) need it.
    """
    path = Path(path).resolve()
    if os.geteuid() != 0:
        return path
    if path.stat().st_mode & 0o004 and all(each.stat().st_mode & 0o001 for each in path.parents):
        return path
    copy = Path(tempfile.mkdtemp(prefix="copy-", dir=_private_folder())) / path.name
    shutil.copy(path, copy)
    copy.parent.chmod(0o755)
    copy.chmod(0o644)
    return copy


@functools.cache
def require_plugin() -> None:
    """Raises ToolError unless tshark loads the plugin; every run with the plugin asks for it first."""
    with _lock:
        listed = _run([program("tshark"), "-G", "plugins"], Settings(), False, TIMEOUT_S)
    if not re.search(r"^mqttscope\.", listed.decode(), re.MULTILINE):
        where = os.environ.get("MQTTSCOPE_PLUGIN_DIR")
        raise ToolError("tshark does not load the plugin from " + (where or
                        "its plugin folders: install it, or set MQTTSCOPE_PLUGIN_DIR"))


# ---- Running tshark ------------------------------------------------------------------------

def _complain_about(command: list[str], status: int, stderr: bytes) -> None:
    """Raises ToolError if the status or what is on stderr shows a fault."""
    text = stderr.decode("utf-8", "replace").strip()
    # Dissectors of other protocols may have something to say about their own captures.
    text = re.sub(r"^.*\[packet-(?!mqtt)[a-z0-9]+ WARNING\].*$", "", text, flags=re.MULTILINE)
    if status != 0 or _BAD_STDERR.search(text):
        raise ToolError(f"{' '.join(map(str, command))}\nexit status {status}\n{text[:4000]}")


def _run(command: list[str], settings: Settings, builtin: bool, timeout_s: float) -> bytes:
    """The output of a program that must end well, in time, and without a complaint."""
    try:
        done = subprocess.run(command, env=_environment(settings, builtin), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout_s, cwd=_private_folder(), **_identity())
    except subprocess.TimeoutExpired:
        raise ToolError(f"{' '.join(map(str, command))}\ntook more than {timeout_s} s") from None
    _complain_about(command, done.returncode, done.stderr)
    return done.stdout


def tshark_bytes(arguments: Iterable[str], capture: Path | str | None, settings: Settings, order: Order,
                  builtin: bool, timeout_s: float) -> bytes:
    """tshark() before decoding."""
    if order is Order.RANDOM:
        raise ValueError("tshark reads a capture from beginning to end")
    if not builtin:
        require_plugin()
    command = [program("tshark")]
    if order is Order.TWO_PASSES:
        command.append("-2")
    if capture is not None:
        command += ["-r", str(readable(capture))]
    return _run([*command, *arguments], settings, builtin, timeout_s)


def tshark(*arguments: str, capture: Path | str | None = None, settings: Settings = Settings(),
           order: Order = Order.ONE_PASS, builtin: bool = False, timeout_s: float = TIMEOUT_S) -> str:
    """Runs tshark, on a capture when there is one, and returns its output.

    builtin: without the plugin. Raises ToolError on failure, on a complaint, and after `timeout_s`.
    """
    return tshark_bytes(arguments, capture, settings, order, builtin, timeout_s).decode("utf-8", "replace")


def tshark_statistics() -> list[str]:
    """The plugin's statistics, as tshark's -z takes them. tshark lists them on stderr."""
    done = subprocess.run([program("tshark"), "-z", "help"], env=_environment(Settings(), False), capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=True, cwd=_private_folder(), **_identity())
    return re.findall(r"^\s+(\S*mqttscope\S*)", (done.stdout + done.stderr).decode(), re.MULTILINE)


_MEASURE = """import os, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(child, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(min(abs(os.waitstatus_to_exitcode(status)), 255))
"""
"""A program's peak of memory is not below what its parent had when it was started: this one has little."""


def tshark_costs(*arguments: str, capture: Path | str, order: Order = Order.ONE_PASS, builtin: bool = False,
                 memory_limit_mib: int, timeout_s: float = TIMEOUT_S) -> tuple[float, float]:
    """CPU seconds and the peak of memory in MiB of a run of tshark that writes to nowhere.

    Raises ToolError on failure, on a complaint, after `timeout_s`, and where the address space does not suffice.
    """
    if not builtin:
        require_plugin()
    limit = memory_limit_mib << 20
    command = [sys.executable, "-c", _MEASURE, "prlimit", f"--as={limit}", program("tshark"), "-n",
               *(["-2"] if order is Order.TWO_PASSES else []), "-r", str(readable(capture)), *arguments]
    with subprocess.Popen(command, env=_environment(Settings(), builtin), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=_private_folder(), start_new_session=True,
                          **_identity()) as process:
        try:
            told, said = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise ToolError(f"{' '.join(command)}\ntook more than {timeout_s} s") from None
    _complain_about(command, process.returncode, said)
    cpu_s, peak_mib = told.split()
    return float(cpu_s), float(peak_mib)


# ---- Running sharkd --------------------------------------------------------------------------

class Sharkd:
    """A running sharkd that has loaded a capture. Requests and answers are lines of JSON."""

    def __init__(self, capture: Path | str, settings: Settings, builtin: bool, timeout_s: float) -> None:
        if not builtin:
            require_plugin()
        self.command = [program("sharkd"), "-"]
        self.capture = str(readable(capture))
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, env=_environment(settings, builtin), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.stderr, cwd=_private_folder(),
                                        **_identity())
        self.timed_out = False
        self.count = 0
        self._set_timer(timeout_s)

    def _set_timer(self, timeout_s: float) -> None:
        self.timer = threading.Timer(timeout_s, self._too_late)
        self.timer.daemon = True
        self.timer.start()

    def _too_late(self) -> None:
        self.timed_out = True
        self.process.kill()

    def __enter__(self) -> Sharkd:
        try:
            self.ask("load", file=self.capture)
        except BaseException as fault:
            self.__exit__(type(fault))
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        status = self.process.wait()
        self.timer.cancel()
        self.process.stdout.close()
        said = self._said()
        self.stderr.close()
        if self.timed_out:
            raise ToolError(f"sharkd on {self.capture} took too long")
        if kind is None or kind is BrokenPipeError or status != 0:
            _complain_about([*self.command, self.capture], status, said)

    def _said(self) -> bytes:
        self.stderr.seek(0)
        return self.stderr.read()

    def rest(self) -> None:
        """Nothing is asked for a while; raises ToolError if something was complained about."""
        self.timer.cancel()
        _complain_about([*self.command, self.capture], 0, self._said())

    def turn_to(self, capture: Path | str, timeout_s: float) -> None:
        """Another capture is the next to be loaded, and has so much time."""
        self.capture = str(readable(capture))
        self._set_timer(timeout_s)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one request."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.count += 1
        request = {"jsonrpc": "2.0", "id": self.count, "method": method, "params": parameters}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ToolError(f"sharkd gave no answer to {request} on {self.capture}")
        answer = json.loads(line.decode("utf-8", "replace"), strict=False)
        if "result" not in answer:
            raise ToolError(f"sharkd answered {request} with {answer.get('error')}")
        result: dict[str, Any] = answer["result"]
        return result


_resting: dict[tuple[Settings, bool], Sharkd] = {}
"""Those that wait for their next capture, by what they were started with; the first has rested longest."""
_MOST_RESTING = 2


@contextlib.contextmanager
def shared_sharkd(capture: Path | str, settings: Settings, builtin: bool, timeout_s: float) -> Iterator[Sharkd]:
    """A sharkd that has loaded a capture, perhaps after others, as a window does in which one file after the other is
    opened. One that had anything to complain about is not used again."""
    with _lock:
        sharkd = _resting.pop((settings, builtin), None)
    if sharkd is None:
        sharkd = Sharkd(capture, settings, builtin, timeout_s)
    else:
        sharkd.turn_to(capture, timeout_s)
    sharkd.__enter__()
    try:
        yield sharkd
        sharkd.rest()
    except BaseException as fault:
        sharkd.__exit__(type(fault))
        raise
    with _lock:
        _resting[settings, builtin] = sharkd
        oldest = _resting.pop(next(iter(_resting))) if len(_resting) > _MOST_RESTING else None
    if oldest is not None:
        oldest.__exit__(None)


@atexit.register
def _end_resting() -> None:
    for each in _resting.values():
        each.__exit__(None)
