# make.py: the sub-command report.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Exit status 0: made; the others are those of lint."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..capture import Bounds, CannotJudge, Capture, Object, Settings, WrongUsage, read
from ..explain import Catalogue
from .data import CONNECTIONS_MOST, EVENTS_MOST, make_data
from .details import Wanted, choose, delivered, messages_of
from .exits import csv_lines, json_lines, mermaid_lines
from .gather import Gatherer
from .page import make_page
from .redact import Redactor

FORMATS = ("html", "csv", "jsonl", "mermaid")
DIAGRAM_MOST = 40
"""Messages in a sequence diagram."""
STATISTIC = "mqttscope,json,messages,packets"


def _span(text: str) -> tuple[float, float]:
    """The argument of --between."""
    first, comma, last = text.partition(",")
    try:
        span = (float(first), float(last))
    except ValueError:
        span = (1.0, 0.0)
    if not comma or not span[0] <= span[1]:
        raise argparse.ArgumentTypeError(f"{text}: two times in seconds since the first frame are wanted, as 1.5,20")
    return span


def add_report(commands: Any) -> None:
    """The command line of it."""
    report = commands.add_parser(
        "report", help="make a page to look at",
        description="Makes one file of HTML that shows a capture: verdict, clients, flows, times, findings. It opens in any browser, without network and "
                    "without this plugin. Passwords and Authentication Data are never in it.",
        epilog="exit status: 0 made; 2 the capture cannot be read or has no MQTT; 3 wrong usage", formatter_class=argparse.RawDescriptionHelpFormatter)
    report.add_argument("capture", metavar="CAPTURE", help="a capture file; - reads standard input")
    report.add_argument("-o", "--output", metavar="FILE", help="where it goes, instead of standard output")
    report.add_argument("--open", action="store_true", help="open the page in the browser; without -o it is put in a private folder for temporary files")
    report.add_argument("--format", choices=FORMATS, default="html",
                        help="html (without --format); csv or jsonl: a row for each delivery of a message, with publisher, subscriber and times; "
                             "mermaid: a sequence diagram as text")
    report.add_argument("--redact", action="store_true",
                        help="replace names, topics, payloads, addresses and all other text of the wire by pseudonyms of this run")
    report.add_argument("--client", metavar="NAME", help="messages in detail: those that this client sent or got; a glob")
    report.add_argument("--topic", metavar="FILTER", help="messages in detail: those whose topic this Topic Filter matches")
    report.add_argument("--between", metavar="FROM,TO", type=_span, help="messages in detail: those between two times, in seconds since the first frame")
    report.add_argument("--message", action="append", default=[], type=int, metavar="NUMBER",
                        help="messages in detail: this one, as mqttscope.message has it; may be repeated")
    report.add_argument("--mqtt-version", choices=["3.1", "3.1.1", "5.0", "5"], help="of connections that do not tell theirs")
    report.add_argument("--keylog", metavar="FILE", help="the keys of TLS sessions, as SSLKEYLOGFILE has them")
    report.add_argument("-d", action="append", default=[], dest="decode_as", metavar="RULE", help="as tshark -d: tcp.port==1884,mqtt")
    report.add_argument("--preference", action="append", default=[], dest="preferences", metavar="PREFERENCE", help="as tshark -o")
    report.add_argument("--closed-world", nargs="?", const="", metavar="SECONDS",
                        help="all of the broker's traffic is in the capture: what is not delivered within so many seconds is a finding")
    report.add_argument("--profile", metavar="NAME", help="use this profile of your Wireshark's")


def _hash_of(path: str) -> tuple[str, int]:
    """SHA-256 of a file, and its size."""
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def _made_from(options: argparse.Namespace, settings: Settings) -> Object:
    """How the page was made."""
    made: Object = {"file": os.path.basename(options.capture), "redacted": options.redact, "preferences": settings.preferences,
                    "decode_as": settings.decode_as, "profile": settings.profile or "", "chosen_client": options.client or "",
                    "chosen_topic": options.topic or "", "chosen_between": list(options.between or []), "chosen_messages": options.message}
    if options.capture != "-":
        made["sha256"], made["size"] = _hash_of(options.capture)
    return made


