# exits.py: messages as CSV, JSON Lines and a sequence diagram in Mermaid.
# SPDX-License-Identifier: GPL-2.0-or-later
"""cell() is between the wire and a spreadsheet, label() between it and Mermaid."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

from ..capture import Object
from ..report import plain
from .details import Message

COLUMNS = ("message", "topic", "publisher", "published_frame", "published", "published_epoch", "subscriber", "delivered_frame", "delivered",
           "delivered_epoch", "broker_time", "end_to_end", "kind", "certain", "qos", "dup", "retain", "payload_length")
_NO_TEXT = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What begins a formula, the wide forms too."""


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9f}"
    text = str(value)
    if isinstance(value, str):
        text = plain(text) if any(not each.isprintable() for each in text) else text
        if value.lstrip(" ").startswith(_NO_TEXT):
            return "'" + text
    return text


def csv_lines(rows: Iterator[Object]) -> Iterator[str]:
    """The table, its heading first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([cell(row[name]) for name in COLUMNS])
        if buffer.tell() > 100_000:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def json_lines(rows: Iterator[Object]) -> Iterator[str]:
    """An object a line; what is not known is left out."""
    for row in rows:
        yield json.dumps({name: row[name] for name in COLUMNS if row[name] is not None}, ensure_ascii=True) + "\n"


def label(text: str) -> str:
    """Text that Mermaid shows as it stands: everything but letters, digits and a few marks as its character code."""
    shown = re.sub(r"[^\w ./:-]", lambda match: f"#{ord(match[0])};", plain(text)[:80])
    return re.sub(r"\b(e)(nd)\b", r"#101;\2", shown, flags=re.IGNORECASE)  # a word of Mermaid's


def mermaid_lines(messages: list[Message], left_out: int) -> Iterator[str]:
    """The diagram; `left_out` messages are not in it."""
    names: dict[str, str] = {}

    def name_of(client: str) -> str:
        return names.setdefault(client, f"c{len(names)}")

    steps: list[tuple[float, int, int, str]] = []
    for message in messages:
        if message.publication is not None:
            steps.append(_step(message.publication, name_of(message.publication.get("client", "?")), message))
        for each in message.deliveries + message.acknowledgements:
            steps.append(_step(each, name_of(each.get("client", "?")), message))
    yield "sequenceDiagram\n"
    publishers = {each.publication.get("client", "?") for each in messages if each.publication is not None}
    for client in [each for each in names if each in publishers]:
        yield f"    participant {names[client]} as {label(client)}\n"
    yield "    participant broker\n"
    for client in [each for each in names if each not in publishers]:
        yield f"    participant {names[client]} as {label(client)}\n"
    yield from (line for _, _, _, line in sorted(steps))
    if left_out:
        yield f"    Note over broker: {left_out} messages are not shown\n"


def _step(each: Object, name: str, message: Message) -> tuple[float, int, int, str]:
    what = f"PUBLISH {label(each.get('topic', ''))} QoS {each['qos']}" if each["type"] == "message" else each["packet"]
    after = f" after {each['broker_time'] * 1000:.3f} ms" if "broker_time" in each else ""
    arrow = f"broker->>{name}" if each["sender"] == "broker" else f"{name}->>broker"
    number = f"message {message.number} " if each["type"] == "message" else ""
    return each["time"], each["frame"], each["pdu"], f"    {arrow}: {each['time']:.6f} s {number}{what}{after} frame {each['frame']}\n"
