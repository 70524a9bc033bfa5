#!/usr/bin/env python3
# seeds.py: makes the first inputs of the fuzzer from the crafted cases.
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds.py FOLDER

Writes into FOLDER one file for each line of bytes in test-captures/cases, with the byte in front
that chooses version and missing bytes (see decode.c). Long payloads are left out.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

from casefile import Send, read_case  # noqa: E402

LONGEST = 1000


def main() -> int:
    """The exit status."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lines = {step.data for path in (ROOT / "test-captures" / "cases").rglob("*.case")
             for step in read_case(path).steps if isinstance(step, Send) and 0 < len(step.data) <= LONGEST}
    for data in lines:
        for choice in (b"\x02", b"\x03", b"\x17"):
            seed = choice + data
            (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    print(f"{3 * len(lines)} seeds in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
