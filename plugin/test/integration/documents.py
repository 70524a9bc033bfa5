# documents.py: the README and plugin/doc: their blocks that are run or compared, their tables, their links.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A document marks what can be run or compared with a comment on a line of its own, above the block of code:
`<!-- run: NAME -->`, say. A marker stands in one document only.
"""

from __future__ import annotations

import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
FOLDER = TREE / "plugin" / "doc"


def documents() -> dict[Path, str]:
    """Their texts; rules.md, which is made by tools/rules, is among them."""
    return {path: path.read_text(encoding="utf-8") for path in (TREE / "README.md", *sorted(FOLDER.glob("*.md")))}


def markers(kind: str) -> list[str]:
    """What follows the kind of marker (`run`, `output`, `tree`, `lint`) in all documents."""
    found = [name for text in documents().values() for name in re.findall(rf"^<!-- {kind}: (.+) -->$", text, re.MULTILINE)]
    if len(found) != len(set(found)):
        raise AssertionError(f"a marker stands twice: {found}")
    return found


def block(marker: str) -> str:
    """The code behind a marker (`run: NAME`)."""
    for text in documents().values():
        found = re.search(rf"^<!-- {re.escape(marker)} -->\n```\w*\n(.*?)```\n", text, re.DOTALL | re.MULTILINE)
        if found is not None:
            return found[1]
    raise AssertionError(f"no document has a block marked '{marker}'")


def first_cells(document: Path, heading: str) -> list[str]:
    """The code with which rows begin, of the table whose head begins with `heading`."""
    text = document.read_text(encoding="utf-8")
    start = text.index(f"\n| {heading} |")
    table = text[start:text.find("\n\n", start)]
    return [each.replace("\\|", "|") for each in re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)]


def installed_documents(folder: Path) -> dict[Path, str]:
    """The texts of those that a package has put there."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}


def broken_links(texts: dict[Path, str]) -> list[str]:
    """Links to files, and to headings, that are not there."""
    broken = []
    for path, text in texts.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            file, _, heading = target.partition("#")
            other = (path.parent / file).resolve() if file else path
            if not other.exists() or (heading and heading not in _anchors(other.read_text(encoding="utf-8"))):
                broken.append(f"{path.name}: {target}")
    return broken


def _anchors(text: str) -> set[str]:
    """The names by which headings can be linked to."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
