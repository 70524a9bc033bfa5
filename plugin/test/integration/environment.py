# environment.py: what the programs of Wireshark are started with: settings, folders, rights, the plugin.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every program has a profile of its own that holds its settings, and sees the plugin or none.

MQTTSCOPE_PLUGIN_DIR names the folder of the plugin, laid out as WIRESHARK_PLUGIN_DIR wants it
(unset: the plugin must be installed); MQTTSCOPE_TSHARK and MQTTSCOPE_SHARKD name the programs.

Run as root, Wireshark looks for plugins in the system folder only. So the programs run as
an ordinary uid with a home of their own, and captures they may not read are copied there.
No preference, profile or plugin of whoever runs the tests is seen.
"""

from __future__ import annotations

import atexit
import enum
import functools
import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading
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
    """(path, content) of further files of the profile folder, such as a table of the user's, or of profiles/NAME in it."""


# ---- The environment of the programs -------------------------------------------------------

_lock = threading.RLock()


def private_folder() -> Path:
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


def identity() -> dict[str, Any]:
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
        empty = private_folder() / "no-plugins"
        empty.mkdir()
        return empty
    given = os.environ.get("MQTTSCOPE_PLUGIN_DIR")
    if not given:
        return None
    relative = Path(f"{version()[0]}.{version()[1]}", "epan", "mqttscope.so")
    source = Path(given) / relative
    if not source.is_file():
        raise ToolError(f"MQTTSCOPE_PLUGIN_DIR is {given}, but there is no {source}")
    copy = private_folder() / "plugins" / relative
    copy.parent.mkdir(parents=True)
    shutil.copy(source, copy)
    copy.chmod(0o755)
    return copy.parents[2]


UNUSED_DATA = ("enterprises.tsv", "manuf", "services")
"""Tables of names that no test needs. Wireshark before 4.2 reads them again for each capture, which takes longer than a small
capture itself; later versions have them built in."""


@functools.cache
def _data_folder() -> Path | None:
    """Wireshark's data without UNUSED_DATA. None for Wireshark's own folder, where there is nothing to leave out."""
    listed = subprocess.run([program("tshark"), "-G", "folders"], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=TIMEOUT_S, check=False).stdout
    match = re.search(r"^Global configuration:\s*(.+)$", listed, re.MULTILINE)
    if match is None or not any(Path(match[1], name).is_file() for name in UNUSED_DATA):
        return None
    folder = private_folder() / "data"
    folder.mkdir()
    for each in Path(match[1]).iterdir():
        if each.name not in UNUSED_DATA:
            (folder / each.name).symlink_to(each)
    return folder


@functools.cache
def _profile(settings: Settings, builtin: bool) -> Path:
    """An XDG_CONFIG_HOME that holds the settings in Wireshark's own files."""
    home = Path(tempfile.mkdtemp(prefix="profile-", dir=private_folder()))
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
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    home.chmod(0o755)
    _give_away(home, folder)
    return home


@functools.cache
def _short_names() -> dict[str, str]:
    """The short name of each of Wireshark's own protocols, by its filter name."""
    listed = run([program("tshark"), "-G", "protocols"], Settings(), True, TIMEOUT_S).decode("utf-8", "replace")
    rows = (line.split("\t") for line in listed.splitlines())
    return {row[2]: row[1] for row in rows if len(row) > 2}


def _decode_as_entry(argument: str) -> str:
    """The line of the file decode_as_entries that does what tshark's `-d argument` does."""
    table, number, name = re.split("==|,", argument)
    if name not in _short_names():
        raise ToolError(f"Decode As: no protocol is called {name}")
    return f"decode_as_entry: {table},{number},(none),{_short_names()[name]}\n"


def variables(settings: Settings, builtin: bool) -> dict[str, str]:
    """The environment of a program; sanitizer and allocator variables of the caller stay."""
    with _lock:
        folder, profile, data = _plugin_folder(builtin), _profile(settings, builtin), _data_folder()
    kept = {name: value for name, value in os.environ.items()
            if name not in ("WIRESHARK_PLUGIN_DIR", "WIRESHARK_CONFIG_DIR", "SSLKEYLOGFILE")}
    kept |= {"HOME": str(private_folder()), "XDG_CONFIG_HOME": str(profile), "LC_ALL": "C.UTF-8", "TZ": "UTC",
             "TMPDIR": str(private_folder()), "WIRESHARK_ABORT_ON_DISSECTOR_BUG": "1"}
    if data is not None:
        kept["WIRESHARK_DATA_DIR"] = str(data)
    if folder is not None:
        kept["WIRESHARK_PLUGIN_DIR"] = str(folder)
    return kept


def without_secrets(capture: Path, out: Path) -> None:
    """Copies a pcapng file without its TLS secrets (editcap 4.0 cannot)."""
    data = capture.read_bytes()
    kept, at = b"", 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind != 0x0000000A:
            kept += data[at:at + length]
        at += length
    out.write_bytes(kept)


def readable(path: Path | str) -> Path:
    """The file itself if the programs may read it, else a copy that they may.

    For captures this happens by itself; preferences that name a file (a key log, say) need it.
    """
    path = Path(path).resolve()
    if os.geteuid() != 0:
        return path
    if path.stat().st_mode & 0o004 and all(each.stat().st_mode & 0o001 for each in path.parents):
        return path
    copy = Path(tempfile.mkdtemp(prefix="copy-", dir=private_folder())) / path.name
    shutil.copy(path, copy)
    copy.parent.chmod(0o755)
    copy.chmod(0o644)
    return copy


@functools.cache
def require_plugin() -> None:
    """Raises ToolError unless tshark loads the plugin; every run with the plugin asks for it first."""
    with _lock:
        listed = run([program("tshark"), "-G", "plugins"], Settings(), False, TIMEOUT_S)
    if not re.search(r"^mqttscope\.", listed.decode(), re.MULTILINE):
        where = os.environ.get("MQTTSCOPE_PLUGIN_DIR")
        raise ToolError("tshark does not load the plugin from " + (where or
                        "its plugin folders: install it, or set MQTTSCOPE_PLUGIN_DIR"))


# ---- Running a program -----------------------------------------------------------------------

def complain_about(command: list[str], status: int, stderr: bytes) -> None:
    """Raises ToolError if the status or what is on stderr shows a fault."""
    text = stderr.decode("utf-8", "replace").strip()
    # Dissectors of other protocols may have something to say about their own captures.
    text = re.sub(r"^.*\[packet-(?!mqtt)[a-z0-9]+ WARNING\].*$", "", text, flags=re.MULTILINE)
    if status != 0 or _BAD_STDERR.search(text):
        raise ToolError(f"{' '.join(map(str, command))}\nexit status {status}\n{text[:4000]}")


def run(command: list[str], settings: Settings, builtin: bool, timeout_s: float) -> bytes:
    """The output of a program that must end well, in time, and without a complaint."""
    try:
        done = subprocess.run(command, env=variables(settings, builtin), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout_s, cwd=private_folder(), **identity())
    except subprocess.TimeoutExpired:
        raise ToolError(f"{' '.join(map(str, command))}\ntook more than {timeout_s} s") from None
    complain_about(command, done.returncode, done.stderr)
    return done.stdout