def _write(parts: Iterable[str], path: str | None) -> None:
    """Writes the file. One that was there is replaced only when all of the new one is written."""
    if path is None:
        for part in parts:
            sys.stdout.buffer.write(part.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
        return
    unfinished = f"{path}.part"
    try:
        with open(unfinished, "wb") as file:
            for part in parts:
                file.write(part.encode("utf-8", "backslashreplace"))
        os.replace(unfinished, path)
    except OSError as fault:
        Path(unfinished).unlink(missing_ok=True)
        raise WrongUsage(f"{path}: {fault.strerror}") from fault


def _parts(options: argparse.Namespace, capture: Capture, catalogue: Catalogue, gatherer: Gatherer, made: Object) -> Iterator[str]:
    """What is written."""
    wanted = Wanted(options.client, options.topic, options.between, options.message)
    redact = Redactor().redacted if options.redact else lambda value: value
    if options.format in ("csv", "jsonl"):
        rows: Iterator[Object] = (redact(each) for each in delivered(gatherer, wanted))
        yield from (csv_lines if options.format == "csv" else json_lines)(rows)
        return
    with_findings = {(each["frame"], each["pdu"]) for each in capture.findings}
    # Where packets may not have been captured, or not read, a message that was not seen is no message that was not delivered.
    missing = {} if capture.summary["frames_truncated"] else gatherer.missing(capture.incomplete)
    numbers, total = choose(gatherer, wanted, with_findings, missing)
    if options.format == "mermaid":
        messages = messages_of(gatherer, sorted(numbers)[:DIAGRAM_MOST], missing)
        for message in messages:
            message.publication = redact(message.publication)
            message.deliveries = redact(message.deliveries)
            message.acknowledgements = redact(message.acknowledgements)
        yield from mermaid_lines(messages, max(0, total - len(messages)))
        return
    yield make_page(make_data(capture, catalogue, gatherer, messages_of(gatherer, numbers, missing), made, redact) | {"messages_total": total})


def _check_usage(options: argparse.Namespace) -> None:
    """Complains of options that do not go together."""
    if options.open and options.format != "html":
        raise WrongUsage("--open opens pages only: leave out --format")
    if options.open and os.geteuid() == 0:
        raise WrongUsage("--open starts no browser as root: make the page with -o FILE, and open it as another user")


def _page_path(options: argparse.Namespace) -> str | None:
    """Where the page goes; None for standard output."""
    if options.output is not None or not options.open:
        path: str | None = options.output
        return path
    # Stays, since nobody knows when the browser has read it; the folder is the user's alone.
    return os.path.join(tempfile.mkdtemp(prefix="mqttscope-page-"), "report.html")


def _open(path: str) -> None:
    """Opens the page in the browser that the system or BROWSER names, which outlives this process and is not to write where we do."""
    done = subprocess.run([sys.executable, "-I", "-c", "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))",
                           Path(path).absolute().as_uri()],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise CannotJudge(f"no browser could be started; the page is {path}")


def report(options: argparse.Namespace, settings: Settings, catalogue: Catalogue) -> int:
    """The exit status."""
    _check_usage(options)
    settings.statistic = STATISTIC
    with tempfile.TemporaryFile("w+b", prefix="mqttscope-") as file:
        gatherer = Gatherer(file)
        capture = read(options.capture, settings, further=gatherer.take, bounds=Bounds(CONNECTIONS_MOST, EVENTS_MOST))
        if capture.trouble:
            raise CannotJudge(f"{options.capture}: {capture.trouble}")
        path = _page_path(options)
        _write(_parts(options, capture, catalogue, gatherer, _made_from(options, settings)), path)
    if options.open and path is not None:
        _open(path)
    return 0
