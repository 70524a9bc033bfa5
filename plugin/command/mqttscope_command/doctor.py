# doctor.py: what is installed, whether it works together, and what to do where it does not.
# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be tried is tried: tshark is asked what it loads and reads a capture of one packet, and dumpcap opens an interface. Files are
looked at only to say why something did not come out as it should."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .capture import programs
from .judge import CLEAN, FINDINGS, UNJUDGED
from .report import plain

TIMEOUT_S = 60
OLDEST = (4, 0)
"""The first Wireshark that the plugin can be built for."""
INSTALL = "install.md says how to install the plugin"
CAPTURING = ("on Debian: sudo dpkg-reconfigure wireshark-common (answer Yes), sudo usermod -aG wireshark USER, then log in again; in a container: "
             "start it with --cap-add NET_RAW. Captures can be read without it")
CONNECT = bytes.fromhex("101200044d5154540402003c0006") + b"doctor"


@dataclass
class Remark:
    """What was looked at, how it is, and what to do; "problem" is what counts for the exit status."""

    state: str
    about: str
    words: str
    advice: str = ""


@dataclass
class Program:
    """A tshark or Wireshark."""

    path: str
    version: tuple[int, int]
    full_version: str
    plugin: str = ""
    """The file that it loads."""
    plugin_version: str = ""


