# forkserver.py: a tshark that has been started, and is forked for each capture that it shall read.
# SPDX-License-Identifier: GPL-2.0-or-later
"""run_tshark() gives what a new process would give, at a quarter of the cost: fork-at-open.c tells how.

Arguments that come a second time get such a tshark. Without a C compiler, and where something else is preloaded (the
sanitizers), every run is a process of its own.
"""

from __future__ import annotations

import atexit
import functools
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Generic, TypeVar

import environment
from environment import Settings, ToolError

MOST_RESTING = 10
"""Each has some 60 MB of its own."""

Program = TypeVar("Program")


class Resting(Generic[Program]):
    """Running programs that wait to be used again, by what they were started with."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.lock = threading.Lock()
        self.programs: list[tuple[Hashable, Program]] = []
        """The first has rested longest. Several may have the same key: as many as threads used at a time."""

    def take(self, key: Hashable) -> Program | None:
        """One that nobody else gets until it is put back."""
        with self.lock:
            for index, (other, program) in enumerate(self.programs):
                if other == key:
                    del self.programs[index]
                    return program
            return None

    def put(self, key: Hashable, program: Program) -> Program | None:
        """Lets it rest; returns one that has to end, since there are too many."""
        with self.lock:
            self.programs.append((key, program))
            return self.programs.pop(0)[1] if len(self.programs) > self.most else None

    def take_all(self) -> list[Program]:
        """All that are left, at the end."""
        with self.lock:
            programs = [program for _, program in self.programs]
            self.programs.clear()
            return programs


@functools.cache
def _library() -> Path | None:
    """The built fork-at-open.c; None where it cannot be used."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[-1])
    if compiler is None or os.environ.get("LD_PRELOAD"):
        return None
    library = environment.private_folder() / "fork-at-open.so"
    source = Path(__file__).with_name("fork-at-open.c")
    built = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], capture_output=True,
                           check=False)
    if built.returncode != 0:
        return None
    library.chmod(0o755)
    return library


class ForkServer:
    """A tshark with these arguments, waiting for captures."""

    def __init__(self, command: list[str], settings: Settings, builtin: bool, library: Path, timeout_s: float) -> None:
        self.command = command
        self.out, self.err = (tempfile.TemporaryFile(buffering=0) for _ in range(2))
        read_end, write_end = os.pipe()
        self.reports = os.fdopen(read_end, "rb")
        self.process = subprocess.Popen(
            [command[0], "-r", os.devnull, *command[1:]], stdin=subprocess.PIPE, stdout=self.out, stderr=self.err,
            env=environment.variables(settings, builtin) | {"LD_PRELOAD": str(library),
                                                              "MQTTSCOPE_FORK_REPORTS": str(write_end)},
            pass_fds=(write_end,), cwd=environment.private_folder(), start_new_session=True, **environment.identity())
        os.close(write_end)
        self.is_ready = self._report(time.monotonic() + timeout_s) == "ready"
        """False where tshark ended without opening a capture."""
        self.said_at_start = self._take(self.err)

    def _report(self, end: float) -> str | None:
        """The next line of the reports, which is empty if the program has ended; None if there is none in time."""
        if not select.select([self.reports], [], [], max(0.0, end - time.monotonic()))[0]:
            return None
        return self.reports.readline().decode().strip()

    @staticmethod
    def _take(file: tempfile._TemporaryFileWrapper[bytes]) -> bytes:
        """What is in a file, which is emptied: the program shares the place where it writes."""
        file.seek(0)
        content = file.read()
        file.seek(0)
        file.truncate()
        return content

    def read(self, capture: Path, timeout_s: float) -> bytes:
        """The output for a capture; ToolError as from environment.run()."""
        assert self.process.stdin is not None
        command = [self.command[0], "-r", str(capture), *self.command[1:]]
        self.process.stdin.write(os.fsencode(f"{capture}\n"))
        self.process.stdin.flush()
        report = self._report(time.monotonic() + timeout_s)
        if not report:
            raise ToolError(f"{' '.join(command)}\n" + (f"took more than {timeout_s} s" if report is None else
                                                        "tshark ended before it read the capture"))
        environment.complain_about(command, os.waitstatus_to_exitcode(int(report)),
                                   self.said_at_start + self._take(self.err))
        return self._take(self.out)

    def end(self) -> None:
        """Also ends a child that is at work."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdin is not None
        for each in (self.process.stdin, self.reports, self.out, self.err):
            each.close()


_resting: Resting[ForkServer] = Resting(MOST_RESTING)
_met: set[Hashable] = set()


def run_tshark(arguments: list[str], capture: Path, settings: Settings, builtin: bool, timeout_s: float) -> bytes:
    """The output of tshark on a capture; it must end well, in time, and without a complaint."""
    key = tuple(arguments), settings, builtin
    library = _library() if key in _met and "\n" not in str(capture) else None
    _met.add(key)
    command = [environment.program("tshark"), *arguments]
    server = None
    if library is not None:
        server = _resting.take(key) or ForkServer(command, settings, builtin, library, timeout_s)
        if not server.is_ready:
            server.end()
            server = None
    if server is None:
        return environment.run([command[0], "-r", str(capture), *arguments], settings, builtin, timeout_s)
    try:
        output = server.read(capture, timeout_s)
    except BaseException:
        server.end()
        raise
    superfluous = _resting.put(key, server)
    if superfluous is not None:
        superfluous.end()
    return output


@atexit.register
def _end_all() -> None:
    for each in _resting.take_all():
        each.end()
