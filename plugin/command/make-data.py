#!/usr/bin/env python3
# make-data.py: makes rules.json, from which the command explains rules and statements.
# SPDX-License-Identifier: GPL-2.0-or-later
"""make-data.py LIST-RULES CATALOGUE UNJUDGED-FOLDER VERSION: LIST-RULES is plugin/doc/list-rules.c, built."""

import json
import subprocess
import sys
from pathlib import Path

CELLS = ("packets", "side", "severity", "needs", "title", "short_title", "help", "wants", "cause", "mend", "excuse")


def main() -> None:
    """Prints the document."""
    program, catalogue, unjudged_folder, version = sys.argv[1:]
    rules: dict[str, dict[str, object]] = {}
    output = subprocess.run([program], check=True, capture_output=True, text=True, encoding="utf-8").stdout
    for line in output.splitlines():
        kind, symbol, *rest = line.split("\t")
        if kind == "rule":
            rules[symbol] = {**dict(zip(CELLS, rest)), "ids": {}}
        elif kind == "id":
            ids = rules[symbol]["ids"]
            assert isinstance(ids, dict)
            if rest[1] not in ids.setdefault(rest[0], []):
                ids[rest[0]].append(rest[1])
    unjudged = {}
    for path in sorted(Path(unjudged_folder).glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            of_version, identifier, reason = (line.split("\t") + ["", ""])[:3]
            unjudged[of_version, identifier] = reason
    statements = []
    for line in Path(catalogue).read_text(encoding="utf-8").splitlines()[1:]:
        identifier, of_version, section, who, packet, _, _, text = line.split("\t")[:8]
        statements.append({"id": identifier, "version": of_version, "section": section, "who": who, "packet": packet, "text": text,
                           "unjudged": unjudged.get((of_version, identifier), "")})
    print(json.dumps({"version": version, "rules": rules, "statements": statements}, ensure_ascii=True, indent=0))


main()
