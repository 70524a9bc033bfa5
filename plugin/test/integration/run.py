#!/usr/bin/env python3
# run.py: runs the integration tests and says how many passed.
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py [-v] [--brief] [FILTER...]

Runs every test of the test_*.py files beside it, as many test classes at once as there are processors, or
those whose file name or full name contains one of the filters, one after the other. One line for each failure (with -v: one for each test, and the whole trace);
--brief leaves out, and says so, what strains the plugin at length and hangs little on Wireshark's version. The last line is
`N passed, N failed`, with `, N skipped` when some were. Exit status: 0 if tests
ran and none failed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import traceback
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

FOLDER = Path(__file__).resolve().parent
LONG = ("test_damage", "test_mutations", "test_differential", "test_hostile", "test_spread", "test_spread_frames")
"""What --brief leaves out."""
sys.path.insert(0, str(FOLDER))
sys.dont_write_bytecode = True

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Result(unittest.TestResult):
    """Counts tests, a test with failing subtests once, and prints as it goes."""

    def __init__(self, verbose: bool) -> None:
        super().__init__()
        self.verbose = verbose
        self.ran: set[str] = set()
        self.failed: set[str] = set()
        self.left_out: set[str] = set()

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.ran.add(test.id())

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        if self.verbose and test.id() not in self.failed | self.left_out:
            print(f"ok   {test.id()}", flush=True)

    def _fail(self, test: Any, fault: ExceptionInfo, name: str) -> None:
        self.failed.add(name)
        if self.verbose:
            trace = "".join(traceback.format_exception(*fault))
            print(f"FAIL {test.id()}\n{trace}", flush=True)
        else:
            words = " ".join(str(fault[1]).split())
            kind = fault[0].__name__ if fault[0] is not None else ""
            print(f"FAIL {' '.join(test.id().split())}: {kind}: {words[:400]}", flush=True)

    def addFailure(self, test: unittest.TestCase, err: ExceptionInfo) -> None:
        self._fail(test, err, test.id())

    def addError(self, test: unittest.TestCase, err: ExceptionInfo) -> None:
        self._fail(test, err, test.id())

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: ExceptionInfo | None) -> None:
        if err is not None:
            self._fail(subtest, err, test.id())

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.failed.add(test.id())
        print(f"FAIL {test.id()}: passed, though marked as failing", flush=True)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.left_out.add(test.id())
        print(f"skip {test.id()}: {reason}", flush=True)

    def wasSuccessful(self) -> bool:
        return not self.failed


def tests_of(suite: unittest.TestSuite | unittest.TestCase) -> Iterator[unittest.TestCase]:
    """The single tests of a suite."""
    if isinstance(suite, unittest.TestCase):
        yield suite
    else:
        for each in suite:
            yield from tests_of(each)


def run_one_by_one(tests: list[unittest.TestCase], verbose: bool) -> tuple[int, int, int]:
    """How many passed, failed and were skipped."""
    result = Result(verbose)
    unittest.TestSuite(tests).run(result)
    names = result.ran | result.failed | result.left_out
    return (len(names - result.failed - result.left_out), len(result.failed),
            len(result.left_out - result.failed))


def run_class(name: str, verbose: bool) -> tuple[int, int, int]:
    """Runs one test class in a process of its own; a class that ends without a count has failed."""
    command = [sys.executable, __file__, *(["-v"] if verbose else []), name + "."]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    lines = done.stdout.splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", lines[-1]) if lines else None
    if counts is None:
        print("\n".join([*lines, f"FAIL {name}: ended without a count"]), flush=True)
        return 0, 1, 0
    if lines[:-1]:
        print("\n".join(lines[:-1]), flush=True)
    return int(counts[1]), int(counts[2]), int(counts[3] or 0)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("filters", nargs="*", metavar="FILTER")
    options = parser.parse_args()
    found = unittest.defaultTestLoader.discover(str(FOLDER), pattern="test_*.py", top_level_dir=str(FOLDER))
    tests = list(tests_of(found))
    filters = [each.removesuffix(".py").rsplit("/", 1)[-1] for each in options.filters]
    if filters:
        chosen = [test for test in tests if any(each in test.id() for each in filters)]
        passed, failed, skipped = run_one_by_one(chosen, options.verbose)
    else:
        classes = dict.fromkeys(test.id().rsplit(".", 1)[0] for test in tests)
        left_out = [name for name in classes if options.brief and name.split(".")[0] in LONG]
        for name in left_out:
            print(f"skip {name}: it hangs little on the version, and runs with the Wireshark of the machine itself")
            del classes[name]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = list(pool.map(lambda name: run_class(name, options.verbose), classes))
        passed, failed, skipped = (sum(each) for each in zip(*counts, strict=True)) if counts else (0, 0, 0)
        skipped += len(left_out)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
