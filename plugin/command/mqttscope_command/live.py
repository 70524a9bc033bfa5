# live.py: captures what a command sends and receives, and gives the capture up again.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Only dumpcap may need privileges; it captures the given ports and nothing else. Capture and key log are in a folder that only their
owner can read, and that is removed however this ends, unless it is killed outright."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .capture import CannotJudge, WrongUsage, plural, programs

PORTS = (1883, 8883)
QUIET_S = 1.0
DRAIN_MOST_S = 5.0
START_MOST_S = 20.0
STOP_MOST_S = 10.0
STEP_S = 0.1
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
NOT_STARTED = 127
"""The status of a command that cannot be started, as shells have it."""
ALLOWED = """live capture is not allowed here. What to do:
  on Debian: dpkg-reconfigure wireshark-common, answer yes, and join the group wireshark (adduser NAME wireshark; log in again)
  elsewhere: setcap cap_net_raw,cap_net_admin=eip {program}
  in a container: run it as root, or start it with --cap-add=NET_RAW --cap-add=NET_ADMIN
Nothing else of mqttscope needs privileges."""


class Interrupted(BaseException):
    """A signal that ends the program came."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass
class Recording:
    """A capture that was made."""

    path: str
    keylog: str
    status: int | None
    """Of the command; None where there was none, or where it was ended since its time was up."""
    doubts: list[str] = field(default_factory=list)
    """Why the capture may lack packets."""


def seconds(text: str) -> float:
    """`30`, `30s`, `500ms` or `2m` in seconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|)", text)
    if match is None or float(match[1]) == 0:
        raise WrongUsage(f"--for takes a time such as 30s, not {text}")
    return float(match[1]) * {"ms": 0.001, "m": 60.0}.get(match[2], 1.0)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Makes the signals that would end the program an exception, so that what it began is undone."""
    def interrupt(number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # what follows is not interrupted again
        raise Interrupted(number)

    before = {each: signal.signal(each, interrupt) for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """A folder for its owner alone, removed at the end."""
    folder = tempfile.mkdtemp(prefix="mqttscope-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_file(path: str) -> int:
    """A file for its owner alone, open for writing."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _stop(process: subprocess.Popen[bytes], number: int) -> bool:
    """Ends a process; false where it had to be killed."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(STOP_MOST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
    return True


class Dumpcap:
    """dumpcap at work. It is in a session of its own: what the terminal sends to end the command is not for it."""

    def __init__(self, interface: str, ports: Sequence[int], folder: str) -> None:
        found = programs("dumpcap")
        if not found:
            raise CannotJudge("dumpcap, which captures, is not installed (Debian: wireshark-common)")
        self.program = found[0]
        self.path = os.path.join(folder, "live.pcapng")
        self.said_path = os.path.join(folder, "dumpcap")
        chosen = " or ".join(f"port {each}" for each in ports)
        with open(_new_file(self.said_path), "wb") as said:
            self.process = subprocess.Popen(
                [self.program, "-i", interface, "-f", chosen, "-q", "-w", self.path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=said, start_new_session=True, umask=0o077, env=os.environ | {"LC_ALL": "C"})

    def said(self) -> str:
        """What it has said so far."""
        return Path(self.said_path).read_text(encoding="utf-8", errors="replace")

    def wait_until_capturing(self) -> None:
        """Returns when it says that it captures."""
        end = time.monotonic() + START_MOST_S
        while not re.search(r"^File: ", self.said(), re.MULTILINE):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise CannotJudge(self._why_not())
            time.sleep(STEP_S / 5)

    def _why_not(self) -> str:
        lines = [each.strip() for each in self.said().splitlines() if each.strip() and not each.startswith("Capturing on")]
        words = " ".join(lines[:3]).removeprefix("dumpcap: ")[:400] or f"it ended with status {self.process.returncode}"
        if re.search(r"permission|not permitted|no interfaces", words, re.IGNORECASE):
            return ALLOWED.format(program=self.program) + f"\ndumpcap: {words}"
        return f"dumpcap does not capture: {words}"

    def wait_for_quiet(self) -> None:
        """Returns when nothing more comes."""
        now = time.monotonic()
        end, quiet_since, size = now + DRAIN_MOST_S, now, -1
        while now < end and now - quiet_since < QUIET_S and self.process.poll() is None:
            current = os.path.getsize(self.path)
            if current != size:
                quiet_since, size = now, current
            time.sleep(STEP_S)
            now = time.monotonic()

    def stop(self) -> list[str]:
        """Ends it; why packets may be missing."""
        has_ended_before = self.process.poll() is not None
        doubts = []
        if not _stop(self.process, signal.SIGINT):
            doubts.append("dumpcap had to be killed")
        if has_ended_before:
            doubts.append("dumpcap ended by itself")
        match = re.search(r"^Packets received/dropped on interface .*: [0-9]+/([0-9]+) ", self.said(), re.MULTILINE)
        if match is None:
            doubts.append("dumpcap did not say whether it dropped packets")
        elif int(match[1]):
            doubts.append(f"dumpcap dropped {plural(int(match[1]), 'packet')}")
        return doubts


def _run_command(command: Sequence[str], keylog: str, time_s: float | None) -> int | None:
    """The exit status of the command, as a shell has it."""
    try:
        process = subprocess.Popen(list(command), env=os.environ | {"SSLKEYLOGFILE": keylog})
    except OSError as fault:
        print(f"mqttscope: {command[0]}: {fault.strerror}", file=sys.stderr)
        return NOT_STARTED
    try:
        status = process.wait(time_s)
    except subprocess.TimeoutExpired:
        _stop(process, signal.SIGTERM)
        return None
    except Interrupted as interruption:
        _stop(process, interruption.number)
        raise
    return status if status >= 0 else 128 - status


def record(interface: str, ports: Sequence[int], command: Sequence[str], time_s: float | None, folder: str) -> Recording:
    """Captures while the command runs, or for a time. The folder is the caller's; it holds what is written."""
    keylog = os.path.join(folder, "keys.log")
    os.close(_new_file(keylog))
    dumpcap = Dumpcap(interface, ports, folder)
    try:
        dumpcap.wait_until_capturing()
        status = None
        if command:
            status = _run_command(command, keylog, time_s)
            dumpcap.wait_for_quiet()
        else:
            assert time_s is not None
            time.sleep(time_s)
    except BaseException:
        dumpcap.stop()
        raise
    return Recording(dumpcap.path, keylog, status, dumpcap.stop())


def keep(path: str, where: str) -> None:
    """Copies a capture to where the user wants it, readable for its owner alone."""
    try:
        with open(path, "rb") as source, open(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as fault:
        raise WrongUsage(f"--keep {where}: {fault.strerror}") from fault
