# rulelint.py: reads what users are shown, and says where it is not worded as the rest is.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The style of titles, details, help and the other texts of the plugin, as far as a program can hold it: lengths, forbidden
words, what was expected and what was found, codes with their names, plurals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("plugin/show/experts.def", "plugin/show/fields.def", "plugin/wire/faults.def", "plugin/model/facts/doubts.def",
         "plugin/check/needs.def")
SOURCES = ("plugin/*.c", "plugin/show/*.c", "plugin/tap/*.c", "plugin/check/*.c")
COMMANDS = "plugin/command/mqttscope_command/*.py"
TITLE = 70
SHORT_TITLE = 40
"""How many characters a title may have, and one for the Info column."""

IDIOM = re.compile(r"\b(tells|told|behind|stands?|go(?:es|ing)? on|went on|(?<!extends )beyond|anew|(?:is|are) asked|went by|gone by"
                   r"|to (?:its|their) ends?|h[eo]ld against|takes none|takes? in|who|whom|other (?:side|end)|an end(?! of)|two ends"
                   r"|both ends|speaks?|loudly?|for nothing|unasked)\b", re.IGNORECASE)
CODE = re.compile(r"0x(?:%02X|[0-9A-F]{2})(?! \(| or above|-)")
COUNTED = re.compile(r"(?<!%\.0)(?<!of )%u (?!ms\b|is\b|was\b|has\b|less\b|times\b)[a-z]+s\b")
ALWAYS_SEVERAL = ("%u packets: ",)
"""Texts with a number that is never 1."""
ARTICLE = re.compile(r"(?:The|A|An) ")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def cells(text: str, macro: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a .def file that are calls of a macro: their first argument, and the cells NAME(...) by name."""
    for match in re.finditer(rf"^{macro}\((\w+)", text, re.MULTILINE):
        row = text[match.end():_closing(text, match.start() + len(macro))]
        found = {}
        for cell in re.finditer(r"\b([A-Z][A-Z0-9_]+)\(", row):
            found.setdefault(cell[1], row[cell.end():_closing(row, cell.end() - 1)])
        yield match[1], found


def _closing(text: str, opening: int) -> int:
    """Where the parenthesis at `opening` is closed; text in quotes does not count."""
    depth, in_quotes, at = 0, False, opening
    while at < len(text):
        character = text[at]
        if in_quotes and character == "\\":
            at += 1
        elif character == '"':
            in_quotes = not in_quotes
        elif not in_quotes and character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return at
        at += 1
    raise ValueError("a parenthesis is not closed")


def literals(text: str) -> str:
    """The string literals of an expression, joined."""
    return "".join(match[1] for match in LITERAL.finditer(text))


def idiom(name: str, text: str) -> list[str]:
    """Complaints about words that nobody would use."""
    return [f"{name}: \"{match[0]}\" in \"{text[max(0, match.start() - 30):match.end() + 30]}\"" for match in IDIOM.finditer(text)]


def lint_title(name: str, title: str, most: int) -> list[str]:
    """Complaints about a title."""
    complaints = idiom(name, title)
    if len(title) > most:
        complaints.append(f"{name}: the title has {len(title)} characters, {most} are allowed: {title}")
    if "%" in title or re.search(r"\bframe \d", title):
        complaints.append(f"{name}: the title has values: {title}")
    if title.endswith("."):
        complaints.append(f"{name}: the title ends with a full stop: {title}")
    if ARTICLE.match(title):
        complaints.append(f"{name}: the title begins with an article: {title}")
    if title[:1].islower():
        complaints.append(f"{name}: the title begins with a small letter: {title}")
    return complaints


def lint_detail(name: str, cell: str) -> list[str]:
    """Complaints about the format of a detail."""
    text = literals(cell)
    complaints = idiom(name, text)
    for word in ("expected", "found"):
        if not re.search(rf"\b{word}\b", text):
            complaints.append(f"{name}: the detail does not say what was {word}: {text}")
    # The names and values among the arguments are texts of their own.
    formats = literals(cell.split('",')[0] + '"')
    if not cell.lstrip().startswith("UNNAMED") and CODE.search(formats):
        complaints.append(f"{name}: a code without its name (or UNNAMED): {formats}")
    if COUNTED.search(formats):
        complaints.append(f"{name}: a plural that does not fit 1: {formats}")
    if text.endswith("."):
        complaints.append(f"{name}: the detail ends with a full stop: {text}")
    return complaints


def lint_rules() -> list[str]:
    """Complaints about the rows of all rules."""
    complaints = []
    for path in sorted((ROOT / "plugin/check").glob("rules-*.def")):
        for symbol, row in cells(path.read_text(encoding="utf-8"), "RULE"):
            complaints += lint_title(symbol, literals(row["TITLE"]), TITLE)
            complaints += lint_title(f"{symbol} (short)", literals(row["SHORT"]), SHORT_TITLE)
            if "DETAIL" in row:
                complaints += lint_detail(symbol, row["DETAIL"])
    return complaints


def lint_help() -> list[str]:
    """Complaints about the help for rules: sentences, in the field's words."""
    complaints = []
    for path in sorted((ROOT / "plugin/check").glob("help-*.def")):
        for name, row in cells(path.read_text(encoding="utf-8"), "HELP_TEXT"):
            for cell in ("WANTS", "CAUSE", "MEND", "EXCUSE"):
                text = literals(row[cell])
                complaints += idiom(f"help {name}", text)
                if text and not text.endswith("."):
                    complaints.append(f"help {name}: {cell} does not end with a full stop")
    return complaints


def lint_lists() -> list[str]:
    """Complaints about expert items, fields, faults, doubts and needs."""
    complaints = []
    for name in LISTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for match in LITERAL.finditer(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
            complaints += idiom(name, match[1])
            if COUNTED.search(match[1]):
                complaints.append(f"{name}: a plural that does not fit 1: {match[1]}")
    experts = (ROOT / LISTS[0]).read_text(encoding="utf-8")
    for match in re.finditer(r"^EXPERT\((\w+)", experts, re.MULTILINE):
        row = experts[match.start():_closing(experts, match.start() + len("EXPERT"))]
        title, *rest = LITERAL.findall(row.split(",", 4)[4])[0].split(": ", 1)
        complaints += lint_title(match[1], title, TITLE)
        if rest and rest[0].endswith("."):
            complaints.append(f"{match[1]}: ends with a full stop")
    return complaints


def lint_sources() -> list[str]:
    """Complaints about texts in C: preferences, tables, messages."""
    complaints = []
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            code = re.sub(r"/\*.*?\*/|^#.*?$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
            name = path.relative_to(ROOT).as_posix()
            for match in LITERAL.finditer(re.sub(r'"\s*\n\s*"', "", code)):
                complaints += idiom(name, match[1])
                if COUNTED.search(match[1]) and match[1] not in ALWAYS_SEVERAL:
                    complaints.append(f"{name}: a plural that does not fit 1: {match[1]}")
    return complaints


def is_count(value: ast.expr) -> bool:
    """It counts something, as far as its source tells."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("len", "sum", "int")


def python_texts(source: str) -> Iterator[str]:
    """The texts of a Python module, its documentation aside; what an f-string fills in is %u where it counts something, else %s."""
    tree = ast.parse(source)
    left_out = {id(part) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in ast.walk(each)}
    left_out |= {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "%u" if is_count(part.value) else "%s" for part in each.values)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in left_out:
            yield each.value


def lint_commands() -> list[str]:
    """Complaints about what the command mqttscope says."""
    complaints = []
    for path in sorted(ROOT.glob(COMMANDS)):
        for text in python_texts(path.read_text(encoding="utf-8")):
            complaints += idiom(path.name, text)
            if COUNTED.search(text):
                complaints.append(f"{path.name}: a plural that does not fit 1: {text}")
    return complaints


def lint() -> list[str]:
    """All of it."""
    return lint_rules() + lint_help() + lint_lists() + lint_sources() + lint_commands()
