#!/usr/bin/env python3
# dictionary.py: makes libFuzzer's dictionary from the lists of plugin/wire.
# SPDX-License-Identifier: GPL-2.0-or-later
"""dictionary.py > FILE

One entry for each packet type with each of its flags, each property with a value of its type, each reason code, and
the beginnings of a CONNECT. What is added to a .def file is in the dictionary from then on.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

WIRE = Path(__file__).resolve().parents[1] / "wire"
VALUES = {
    "BYTE": b"\x01", "TWO_BYTE": b"\x00\x01", "FOUR_BYTE": b"\x00\x00\x00\x01", "VARINT": b"\x01",
    "TEXT": b"\x00\x01a", "BINARY": b"\x00\x01a", "PAIR": b"\x00\x01a\x00\x01b",
}
"""A value of each type of property."""
FLAGS = range(16)
LEVELS = {3: b"\x00\x06MQIsdp", 4: b"\x00\x04MQTT", 5: b"\x00\x04MQTT"}
"""Protocol level to the name that goes with it."""
BRIDGE = 0x80


def rows(name: str, macro: str) -> list[list[str]]:
    """The arguments of each row of a list."""
    text = re.sub(r"/\*.*?\*/", "", (WIRE / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(rf'^{macro}\(((?:[^()"]|"[^"]*"|\([^()]*\))*)\)', text, flags=re.MULTILINE)
    if not found:
        sys.exit(f"dictionary.py: {name} has no row of {macro}")
    return [[part.strip() for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', row)] for row in found]


def entries() -> dict[str, bytes]:
    """Name of an entry to its bytes."""
    out: dict[str, bytes] = {}
    for symbol, number, _, _, flags in rows("packet-types.def", "PACKET_TYPE"):
        for value in FLAGS if int(flags) < 0 else [int(flags)]:
            out[f"{symbol}_{value}"] = bytes([int(number) << 4 | value])
    for row in rows("properties.def", "PROPERTY"):
        out[row[0]] = bytes([int(row[1], 16)]) + VALUES[row[3]]
        out[f"{row[0]}_alone"] = bytes([len(out[row[0]])]) + out[row[0]]
    codes = {symbol: bytes([int(code, 16)]) for symbol, code, _ in rows("reason-codes.def", "CODE")}
    for symbol, code in codes.items():
        out[f"code_{symbol}"] = code
    for packet, symbol, _ in rows("reason-codes.def", "REASON_CODE"):
        if packet in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP"):
            out[f"{packet}_{symbol}"] = b"\x00\x01" + codes[symbol]
    for packet, symbol, return_code, *_ in rows("reason-codes.def", "RETURN_CODE"):
        out[f"return_{packet}_{symbol}"] = bytes([int(return_code, 16)])
    for level, name in LEVELS.items():
        for bridge in (0, BRIDGE):
            out[f"level_{level | bridge}"] = name + bytes([level | bridge])
    return out


def main() -> int:
    """The exit status."""
    if len(sys.argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    for name, data in entries().items():
        print(f'{name}="' + "".join(f"\\x{byte:02X}" for byte in data) + '"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