def _run(*command: str, **environment: str) -> tuple[int, str, str]:
    """Exit status, output and complaints; status 127 where it cannot be run, or does not end."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
                              env=os.environ | environment)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return 127, "", str(fault)
    return done.returncode, done.stdout, done.stderr


def _found(name: str) -> list[str]:
    """The programs of that name; one that two paths lead to is one."""
    return list({os.path.realpath(each): each for each in reversed(programs(name))}.values())[::-1]


def _look_at(path: str) -> Program:
    """What a program says of its version, and tshark of its plugins."""
    found = re.search(r"(\d+)\.(\d+)\.\d+", _run(path, "--version")[1])
    program = Program(path, (int(found[1]), int(found[2])) if found else (0, 0), found[0] if found else "of unknown version")
    if Path(path).name.startswith("tshark"):
        for line in _run(path, "-G", "plugins")[1].splitlines():
            cells = [each.strip() for each in line.split("\t")]
            if cells[0].removesuffix(".so") == "mqttscope" and len(cells) > 3:
                program.plugin, program.plugin_version = cells[3], cells[1]
    return program


def _folders(tshark: str) -> dict[str, Path]:
    """Where it looks for things, by the names of `tshark -G folders`."""
    pairs = (line.partition(":") for line in _run(tshark, "-G", "folders")[1].splitlines())
    return {kind: Path(folder.strip()) for kind, _, folder in pairs}


def _copies(tshark: str) -> list[Path]:
    """Every copy of the plugin in the folders of any version."""
    folders = _folders(tshark)
    roots = [folders[kind] for kind in ("Personal Plugins", "Global Plugins") if kind in folders]
    return sorted({path for root in roots for path in root.parent.glob("*/epan/mqttscope.so")})


def _why_not_loaded(program: Program) -> tuple[str, str]:
    """Why a tshark does not load the plugin, and what to do."""
    if program.version < OLDEST:
        return "is too old for the plugin, which needs 4.0", "install a newer Wireshark"
    folders = _folders(program.path)
    personal, everyones = (folders.get(f"{kind} Plugins", Path("/nonexistent")) / "epan" / "mqttscope.so" for kind in ("Personal", "Global"))
    if everyones.exists() or (personal.exists() and os.geteuid() != 0):
        said = [line for line in _run(program.path, "-G", "plugins")[2].splitlines() if "mqttscope" in line]
        present = everyones if everyones.exists() else personal
        return f"does not load {present}" + (f": {said[0]}" if said else ""), f"build the plugin again for {program.full_version}; {INSTALL}"
    if personal.exists():
        return f"is run by root, and root loads no personal plugins: {personal}", "run it as an ordinary user, or install for everybody: as root, tools/quickstart"
    others = [str(path) for path in _copies(program.path)]
    if others:
        return f"needs a plugin built for {program.version[0]}.{program.version[1]}; there is only {', '.join(others)}", f"build it again; {INSTALL}"
    return f"does not have the plugin; it looks in {personal.parent} and {everyones.parent}", INSTALL


def _tsharks(found: list[Program], version: str) -> list[Remark]:
    """What each tshark loads."""
    remarks = []
    is_served = any(each.plugin for each in found)
    for each in found:
        name = f"{each.path} ({each.full_version})"
        if not each.plugin:
            words, advice = _why_not_loaded(each)
            remarks.append(Remark("note" if is_served else "problem", "tshark", f"{name} {words}", advice))
        elif each.plugin_version != version:
            remarks.append(Remark("problem", "tshark", f"{name} loads {each.plugin}, which is {each.plugin_version}; this command is {version}",
                                  "remove the one of them that is old: tools/uninstall, then install again"))
        else:
            remarks.append(Remark("ok", "tshark", f"{name} loads mqttscope {each.plugin_version}: {each.plugin}"))
    if not found:
        remarks.append(Remark("problem", "tshark", "is not installed, or not in the PATH", "install it (the package tshark, or wireshark-cli), or set MQTTSCOPE_TSHARK"))
    return remarks


def _two_copies(tshark: Program) -> list[Remark]:
    """Of several copies for one version Wireshark takes one."""
    copies = [path for path in _copies(tshark.path) if path.parts[-3] == "{}.{}".format(*tshark.version)]
    if len(copies) < 2:
        return []
    return [Remark("problem", "copies", f"the plugin is there more than once: {', '.join(map(str, copies))}; {tshark.plugin} is used",
                   "remove the others, which stay old when that one is renewed")]


def _wiresharks(tsharks: list[Program]) -> list[Remark]:
    """Wireshark looks for plugins where the tshark beside it does, if they are of one version."""
    remarks = []
    for each in map(_look_at, _found("wireshark")):
        name = f"{each.path} ({each.full_version})"
        folder = os.path.dirname(os.path.realpath(each.path))
        twin = next((one for one in tsharks if os.path.dirname(os.path.realpath(one.path)) == folder and one.full_version == each.full_version), None)
        if twin is None:
            remarks.append(Remark("note", "Wireshark", f"{name} has no tshark of its version beside it, so that it is not known what it loads",
                                  "see Help > About Wireshark > Plugins"))
        elif twin.plugin:
            remarks.append(Remark("ok", "Wireshark", f"{name} loads what {twin.path} loads"))
        else:
            remarks.append(Remark("note", "Wireshark", f"{name} lacks the plugin as {twin.path} does"))
    if not remarks:
        remarks.append(Remark("note", "Wireshark", "is not installed, or not in the PATH; tshark and this command do without"))
    return remarks


def _sandboxes() -> list[Remark]:
    """Installations that cannot see a plugin of the system's."""
    home = Path(os.environ.get("HOME", "/nonexistent"))
    places = {"Flatpak": (Path("/var/lib/flatpak/app/org.wireshark.Wireshark"), home / ".local/share/flatpak/app/org.wireshark.Wireshark"),
              "Snap": (Path("/snap/wireshark"), Path("/var/lib/snapd/snap/wireshark"))}
    return [Remark("note", "Wireshark", f"there is one from {kind} ({path}); it is a world of its own and does not load the plugin",
                   "use the Wireshark of your distribution")
            for kind, paths in places.items() for path in paths if path.exists()]


def _disabled(tshark: str) -> set[str]:
    """The protocols that are switched off, by you or for everybody."""
    folders = _folders(tshark)
    files = [folders[kind] / "disabled_protos" for kind in ("Personal configuration", "Global configuration") if kind in folders]
    return {line.strip() for path in files if path.is_file() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()}


def _probe() -> bytes:
    """A capture of one packet: a CONNECT to port 1883 of 127.0.0.1, as raw IP."""
    tcp = struct.pack("!HHIIBBHHH", 50000, 1883, 1, 1, 0x50, 0x18, 65535, 0, 0)
    packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(CONNECT), 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + tcp + CONNECT
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet


