# casefile.py: reads a crafted-case text file into plain Python objects.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format is described in test-captures/cases/README.md.

Reading is done in three steps, each on the whole file: physical lines become
statements (remarks removed, continuation lines joined, `repeat` blocks
unrolled), statements become objects, and references between them are checked.
Whoever breaks the format reads the file, the line and what is wrong with it.
`casewire.py` turns the objects into a capture.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from casebytes import parse_bytes, unquote

FIRST_CLIENT_PORT = 40001
SEVERITIES = ("comment", "chat", "note", "warning", "error")
"""Wireshark's severities, lowest first, as case files name them."""

FLAG_WORDS = ("ACK", "FIN", "RST", "KEEPALIVE")
"""What a line may send in place of bytes: a segment without data."""

SEND_OPTIONS = {
    # name: (fewest arguments, most arguments)
    "split": (1, None), "mss": (1, 1), "snap": (1, 1), "seq": (1, 1), "late": (0, 1), "crossed": (0, 1),
    "lost": (0, 0), "fin": (0, 0), "text": (0, 0), "raw": (0, 0),
    "messages": (1, None), "fragments": (1, None),
}


class CaseError(Exception):
    """A fault in a case file; its text is `file:line: what is wrong`."""

    def __init__(self, path: Path | str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.line = line


@dataclass
class Connection:
    """One TCP connection; `client` and `server` are (address, port)."""

    line: int
    name: str
    client: tuple[str, int]
    server: tuple[str, int]
    midstream: bool = False
    refused: bool = False
    """The server answers the SYN with RST, and that is all."""
    isn: tuple[int, int] | None = None
    """Initial sequence numbers of client and server; None: those that every connection has."""
    subprotocol: str | None = None
    """Subprotocols that the client offers for the WebSocket that the connection is upgraded to; None: plain TCP."""
    chosen: str | None = None
    """The one that the server chooses; "-": none."""


@dataclass
class Open:
    """The place in the file where a connection begins: handshake and upgrade go here."""

    line: int
    connection: Connection


@dataclass
class Send:
    """Bytes, or a segment without data (`flag`), from one side of a connection."""

    line: int
    label: str | None
    connection: Connection
    from_client: bool
    data: bytes = b""
    flag: str | None = None
    options: dict[str, list[int]] = field(default_factory=dict)
    joined: bool = False
    """True: the next line goes into the same segment."""


@dataclass
class Again:
    """The segments of an earlier line, sent once more."""

    line: int
    label: str | None
    original: str


@dataclass
class Wait:
    """Time that passes before the next frame, or by which the clock is set back (less than 0)."""

    line: int
    microseconds: int


Step = Open | Send | Again | Wait


@dataclass
class InfoAssertion:
    """The Info column of a frame contains a text, or equals it."""

    line: int
    label: str
    text: str
    exact: bool


@dataclass
class FieldAssertion:
    """All values of a field in a frame, in order; an empty list: it is absent; None: it is there."""

    line: int
    label: str
    name: str
    values: list[str] | None


@dataclass
class FindingAssertion:
    """An expert item on a frame; `text`, when not None, is part of its message."""

    line: int
    label: str
    name: str
    severity: str
    text: str | None


Assertion = InfoAssertion | FieldAssertion | FindingAssertion


@dataclass
class Case:
    """A whole case file."""

    path: Path
    title: str = ""
    preferences: list[tuple[str, str]] = field(default_factory=list)
    heuristics: list[tuple[str, bool]] = field(default_factory=list)
    decode_as: list[str] = field(default_factory=list)
    keeps: list[str] = field(default_factory=list)
    """Symbols of rules that this case comes near to and does not break."""
    wireshark: tuple[int, int] = (0, 0)
    """The first version that shows what the case asserts."""
    steps: list[Step] = field(default_factory=list)
    assertions: list[Assertion] = field(default_factory=list)


# ---- From physical lines to statements -----------------------------------------------------

_REMARK = re.compile(r'''((?:[^"#]|"(?:\\.|[^"\\])*"|(?<=\S)\#|")*)''')


def strip_remark(line: str) -> str:
    """The line without its remark: a '#' outside quotes, at the start or after white space."""
    match = _REMARK.match(line)
    return match[1].rstrip() if match else line.rstrip()


def _statements(path: Path, text: str) -> list[tuple[int, str]]:
    """(line number, statement): remarks removed, continuation lines joined, `repeat` unrolled."""
    joined: list[tuple[int, str]] = []
    for number, physical in enumerate(text.splitlines(), 1):
        line = strip_remark(physical)
        if not line.strip():
            continue
        if line[0] in " \t":
            if not joined:
                raise CaseError(path, number, "an indented line continues the line before it; there is none")
            joined[-1] = (joined[-1][0], joined[-1][1] + " " + line.strip())
        else:
            joined.append((number, line))
    out: list[tuple[int, str]] = []
    block: tuple[int, str, range] | None = None
    body: list[tuple[int, str]] = []
    for number, line in joined:
        if line.split()[0] == "repeat":
            match = re.fullmatch(r"repeat\s+([A-Za-z]\w*)\s+(\d+)\.\.(\d+)", line)
            if match is None:
                raise CaseError(path, number, "expected: repeat NAME FIRST..LAST")
            if block is not None:
                raise CaseError(path, number, f"'repeat' inside the 'repeat' of line {block[0]}")
            block, body = (number, match[1], range(int(match[2]), int(match[3]) + 1)), []
        elif line == "end":
            if block is None:
                raise CaseError(path, number, "'end' without 'repeat'")
            for value in block[2]:
                out += [(at, re.sub(rf"\${block[1]}\b", str(value), each)) for at, each in body]
            block = None
        else:
            (out if block is None else body).append((number, line))
    if block is not None:
        raise CaseError(path, block[0], "'repeat' without 'end'")
    return out


# ---- From statements to objects ------------------------------------------------------------

_SEND = re.compile(r"(?:@(?P<label>[A-Za-z][\w.-]*)\s+)?(?P<name>\w+)\s*(?P<way>[<>])\s*(?P<rest>.*)", re.DOTALL)
_AGAIN = re.compile(r"(?:@(?P<label>[A-Za-z][\w.-]*)\s+)?again\s+@(?P<original>\S+)")
_CONNECTION = re.compile(r"connection\s+(\w+):\s*(\S+)\s*->\s*(\S+)((?:\s+\S+)*)")
_ASSERTION = re.compile(r"(?P<kind>info|field|finding)\s+@(?P<label>[A-Za-z][\w.-]*?):?(?:\s+(?P<rest>.*))?", re.DOTALL)
_OPTION = re.compile(r"\s*\[([^\]]*)\]")
_VALUE = re.compile(r'\s*("(?:\\.|[^"\\])*"|[^|"][^|]*|)\s*(\||$)')
_UNITS = {"us": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}


class _Reader:
    """Turns the statements of one file into a Case. Its methods raise ValueError; read() adds the place."""

    def __init__(self, path: Path) -> None:
        self.case = Case(path)
        self.connections: dict[str, Connection] = {}
        self.labels: dict[str, int] = {}

    def read(self, statements: list[tuple[int, str]]) -> Case:
        """The case; CaseError names the line at fault."""
        for line, text in statements:
            try:
                self._statement(line, text)
            except ValueError as fault:
                raise CaseError(self.case.path, line, str(fault)) from None
        if not self.case.title:
            raise CaseError(self.case.path, 1, "no 'title:' line")
        if not any(isinstance(step, Send) for step in self.case.steps):
            raise CaseError(self.case.path, 1, "nothing is sent")
        last = self.case.steps[-1]
        if isinstance(last, Send) and last.joined:
            raise CaseError(self.case.path, last.line, "'+' joins the next line to this one; there is none")
        return self.case

    def _statement(self, line: int, text: str) -> None:
        word = re.match(r"[\w-]+:?", text)
        header = word[0] if word else ""
        value = text[len(header):].strip()
        if header == "connection":
            self._connection(line, text)
        elif header in ("info", "field", "finding"):
            self._assertion(line, text)
        elif header == "wait":
            self.case.steps.append(Wait(line, _duration(value)))
        elif header == "clock":
            if not re.match("[+-]", value):
                raise ValueError("expected a sign and a time such as -3s")
            self.case.steps.append(Wait(line, _duration(value[1:]) * (-1 if value[0] == "-" else 1)))
        elif header.endswith(":"):
            self._header(header, value)
        elif again := _AGAIN.fullmatch(text):
            if again["original"] not in self.labels:
                raise ValueError(f"no earlier line has the label @{again['original']}")
            self._label(line, again["label"])
            self.case.steps.append(Again(line, again["label"], again["original"]))
        elif send := _SEND.fullmatch(text):
            self._send(line, send)
        else:
            raise ValueError(f"not understood: {text[:60]}")

    def _header(self, header: str, value: str) -> None:
        if not value:
            raise ValueError(f"'{header}' says nothing")
        if header == "title:":
            if self.case.title:
                raise ValueError("a second title")
            self.case.title = value
        elif header == "preference:":
            name, colon, setting = value.partition(":")
            if not colon or "." not in name:
                raise ValueError("expected: preference: MODULE.NAME:VALUE")
            self.case.preferences.append((name.strip(), setting.strip()))
        elif header == "heuristic:":
            words = value.split()
            if len(words) != 2 or words[1] not in ("on", "off"):
                raise ValueError("expected: heuristic: NAME on|off")
            self.case.heuristics.append((words[0], words[1] == "on"))
        elif header == "decode-as:":
            if not re.fullmatch(r"[\w.]+==\d+,[\w.-]+", value):
                raise ValueError("expected: decode-as: TABLE==NUMBER,PROTOCOL, such as tcp.port==1884,mqtt")
            self.case.decode_as.append(value)
        elif header == "keeps:":
            self.case.keeps += value.split()
        elif header == "wireshark:":
            match = re.fullmatch(r"(\d+)\.(\d+)", value)
            if match is None:
                raise ValueError("expected: wireshark: MAJOR.MINOR")
            self.case.wireshark = int(match[1]), int(match[2])
        else:
            raise ValueError(f"unknown header '{header}'")

    def _connection(self, line: int, text: str) -> None:
        match = _CONNECTION.fullmatch(text)
        if match is None:
            raise ValueError("expected: connection NAME: CLIENT[:PORT] -> SERVER:PORT [midstream | refused] [isn CLIENT/SERVER] "
                             "[websocket PROTOCOL[/CHOSEN]]")
        name = match[1]
        if name in self.connections:
            raise ValueError(f"connection {name} stands in line {self.connections[name].line} already")
        client = _endpoint(match[2], FIRST_CLIENT_PORT + len(self.connections))
        server = _endpoint(match[3], None)
        if (":" in client[0]) != (":" in server[0]):
            raise ValueError("one address is IPv4, the other IPv6")
        connection = Connection(line, name, client, server)
        words = match[4].split()
        while words:
            word = words.pop(0)
            if word == "midstream":
                connection.midstream = True
            elif word == "refused":
                connection.refused = True
            elif word == "isn" and words and re.fullmatch(r"\d+/\d+", words[0]):
                client_isn, server_isn = words.pop(0).split("/")
                connection.isn = int(client_isn), int(server_isn)
            elif word == "websocket" and words:
                connection.subprotocol, _, chosen = words.pop(0).partition("/")
                connection.chosen = chosen or connection.subprotocol
            else:
                raise ValueError(f"unknown connection option '{word}'")
        for other in self.connections.values():
            if (other.client, other.server) == (client, server):
                raise ValueError(f"the same addresses and ports as connection {other.name}")
        self.connections[name] = connection
        if connection.refused:
            self.labels |= {f"{name}.syn": line, f"{name}.rst": line}
        elif not connection.midstream:
            self.labels |= {f"{name}.{each}": line for each in ("syn", "synack", "ack")}
            if connection.subprotocol is not None:
                self.labels |= {f"{name}.upgrade": line, f"{name}.upgraded": line}
        self.case.steps.append(Open(line, connection))

    def _send(self, line: int, match: re.Match[str]) -> None:
        if match["name"] not in self.connections:
            raise ValueError(f"no connection is called {match['name']}")
        connection = self.connections[match["name"]]
        send = Send(line, match["label"], connection, match["way"] == ">")
        rest = match["rest"].strip()
        while option := _OPTION.match(rest):
            _add_option(send.options, option[1])
            rest = rest[option.end():].strip()
        if rest in FLAG_WORDS:
            send.flag = rest
        else:
            send.joined = rest.endswith("+")
            send.data = parse_bytes(rest.removesuffix("+"))
            if not send.data:
                raise ValueError("no bytes to send")
        _check_options(send)
        before = self.case.steps[-1]
        if isinstance(before, Send) and before.joined:
            if before.connection is not connection or before.from_client != send.from_client or send.flag:
                raise ValueError(f"line {before.line} ends with '+': this line must send bytes the same way")
        self._label(line, send.label)
        for piece in range(1, len(send.options.get("split", [])) + 2 if "split" in send.options else 1):
            self._label(line, f"{send.label}.{piece}" if send.label else None)
        self.case.steps.append(send)

    def _label(self, line: int, label: str | None) -> None:
        if label is None:
            return
        if label in self.labels:
            raise ValueError(f"the label @{label} stands in line {self.labels[label]} already")
        self.labels[label] = line

    def _assertion(self, line: int, text: str) -> None:
        match = _ASSERTION.fullmatch(text)
        if match is None:
            raise ValueError("expected: info|field|finding @LABEL ...")
        label, rest = match["label"], (match["rest"] or "").strip()
        if match["kind"] == "info":
            exact = rest.startswith("=")
            self.case.assertions.append(InfoAssertion(line, label, _value(rest[1:] if exact else rest), exact))
            return
        words = rest.split(None, 1)
        if len(words) != 2 or not re.fullmatch(r"[\w.-]+", words[0]):
            raise ValueError("expected: field @LABEL NAME = VALUE [| VALUE], field @LABEL NAME absent, "
                             "or finding @LABEL NAME SEVERITY [~ TEXT]")
        if match["kind"] == "field":
            if words[1] not in ("absent", "present") and words[1][0] != "=":
                raise ValueError("expected '= VALUE', 'absent' or 'present' after the field's name")
            values = {"absent": [], "present": None}[words[1]] if words[1][0] != "=" else _values(words[1][1:])
            self.case.assertions.append(FieldAssertion(line, label, words[0], values))
            return
        severity, tilde, contained = words[1].partition("~")
        if severity.strip() not in SEVERITIES:
            raise ValueError(f"severity is one of {', '.join(SEVERITIES)}, not '{severity.strip()}'")
        self.case.assertions.append(
            FindingAssertion(line, label, words[0], severity.strip(), _value(contained) if tilde else None))


def _duration(text: str) -> int:
    """Microseconds of a text such as 90s, 1.5s, 250ms, 10us, 2m, 1h."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", text)
    if match is None:
        raise ValueError("expected a time such as 250ms, 1.5s or 2m")
    return round(float(match[1]) * _UNITS[match[2]])


def _endpoint(text: str, default_port: int | None) -> tuple[str, int]:
    """(address, port) of 10.0.0.1:1883 or [fd00::1]:1883."""
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]+))(?::(\d+))?", text)
    if match is None:
        raise ValueError(f"not an address and port: {text} (IPv6 stands in brackets)")
    address = str(ipaddress.ip_address(match[1] or match[2]))
    if match[3] is None and default_port is None:
        raise ValueError(f"no port in {text}")
    port = int(match[3]) if match[3] is not None else default_port
    assert port is not None
    if not 0 < port < 65536:
        raise ValueError(f"no such port: {port}")
    return address, port


def _add_option(options: dict[str, list[int]], text: str) -> None:
    """Adds `[name 1,2]`, given without its brackets."""
    words = text.replace(",", " ").split()
    if not words or words[0] not in SEND_OPTIONS:
        raise ValueError(f"unknown option [{text}]; known: {', '.join(SEND_OPTIONS)}")
    fewest, most = SEND_OPTIONS[words[0]]
    if words[0] in options:
        raise ValueError(f"[{words[0]}] stands twice")
    if len(words) - 1 < fewest or (most is not None and len(words) - 1 > most):
        raise ValueError(f"wrong number of arguments: [{text}]")
    if not all(re.fullmatch(r"[+-]?\d+", word) for word in words[1:]):
        raise ValueError(f"arguments must be numbers: [{text}]")
    options[words[0]] = [int(word) for word in words[1:]]


def _check_options(send: Send) -> None:
    """ValueError where the options of a line contradict each other or its bytes."""
    options = send.options
    if send.flag and options.keys() - {"lost", "late", "crossed"}:
        raise ValueError(f"{send.flag} takes no option but [lost], [late] and [crossed]")
    if {"split", "mss"} & options.keys() and len({"split", "mss", "lost", "late", "snap", "seq"} & options.keys()) > 1:
        raise ValueError("[split] and [mss] do not go with each other nor with [lost], [late], [snap], [seq]: "
                         "write the pieces as lines of their own")
    if {"text", "raw", "messages", "fragments"} & options.keys() and send.connection.subprotocol is None:
        raise ValueError("a WebSocket option on a connection that has no 'websocket'")
    if len({"raw", "messages", "fragments"} & options.keys()) > 1:
        raise ValueError("only one of [raw], [messages], [fragments]")
    for name in ("split", "messages", "fragments"):
        offsets = options.get(name, [])
        if offsets != sorted(set(offsets)) or any(each < 1 for each in offsets):
            raise ValueError(f"offsets of [{name}] must rise, from 1")
    for name in ("messages", "fragments"):
        if any(each >= len(send.data) for each in options.get(name, [])):
            raise ValueError(f"an offset of [{name}] is past the line's {len(send.data)} bytes")
    if any(each < 1 for each in options.get("mss", []) + options.get("late", [])):
        raise ValueError("the number of [mss] and [late] is at least 1")
    if send.joined and {"split", "mss", "lost", "late", "snap", "seq", "fin"} & options.keys():
        raise ValueError("options of the segment belong to its last line, the one without '+'")


def _value(text: str) -> str:
    """One value of an assertion: the text as it stands, or the content of its quotes."""
    text = text.strip()
    if not text:
        raise ValueError("an empty value is written \"\"")
    if text[0] == '"':
        if not re.fullmatch(r'"(?:\\.|[^"\\])*"', text):
            raise ValueError("text after the closing quote, or no closing quote")
        return unquote(text).decode("utf-8", "replace")
    return text


def _values(text: str) -> list[str]:
    """The values of a field assertion, separated by '|' outside quotes."""
    out: list[str] = []
    at = 0
    while True:
        match = _VALUE.match(text, at)
        if match is None:
            raise ValueError("values are separated by '|'; quote a value that contains one")
        out.append(_value(match[1]))
        at = match.end()
        if not match[2]:
            return out


def read_case(path: Path | str) -> Case:
    """Reads a case file; raises CaseError with file and line if it breaks the format."""
    path = Path(path)
    return parse_case(path.read_text(encoding="utf-8"), path)


def parse_case(text: str, path: Path | str = "case") -> Case:
    """The same for text at hand; `path` stands in the messages."""
    path = Path(path)
    return _Reader(path).read(_statements(path, text))
