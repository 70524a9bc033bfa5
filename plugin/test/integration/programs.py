# programs.py: runs tshark and sharkd for the tests, with the plugin or without it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of harness.py that knows about processes; tests import harness.py, not this file."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from environment import (TIMEOUT_S, Order, Settings, ToolError, complain_about, identity, private_folder,
                         program, readable, require_plugin, run, variables)
from forkserver import Resting, run_tshark

# ---- Running tshark ------------------------------------------------------------------------

def tshark_bytes(arguments: Iterable[str], capture: Path | str | None, settings: Settings, order: Order,
                  builtin: bool, timeout_s: float) -> bytes:
    """tshark() before decoding."""
    if order is Order.RANDOM:
        raise ValueError("tshark reads a capture from beginning to end")
    if not builtin:
        require_plugin()
    given = ["-2", *arguments] if order is Order.TWO_PASSES else [*arguments]
    if capture is None:
        return run([program("tshark"), *given], settings, builtin, timeout_s)
    return run_tshark(given, readable(capture), settings, builtin, timeout_s)


def tshark(*arguments: str, capture: Path | str | None = None, settings: Settings = Settings(),
           order: Order = Order.ONE_PASS, builtin: bool = False, timeout_s: float = TIMEOUT_S) -> str:
    """Runs tshark, on a capture when there is one, and returns its output.

    builtin: without the plugin. Raises ToolError on failure, on a complaint, and after `timeout_s`.
    """
    return tshark_bytes(arguments, capture, settings, order, builtin, timeout_s).decode("utf-8", "replace")


def tshark_statistics() -> list[str]:
    """The plugin's statistics, as tshark's -z takes them. tshark lists them on stderr."""
    done = subprocess.run([program("tshark"), "-z", "help"], env=variables(Settings(), False), capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=True, cwd=private_folder(), **identity())
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
    with subprocess.Popen(command, env=variables(Settings(), builtin), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=private_folder(), start_new_session=True,
                          **identity()) as process:
        try:
            told, said = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise ToolError(f"{' '.join(command)}\ntook more than {timeout_s} s") from None
    complain_about(command, process.returncode, said)
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
        self.process = subprocess.Popen(self.command, env=variables(settings, builtin), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.stderr, cwd=private_folder(),
                                        **identity())
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
            complain_about([*self.command, self.capture], status, said)

    def _said(self) -> bytes:
        self.stderr.seek(0)
        return self.stderr.read()

    def rest(self) -> None:
        """Nothing is asked for a while; raises ToolError if something was complained about."""
        self.timer.cancel()
        complain_about([*self.command, self.capture], 0, self._said())

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


_resting: Resting[Sharkd] = Resting(2)


@contextlib.contextmanager
def shared_sharkd(capture: Path | str, settings: Settings, builtin: bool, timeout_s: float) -> Iterator[Sharkd]:
    """A sharkd that has loaded a capture, perhaps after others, as a window does in which one file after the other is
    opened. One that had anything to complain about is not used again."""
    sharkd = _resting.take((settings, builtin))
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
    superfluous = _resting.put((settings, builtin), sharkd)
    if superfluous is not None:
        superfluous.__exit__(None)


@atexit.register
def _end_all() -> None:
    for each in _resting.take_all():
        each.__exit__(None)
