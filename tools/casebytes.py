# casebytes.py: the notation for bytes in crafted-case files.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Spaced hex, quoted text, and two ways to put a length in front of what follows.

Everything can be said in plain hex; the rest saves the author from counting.
"""

from __future__ import annotations

import re

LARGEST_VARIABLE_BYTE_INTEGER = 268_435_455


def variable_byte_integer(number: int) -> bytes:
    """MQTT's Variable Byte Integer (5.0, 1.5.5) in its shortest form; ValueError beyond four bytes."""
    if not 0 <= number <= LARGEST_VARIABLE_BYTE_INTEGER:
        raise ValueError(f"{number} bytes do not fit a Variable Byte Integer")
    out = bytearray()
    while True:
        number, digit = number >> 7, number & 0x7F
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def two_byte_length(data: bytes) -> bytes:
    """The data after its length in two bytes; ValueError if it is too long for that."""
    if len(data) > 0xFFFF:
        raise ValueError(f"{len(data)} bytes do not fit a two-byte length")
    return len(data).to_bytes(2, "big") + data


_BYTES_TOKEN = re.compile(r'''\s*(?:(?P<quoted>s?"(?:\\.|[^"\\])*")|(?P<times>\*\d+)
                              |(?P<mark>[{}()])|(?P<hex>[0-9A-Fa-f]+\b)|(?P<bad>\S+))''', re.VERBOSE)
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_PLAIN_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b'"': b'"', b"\\": b"\\"}


def unquote(quoted: str) -> bytes:
    """The bytes of a double-quoted text: UTF-8, with the escapes \\n \\r \\t \\0 \\" \\\\ \\xNN."""
    def replace(match: re.Match[bytes]) -> bytes:
        name = match[1]
        if len(name) == 3:
            return bytes([int(name[1:], 16)])
        if name not in _PLAIN_ESCAPES:
            raise ValueError(f"unknown escape \\{name.decode(errors='replace')} in a text")
        return _PLAIN_ESCAPES[name]
    return _ESCAPE.sub(replace, quoted[1:-1].encode())


def parse_bytes(text: str) -> bytes:
    """The bytes that a notation stands for; ValueError says what is wrong with it.

    Items: hex digits (an even number), "text", s"text" = two-byte length and text,
    { ... } = Variable Byte Integer length and content, ( ... ) = two-byte length and content.
    *N after an item repeats it.
    """
    open_marks: list[str] = []
    levels: list[list[bytes]] = [[]]
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _BYTES_TOKEN.match(text, at)
        assert match is not None
        at = match.end()
        token = match[0].strip()
        if match["bad"]:
            raise ValueError(f"a text without its closing quote: {token}" if '"' in token else f"not bytes: {token}")
        if match["hex"]:
            if len(token) % 2:
                raise ValueError(f"odd number of hex digits: {token}")
            levels[-1].append(bytes.fromhex(token))
        elif match["quoted"]:
            levels[-1].append(two_byte_length(unquote(token[1:])) if token[0] == "s" else unquote(token))
        elif match["times"]:
            if not levels[-1]:
                raise ValueError(f"nothing to repeat before {token}")
            levels[-1][-1] *= int(token[1:])
        elif token in "{(":
            open_marks.append(token)
            levels.append([])
        else:
            if not open_marks or open_marks[-1] + token not in ("{}", "()"):
                raise ValueError(f"'{token}' closes nothing")
            open_marks.pop()
            content = b"".join(levels.pop())
            length = variable_byte_integer(len(content)) + content if token == "}" else two_byte_length(content)
            levels[-1].append(length)
    if open_marks:
        raise ValueError(f"'{open_marks[-1]}' is not closed")
    return b"".join(levels[0])
