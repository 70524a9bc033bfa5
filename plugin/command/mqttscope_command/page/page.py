# page.py: the page as one file of HTML.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page runs its own script and nothing else: a policy allows this script and this style by their hashes, and no request at all. The
data is in an element that is no script to a browser, and nothing in it can end that element."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from ..capture import Object

FOLDER = Path(__file__).resolve().parent
_ESCAPES = {each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def escaped(data: Object) -> str:
    """JSON that is the same inside of HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(_ESCAPES.get(each, each) for each in text)


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"


def make_page(data: Object) -> str:
    """The file."""
    style, script, page = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", "page.html"))
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; script-src {_hash(script)}; style-src {_hash(style)}"
    for name, text in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script), ("DATA", escaped(data))):
        before, found, after = page.partition(f"@{name}@")
        assert found
        page = before + text + after
    return page
