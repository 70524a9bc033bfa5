#!/usr/bin/env python3
# sanitized.py: the plugin, built with sanitizers, over all captures and what can be made of them; started by tools/sanitize.
# SPDX-License-Identifier: GPL-2.0-or-later
"""sanitized.py [--full] [--seconds N]

Every job is a run of tshark that must end well, in time, and without a complaint of a sanitizer, a dissector bug
or a warning of Wireshark's. Captures of IPv4 are put into few files, each capture with addresses of its own, since starting
tshark costs more than reading them; --full takes each by itself as well. Where the time is up, the rest is skipped and counted.

Environment: that of environment.py, and MQTTSCOPE_PRELOAD, the sanitizers' libraries.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import damage  # noqa: E402
import harness  # noqa: E402

CAPTURES = Path(__file__).resolve().parents[3] / "test-captures"
TIMEOUT_S = 300
SEEDS = 2
MOST_FRAMES = 20_000
"""Frames of a file that is put together."""
LONGEST_STREAM = 400
"""Bytes of a stream that is cut at each of its bytes; --full takes twenty times as much."""
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    # tshark -G asks Wireshark's capture helpers for their interfaces, and with the sanitizers waits for ever.
    "WIRESHARK_EXTCAP_DIR": os.devnull,
    # Each block by itself, so that the sanitizer sees its ends.
    "WIRESHARK_DEBUG_WMEM_OVERRIDE": "simple",
    "G_SLICE": "always-malloc",
}
LEAK_ALLOWED = 2000
"""Bytes that Wireshark itself may leak more of the larger file."""

Job = tuple[str, Callable[[], object]]


def paths(statistics: list[str], folder: Path) -> dict[str, list[str]]:
    """All ways to look at a capture."""
    on_request = ["-2", "-V", *(part for name, value in harness.ON_REQUEST.items() for part in ("-o", f"{name}:{value}"))]
    out = {"tree": ["-V"], "bytes": ["-x"], "two passes": ["-2", "-V"], "on request": on_request, "json": ["-T", "json"], "pdml": ["-T", "pdml"],
           "export": ["-q", "--export-objects", f"mqttscope,{folder}"]}
    # A flow graph is asked for with the kind of its addresses.
    asked = (each + ",standard" if each.startswith("flow,") else each for each in statistics)
    return out | {f"-z {each}": ["-q", "-z", each] for each in asked}


def payload_length(frame: damage.Frame) -> int:
    """Bytes of TCP payload that a frame of IPv4 has and that were captured; 0 for what is no TCP."""
    ip, data = damage.IP_AT, frame.data
    if len(data) < damage.TCP_PAYLOAD_LEAST or data[ip] != 0x45 or data[ip + 9] != 6:
        return 0
    total = int.from_bytes(data[ip + 2:ip + 4], "big")
    return max(0, min(total, len(data) - ip) - 20 - (data[ip + 32] >> 4) * 4)


def prefix(frames: damage.Frames, length: int) -> damage.Frames:
    """The frames up to so many bytes of payload; the last one is shortened as its sender would have sent it."""
    out: damage.Frames = []
    for frame in frames:
        has = payload_length(frame)
        if has > length:
            data = bytearray(frame.data[:len(frame.data) - (has - length)])
            ip = damage.IP_AT
            total = int.from_bytes(data[ip + 2:ip + 4], "big") - (has - length)
            data[ip + 2:ip + 4] = total.to_bytes(2, "big")
            return [*out, replace(frame, data=bytes(data), length=len(data))] if length else out
        length -= has
        out.append(frame)
    return out


def sources() -> tuple[dict[str, damage.Frames], list[Path]]:
    """The captures whose frames can be put together, and the others."""
    together, alone = {}, []
    for path in sorted(CAPTURES.rglob("*.pcap*")):
        try:
            together[str(path.relative_to(CAPTURES))] = damage.read_frames(path)
        except ValueError:
            alone.append(path)
    return together, alone


def in_files(each: Iterable[damage.Frames]) -> Iterator[list[damage.Frames]]:
    """Lists of captures, each of which makes one file."""
    file: list[damage.Frames] = []
    for frames in each:
        file.append(frames)
        if sum(map(len, file)) > MOST_FRAMES:
            yield file
            file = []
    if file:
        yield file


def prefixes(frames: damage.Frames, longest: int) -> Iterator[damage.Frames]:
    """A capture cut at each byte of its streams, unless these are longer than that."""
    length = sum(map(payload_length, frames))
    if 0 < length <= longest:
        for at in range(length + 1):
            yield prefix(frames, at)


def variants(together: dict[str, damage.Frames], full: bool) -> Iterator[tuple[str, list[damage.Frames]]]:
    """Files to put together: the captures as they are, damaged, and cut at each byte of their streams."""
    yield "captures", list(together.values())
    kinds = damage.LOSSES | damage.CHANGES
    for name, function in kinds.items():
        made = (function(frames[:200], random.Random(f"{name} {seed} {source}"))
                for source, frames in together.items() for seed in range(SEEDS * (5 if full else 1)))
        for file in in_files(each for each in made if each):
            yield f"damage {name}", file
    longest = LONGEST_STREAM * (20 if full else 1)
    for file in in_files(cut for frames in together.values() for cut in prefixes(frames, longest)):
        yield "prefixes", file


def leaked(capture: Path, folder: Path) -> int:
    """Bytes that a run of tshark leaks; ToolError where a function of the plugin does."""
    os.environ["ASAN_OPTIONS"] = f"{SANITIZERS['ASAN_OPTIONS']}:detect_leaks=1:exitcode=0:log_path={folder}/leaks"
    harness.tshark("-V", capture=capture, timeout_s=TIMEOUT_S)
    os.environ["ASAN_OPTIONS"] = SANITIZERS["ASAN_OPTIONS"]
    said = "".join(each.read_text(errors="replace") for each in folder.glob("leaks.*"))
    for each in folder.glob("leaks.*"):
        each.unlink()
    if "mqttscope" in said:
        raise harness.ToolError("the plugin leaks:\n" + said[max(0, said.index("mqttscope") - 2000):])
    return sum(map(int, re.findall(r"SUMMARY: AddressSanitizer: (\d+) byte", said)))


def check_leaks(frames: damage.Frames, folder: Path) -> None:
    """What leaks does not grow with the file."""
    amounts = []
    for times in (1, 8):
        path = folder / f"leak-{times}.pcap"
        damage.write_variants(path, [frames] * times)
        amounts.append(leaked(path, folder))
    print(f"leaks: {amounts[0]} bytes, of a file eight times as long {amounts[1]}", flush=True)
    if 0 in amounts or amounts[1] > amounts[0] + LEAK_ALLOWED:
        raise harness.ToolError(f"leaks are not looked for, or grow with the file: {amounts}")


def jobs(full: bool, folder: Path) -> Iterator[Job]:
    """What is to be run, the most telling first."""
    together, alone = sources()
    statistics = harness.tshark_statistics()
    if not statistics:
        raise SystemExit("sanitized.py: tshark lists no statistics of the plugin")
    ways = paths(statistics, folder / "objects")

    def run(capture: Path, arguments: list[str]) -> Callable[[], object]:
        return lambda: harness.tshark(*arguments, capture=capture, timeout_s=TIMEOUT_S)

    number = 0
    for name, made in variants(together, full):
        number += 1
        path = folder / f"{number}.pcap"
        damage.write_variants(path, made)
        if name == "prefixes":
            # Millions of frames, when full; the other ways only print the same tree in another form.
            chosen = {way: ways[way] for way in (("tree",) if full else ("tree", "json"))}
        elif name == "captures" or full:
            chosen = ways
        else:
            chosen = {"on request": ways["on request"]}
        for way, arguments in chosen.items():
            yield f"{name} ({number}): {way}", run(path, arguments)
        if name == "captures":
            for each in alone:
                for way in ways if full else ("two passes", "pdml"):
                    yield f"{each.name}: {way}", run(each, ways[way])
    if full:
        for each in sorted(CAPTURES.rglob("*.pcap*")):
            for way in ("two passes", "pdml"):
                yield f"{each.name}: {way}", run(each, ways[way])


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long (default: never)")
    options = parser.parse_args()
    os.environ.update(SANITIZERS)
    # Not for this program, but for those that it starts.
    os.environ["LD_PRELOAD"] = os.environ.get("MQTTSCOPE_PRELOAD", "")
    harness.require_plugin()
    end = time.monotonic() + options.seconds if options.seconds else float("inf")
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def do(job: Job) -> None:
        name, function = job
        if time.monotonic() > end:
            counts["skipped"] += 1
            print(f"SKIP: {name}: {options.seconds:.0f} s were up", flush=True)
            return
        try:
            function()
            counts["passed"] += 1
        except harness.ToolError as fault:
            counts["failed"] += 1
            print(f"FAIL {name}: {str(fault)[:6000]}", flush=True)
        if sum(counts.values()) % 500 == 0:
            print(f"{sum(counts.values())} runs, the last: {name}", flush=True)

    with tempfile.TemporaryDirectory(prefix="mqttscope-sanitize-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        together, _ = sources()
        do(("leaks", lambda: check_leaks(together["real/mosquitto-v5.pcap"], folder)))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(do, jobs(options.full, folder)))
    print(f"{counts['passed']} passed, {counts['failed']} failed"
          + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
