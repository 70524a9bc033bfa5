#!/usr/bin/python3
# read-junit.py: reads a JUnit file with junitparser and prints what it holds, as JSON.
# SPDX-License-Identifier: GPL-2.0-or-later
"""read-junit.py FILE. Exit status 77: the package python3-junitparser is not installed."""

import json
import sys

try:
    import junitparser
except ModuleNotFoundError:
    sys.exit(77)

print(json.dumps([{"name": suite.name, "tests": suite.tests, "failures": suite.failures, "errors": suite.errors, "skipped": suite.skipped,
                   "cases": [{"name": case.name, "results": [type(each).__name__ for each in case.result],
                              "text": "".join((each.text or "") + (each.message or "") for each in case.result)} for case in suite]}
                  for suite in junitparser.JUnitXml.fromfile(sys.argv[1])]))
