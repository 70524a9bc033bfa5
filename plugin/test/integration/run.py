#!/usr/bin/env python3
# run.py: runs the integration tests and says how many passed.
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py [-v] [--brief] [--without NAME]... [--family NAME]... [FILTER...]

Runs the tests of the test_*.py files beside it: all of them, or those whose full name (file, class, test) contains one of
the filters, or those of a family: the cases of test-captures/cases whose path or file name begins so, and the test
file that is called so. As many run at a time as there are processors, and one more of those that mostly wait. A failure is
printed with what was expected and what was found (with -v: each test has a line, and a failure its whole trace); then how much
was compared, and the slowest tests.

--brief leaves out, and says so, what strains the plugin at length and hangs little on Wireshark's version; --without
leaves out what has the name in its full name. The last line is `N passed, N failed`, with `, N skipped` when some were.
Exit status: 0 if tests ran and none failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
import unittest
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

FOLDER = Path(__file__).resolve().parent
LONG = ("test_damage", "test_mutations", "test_differential", "test_hostile", "test_spread", "test_spread_frames")
"""What --brief leaves out, and what is begun first."""
WAITING = ("test_around",)
"""What mostly waits for time to pass (a live capture ends when nothing comes for a second), and would keep a processor idle."""
SLOWEST = 10
LONGEST_TEXT = 4000
"""How much of what a failing test says is printed without -v."""
sys.path.insert(0, str(FOLDER))
sys.dont_write_bytecode = True

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Result(unittest.TestResult):
    """Outcome and words of a single test; one with failing subtests has failed once."""

    def __init__(self, verbose: bool) -> None:
        super().__init__()
        self.verbose = verbose
        self.outcome = "passed"
        self.text = ""

    def _fail(self, test: Any, fault: ExceptionInfo) -> None:
        self.outcome = "failed"
        said = str(fault[1])
        kind = "" if fault[0] in (None, AssertionError) else f"{fault[0].__name__}: "
        words = "".join(traceback.format_exception(*fault)) if self.verbose else kind + said[:LONGEST_TEXT]
        places = [f" ({Path(each.filename).name}:{each.lineno})" for each in traceback.extract_tb(fault[2])
                  if Path(each.filename).parent == FOLDER and Path(each.filename).name.startswith("test_")]
        self.text += f"FAIL {' '.join(test.id().split())}{''.join(places[-1:])}\n"
        self.text += "".join(f"    {line}\n" for line in words.splitlines())

    def addFailure(self, test: unittest.TestCase, err: ExceptionInfo) -> None:
        self._fail(test, err)

    def addError(self, test: unittest.TestCase, err: ExceptionInfo) -> None:
        self._fail(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: ExceptionInfo | None) -> None:
        if err is not None:
            self._fail(subtest, err)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.outcome = "failed"
        self.text += f"FAIL {test.id()}: passed, though marked as failing\n"

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        if self.outcome != "failed":
            self.outcome = "skipped"
        self.text += f"skip {test.id()}: {reason}\n"


def tests_of(suite: unittest.TestSuite | unittest.TestCase) -> Iterator[unittest.TestCase]:
    """The single tests of a suite."""
    if isinstance(suite, unittest.TestCase):
        yield suite
    else:
        for each in suite:
            yield from tests_of(each)


def all_tests() -> dict[str, unittest.TestCase]:
    """Every test by its full name."""
    found = unittest.defaultTestLoader.discover(str(FOLDER), pattern="test_*.py", top_level_dir=str(FOLDER))
    return {test.id(): test for test in tests_of(found)}


def is_of_family(test: unittest.TestCase, family: str) -> bool:
    """True for a case whose path or file name begins so, and for the tests of the file of that name."""
    name = family.removesuffix("/").removesuffix(".py").removesuffix(".case").removesuffix(".pcap")
    name = name.rsplit("test-captures/cases/", 1)[-1].rsplit("integration/", 1)[-1]
    case = getattr(getattr(test, test._testMethodName), "case", None)
    return (case is not None and f"/{case}".rfind("/" + name) >= 0) or test.id().split(".")[0] in (name, "test_" + name)


# ---- A worker, which runs one test after the other ---------------------------------------------

