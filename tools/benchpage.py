# benchpage.py: what the page of a capture costs: to make, to keep, and to open.
# SPDX-License-Identifier: GPL-2.0-or-later
"""`mqttscope report` is run as it is installed, and the page is opened in Chromium without a window. Opening takes from the beginning of the
navigation until the page's script has drawn everything, by the browser's own clock."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "plugin" / "test" / "integration"))

import browser  # noqa: E402

HEAD = "workload messages   make s  command MiB  tshark MiB   page MB   open s  (spread)       nodes"
OPENED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"
NODES = "document.querySelectorAll('*').length"
STEP_S = 0.1


@dataclass
class Made:
    """What making a page took."""

    seconds: float
    command_mib: float
    tshark_mib: float


def install(plugin: Path, work: Path) -> Path:
    """The command, with what the plugin's build knows of rules."""
    share = work / "share" / "mqttscope"
    shutil.copytree(ROOT / "plugin" / "command" / "mqttscope_command", share / "mqttscope_command")
    rules = plugin.parent / "command" / "rules.json"
    if not rules.exists():
        sys.exit(f"bench: {rules} is missing: build all, not only the plugin")
    shutil.copy(rules, share)
    (work / "bin").mkdir()
    return Path(shutil.copy(ROOT / "plugin" / "command" / "mqttscope", work / "bin"))


def make(command: Path, capture: Path, page: Path, environment: dict[str, str], uid: int | None) -> Made:
    """Makes the page, as a user."""
    identity = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    began, own_kib = time.monotonic(), 0
    process = subprocess.Popen([sys.executable, command, "report", capture, "-o", page], env=environment, stdin=subprocess.DEVNULL, **identity)
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
            own_kib = max([own_kib, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))])
        except OSError:
            pass
        time.sleep(STEP_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: mqttscope report: exit status {process.returncode}")
    # The system's own figure is the greater of the command's and its children's.
    return Made(time.monotonic() - began, own_kib / 1024, usage.ru_maxrss / 1024)


def open_page(page: Path, rounds: int) -> tuple[list[float], int]:
    """The seconds of each round, sorted, and the number of nodes."""
    if browser.program() is None:
        sys.exit("bench: not installed: chromium")
    seconds, nodes = [], 0
    for _ in range(rounds):
        opened = browser.Browser()
        try:
            opened.open(page)
            seconds.append(float(opened.run(OPENED)))
            nodes = int(opened.run(NODES))
        finally:
            opened.close()
    return sorted(seconds), nodes


def report(workload: str, messages: int, made: Made, page: Path, rounds: int) -> None:
    """A line of the table."""
    seconds, nodes = open_page(page, rounds)
    print(f"{workload:8} {messages:8,} {made.seconds:8.1f} {made.command_mib:12.0f} {made.tshark_mib:11.0f} {page.stat().st_size / 1e6:9.2f} "
          f"{statistics.median(seconds):8.2f}  ({seconds[0]:.2f}-{seconds[-1]:.2f}) {nodes:9,}", flush=True)
