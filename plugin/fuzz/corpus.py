#!/usr/bin/env python3
# corpus.py: packs a folder of inputs into one file of the tree, and unpacks it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""corpus.py pack FOLDER FILE.zip
corpus.py unpack FILE.zip FOLDER

The file is the same for the same inputs: their names are hashes of them, and no time is kept.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path


def pack(folder: Path, file: Path) -> int:
    """The number of inputs."""
    inputs = {hashlib.sha256(data).hexdigest()[:16]: data for data in (each.read_bytes() for each in folder.iterdir())}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name in sorted(inputs):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, inputs[name])
    return len(inputs)


def unpack(file: Path, folder: Path) -> int:
    """The number of inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file) as packed:
        packed.extractall(folder)
        return len(packed.namelist())


def main() -> int:
    """The exit status."""
    actions = {"pack": pack, "unpack": unpack}
    if len(sys.argv) != 4 or sys.argv[1] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    count = actions[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    print(f"{count} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