def work(verbose: bool) -> None:
    """Runs the tests whose names come on stdin, and tells the outcome of each by a line of JSON on stdout."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a test prints is for people.
    os.dup2(2, 1)
    tests = all_tests()
    from counted import compared
    for name in map(str.strip, sys.stdin):
        result, started = Result(verbose), time.monotonic()
        compared.clear()
        unittest.TestSuite([tests[name]]).run(result)
        print(json.dumps({"outcome": result.outcome, "text": result.text, "seconds": time.monotonic() - started,
                          "compared": compared}), file=answers, flush=True)


class Report:
    """What the workers found out, printed as it comes."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self.lock = threading.Lock()
        self.outcomes: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}

    def add(self, name: str, answer: dict[str, Any]) -> None:
        """The outcome of one test."""
        with self.lock:
            self.outcomes[answer["outcome"]] += 1
            self.compared.update(answer["compared"])
            self.seconds[name] = answer["seconds"]
            text = answer["text"]
            if self.verbose and answer["outcome"] == "passed":
                text += f"ok   {name} ({answer['seconds']:.1f} s)\n"
            print(text, end="", flush=True)

    def print_slowest(self) -> None:
        """The tests that took longest."""
        for name in sorted(self.seconds, key=self.seconds.__getitem__, reverse=True)[:SLOWEST]:
            print(f"slow {self.seconds[name]:.1f} s: {name}")


def next_name(queues: Sequence[queue.SimpleQueue[str]]) -> str | None:
    """The next test of the first queue that has one."""
    for each in queues:
        with contextlib.suppress(queue.Empty):
            return each.get_nowait()
    return None


def feed_worker(queues: Sequence[queue.SimpleQueue[str]], report: Report) -> None:
    """Has a worker run tests until there are none left; one that dies has failed the test that it was at."""
    command = [sys.executable, __file__, "--worker", *(["-v"] if report.verbose else [])]
    while not all(each.empty() for each in queues):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdin is not None and worker.stdout is not None
            while True:
                name = next_name(queues)
                if name is None:
                    break
                line = ""
                try:
                    print(name, file=worker.stdin, flush=True)
                    line = worker.stdout.readline()
                except BrokenPipeError:
                    pass
                if not line:
                    report.add(name, {"outcome": "failed", "text": f"FAIL {name}: the process that ran it ended\n",
                                      "seconds": 0.0, "compared": {}})
                    break
                report.add(name, json.loads(line))
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.close()


def run(names: list[str], verbose: bool) -> Report:
    """Runs tests, as many at a time as there are processors, and one more of those that mostly wait."""
    report = Report(verbose)
    busy: queue.SimpleQueue[str] = queue.SimpleQueue()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in sorted(names, key=lambda name: name.split(".")[0] not in LONG):
        (waiting if name.split(".")[0] in WAITING else busy).put(name)
    processors = len(os.sched_getaffinity(0))
    feeders = [threading.Thread(target=feed_worker, args=(queues, report))
               for queues in ([(waiting,)] if not waiting.empty() else []) + min(processors, len(names)) * [(busy, waiting)]]
    for each in feeders:
        each.start()
    for each in feeders:
        each.join()
    return report


# ---- Which tests --------------------------------------------------------------------------------

def choose(tests: dict[str, unittest.TestCase], options: argparse.Namespace) -> list[str]:
    """The names of the tests that are asked for."""
    filters = [each.removesuffix(".py").rsplit("/", 1)[-1] for each in options.filters]
    chosen = [name for name, test in tests.items()
              if (not filters and not options.family) or any(each in name for each in filters)
              or any(is_of_family(test, each) for each in options.family)]
    return [name for name in chosen if not any(each in name for each in options.without)]


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    parser.add_argument("--family", action="append", default=[], metavar="NAME")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("filters", nargs="*", metavar="FILTER")
    options = parser.parse_args()
    if options.worker:
        work(options.verbose)
        return 0
    names = choose(all_tests(), options)
    if not names:
        print("no test has such a name, or is of such a family: " + " ".join(options.family + options.filters))
    left_out = []
    if options.brief:
        left_out = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in names if name.split(".")[0] in LONG))
        names = [name for name in names if name.split(".")[0] not in LONG]
    for each in left_out:
        print(f"skip {each}: it hangs little on the version, and runs with the Wireshark of the machine itself")
    report = run(names, options.verbose)
    report.print_slowest()
    if report.compared:
        print("compared: " + ", ".join(f"{count} {what}" for what, count in sorted(report.compared.items())))
    passed, failed, skipped = (report.outcomes[each] for each in ("passed", "failed", "skipped"))
    skipped += len(left_out)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