def _in_charge(tshark: Program) -> list[Remark]:
    """Whether MQTT is read by the plugin with the user's own settings, and if not, which setting is to blame."""
    with tempfile.TemporaryDirectory(prefix="mqttscope-") as folder:
        capture, empty = Path(folder, "probe.pcap"), Path(folder, "empty")
        capture.write_bytes(_probe())
        empty.mkdir()

        def is_ours(*options: str, **environment: str) -> bool:
            return "doctor" in _run(tshark.path, "-n", "-r", str(capture), "-T", "fields", "-e", "mqttscope.client", *options, **environment)[1]

        if is_ours():
            return [Remark("ok", "MQTT", "is read by the plugin, with your settings")]
        settings = _folders(tshark.path).get("Personal configuration", Path("?"))
        disabled = _disabled(tshark.path)
        if "mqtt" in disabled:
            return [Remark("problem", "MQTT", "is not read: the protocol MQTT is switched off", "Analyze > Enabled Protocols: switch MQTT on")]
        if "mqttscope" in disabled:
            return [Remark("problem", "MQTT", "is read by Wireshark's own dissector: the plugin is switched off", "Analyze > Enabled Protocols: switch MQTT Scope on")]
        if is_ours("-d", "tcp.port==1883,mqtt"):
            return [Remark("problem", "MQTT", f"on port 1883 is read as something else: {settings}/decode_as_entries, or a preference",
                           "Analyze > Decode As: remove the entry of port 1883")]
        if is_ours(WIRESHARK_CONFIG_DIR=str(empty)):
            return [Remark("problem", "MQTT", f"is not read by the plugin with your settings, and is without them: {settings}",
                           "start Wireshark with another profile; compare preferences and disabled_protos of both")]
        return [Remark("problem", "MQTT", "is not read by the plugin, with any settings", "install the plugin again; if that does not help, report it")]


def _live() -> list[Remark]:
    """Whether dumpcap, which captures for tshark and Wireshark, may."""
    found = programs("dumpcap")
    refused = Remark("note", "capture", "live capture is not allowed", CAPTURING)
    if not found:
        # shutil.which() passes over what may not be run.
        return [refused if any(Path(each, "dumpcap").exists() for each in ("/usr/bin", "/usr/local/bin")) else
                Remark("note", "capture", "dumpcap is not installed, so that live capture is not possible", "install the package wireshark-common, or wireshark-cli")]
    interfaces = re.findall(r"^\d+\. (\S+)", _run(found[0], "-D")[1], re.MULTILINE)
    if not interfaces:
        return [refused]
    interface = next((each for each in ("lo", "lo0") if each in interfaces), interfaces[0])
    status = _run(found[0], "-i", interface, "-L")[0]
    return [Remark("ok", "capture", f"live capture is allowed ({interface})") if status == 0 else refused]


def doctor(version: str) -> tuple[str, int]:
    """What to say, and the exit status: that of findings where something is to be mended, and that of no verdict where `mqttscope lint`
    has no tshark. `version` is that of this command."""
    tsharks = [_look_at(each) for each in _found(os.environ.get("MQTTSCOPE_TSHARK", "tshark"))]
    used = next((each for each in tsharks if each.plugin), None)
    remarks = _tsharks(tsharks, version)
    if used is not None:
        remarks += _two_copies(used) + _in_charge(used)
    remarks += _wiresharks(tsharks) + _sandboxes() + _live()
    lines = []
    for each in remarks:
        lines.append(f"{each.state:<8} {each.about:<10} {each.words}")
        if each.advice:
            lines.append(f"{'':<19} -> {each.advice}")
    problems = sum(each.state == "problem" for each in remarks)
    lines.append(f"mqttscope doctor: {problems} problem{'s' * (problems != 1)}")
    return "".join(plain(line) + "\n" for line in lines), UNJUDGED if used is None else FINDINGS if problems else CLEAN
