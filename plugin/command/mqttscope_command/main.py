# main.py: the command line, and the exit status.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Exit status 3 is wrong usage; the others are in judge.py."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import live
from .baseline import apply, read_baseline, updated, write_baseline
from .capture import CannotJudge, Capture, Settings, WrongUsage, read, read_ring
from .doctor import doctor
from .explain import Catalogue, explain, list_all
from .judge import FINDINGS, UNJUDGED, USAGE, Policy, Verdict, judge
from .junit import write_junit
from .listings import write_github, write_gitlab, write_markdown
from .page.make import add_report, report
from .report import complaints_of, plain, result_of, write_json, write_text
from .sarif import write_sarif

FORMATS: dict[str, Callable[[list[Verdict], int, dict[str, Any], Catalogue, bool], str]] = {
    "text": write_text, "json": write_json, "junit": write_junit, "sarif": write_sarif, "gitlab": write_gitlab,
    "github": write_github, "markdown": write_markdown}
OF_CONNECTIONS = ("json", "junit")
"""Those of them that say something of each connection."""
VERSIONS = {"3.1": "3", "3.1.1": "4", "5.0": "5", "5": "5"}
STATUSES = """exit status:
  0  clean
  1  findings at or above the level of --fail-on, more than the baseline knows, or a stale baseline
  2  cannot judge: the file cannot be read, has no MQTT or is empty, the plugin is not loaded,
     the verdict is partial and --require-complete was given, a statement of --require was not exercised
  3  wrong usage
Of several captures the highest counts. Around a COMMAND its own failure is passed on instead; the last
line on standard error says whose the status is. A signal that ends it ends mqttscope the same way."""

DOCTOR_STATUSES = """exit status:
  0  all is well
  1  something is to be mended, and lint works
  2  no tshark loads the plugin"""


class Parser(argparse.ArgumentParser):
    """One that ends with the status of wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {plain(message)}", file=sys.stderr)
        sys.exit(USAGE)


class AddFormat(argparse.Action):
    """--format begins another report, and --output says where the last one goes."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        reports: list[list[str | None]] = [*namespace.reports]
        namespace.reports = reports
        if self.dest == "format":
            reports.append([values, None])
        elif reports and reports[-1][1] is None:
            reports[-1] = [reports[-1][0], values]
        elif not reports:
            reports.append(["text", values])
        else:
            parser.error("--output needs a --format of its own")


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text}")
    return int(text)


def _add_lint(commands: Any) -> None:
    lint = commands.add_parser(
        "lint", help="judge captures", description="Reports which rules of MQTT are broken in captures, and exits with a status that scripts can use.",
        epilog=STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter)
    lint.add_argument("captures", nargs="*", metavar="CAPTURE", help="a capture file; - reads standard input")
    lint.set_defaults(reports=[])
    lint.add_argument("--format", action=AddFormat, choices=list(FORMATS),
                      help="text (without --format), or what CI systems read; may be repeated")
    lint.add_argument("--output", action=AddFormat, metavar="FILE", help="where the --format before it goes, instead of standard output")
    lint.add_argument("--fail-on", choices=["error", "warning", "note", "never"], default="warning", help="the least severity that fails (default: warning)")
    lint.add_argument("--fail-on-event", action="append", default=[], metavar="NAME", help="an event that fails; may be repeated")
    lint.add_argument("--fail-on-practice", action="store_true", help="hints named practice_... fail as well")
    lint.add_argument("--rule", action="append", default=[], metavar="ID", help="judge this rule or statement only; a glob; may be repeated")
    lint.add_argument("--skip", action="append", default=[], metavar="ID", help="leave this rule or statement out; a glob; may be repeated")
    lint.add_argument("--client", metavar="NAME", help="judge the traffic of this client only; a glob")
    lint.add_argument("--side", choices=["client", "broker"], help="judge what is the fault of this side only")
    lint.add_argument("--mqtt-version", choices=list(VERSIONS), help="the version of connections whose CONNECT was not captured")
    lint.add_argument("--keylog", metavar="FILE", help="the keys of TLS sessions, as SSLKEYLOGFILE has them")
    lint.add_argument("-d", action="append", default=[], dest="decode_as", metavar="RULE", help="as tshark -d: tcp.port==1884,mqtt")
    lint.add_argument("-o", action="append", default=[], dest="preferences", metavar="PREFERENCE", help="as tshark -o; is recorded in the output")
    lint.add_argument("--profile", metavar="NAME", help="use this profile of your Wireshark's; is recorded in the output")
    lint.add_argument("--closed-world", nargs="?", const="", metavar="SECONDS",
                      help="all of the broker's traffic is in the capture: what is not delivered within so many seconds is a finding")
    lint.add_argument("--require-complete", action="store_true", help="fail where gaps, missing CONNECTs or undecrypted streams make the verdict partial")
    lint.add_argument("--require", action="append", default=[], metavar="STATEMENT", help="fail where this statement was not exercised; may be repeated")
    lint.add_argument("--baseline", metavar="FILE", help="findings that are known; more than those fail, and an entry that nothing fits")
    lint.add_argument("--update-baseline", action="store_true", help="write what fails now to the FILE of --baseline")
    lint.add_argument("--ring", action="store_true", help="the captures are files of one capture: read them in the order of time")
    around = lint.add_argument_group("instead of captures", "-i INTERFACE [-- COMMAND...] captures what COMMAND sends and receives, and judges that")
    around.add_argument("-i", dest="interface", metavar="INTERFACE", help="capture here, lo for what stays on this machine")
    around.add_argument("--port", action="append", type=_port, default=[], metavar="N", help="capture this port only; may be repeated (default: 1883 and 8883)")
    around.add_argument("--for", dest="time", metavar="TIME", help="such as 30s: how long to capture without a COMMAND; one that runs longer is ended")
    around.add_argument("--keep", metavar="FILE", help="keep the capture")


def parser() -> argparse.ArgumentParser:
    """The command line. The man page is made from its help."""
    made = Parser(prog="mqttscope", description="Judges captures of MQTT by the rules of the specifications, with tshark and its plugin mqttscope.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    _add_lint(commands)
    add_report(commands)
    explaining = commands.add_parser("explain", help="explain rules and statements", description="Says what a rule or a statement of the specifications is about; needs no capture.")
    explaining.add_argument("names", nargs="*", metavar="RULE|STATEMENT", help="such as publish_qos_3 or MQTT-3.3.1-4")
    explaining.add_argument("--list", action="store_true", help="list all rules")
    commands.add_parser(
        "doctor", help="look at the installation", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=DOCTOR_STATUSES,
        description="Says which tshark and Wireshark there are, whether they load the plugin and leave MQTT to it, whether live capture is\n"
                    "allowed, and what to do where something is not as it should be.")
    return made


def _settings(options: argparse.Namespace) -> Settings:
    """What tshark is told."""
    settings = Settings(list(options.preferences), list(options.decode_as), options.profile)
    for each in settings.preferences:
        if not re.match(r"[\w.]+:", each):
            raise WrongUsage(f"-o takes NAME:VALUE, not {each}")
    if options.keylog is not None:
        path = os.path.abspath(options.keylog)
        if not os.access(path, os.R_OK) or not os.path.isfile(path):
            raise WrongUsage(f"the file of --keylog cannot be read: {options.keylog}")
        settings.preferences.append(f"tls.keylog_file:{path}")
    if options.mqtt_version is not None:
        settings.preferences.append(f"mqttscope.default_version:{VERSIONS[options.mqtt_version]}")
    if options.closed_world is not None:
        settings.preferences.append("mqttscope.closed_world:TRUE")
        if options.closed_world:
            settings.preferences.append(f"mqttscope.delivery_deadline:{options.closed_world}")
    return settings


def _drop_output() -> None:
    """Lets nothing that is still to be written fail again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _emit(text: str, path: str | None) -> None:
    """Writes a report."""
    data = text.encode("utf-8", "backslashreplace")
    if path is None:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as fault:
            _drop_output()
            raise CannotJudge(f"standard output: {fault.strerror}") from fault
    else:
        try:
            Path(path).write_bytes(data)
        except OSError as fault:
            raise WrongUsage(f"{path}: {fault.strerror}") from fault


def _check_usage(options: argparse.Namespace, catalogue: Catalogue) -> None:
    """Complains of options that do not go together."""
    if sum(path is None for _, path in options.reports) > 1:
        raise WrongUsage("only one --format can go to standard output: give the others an --output")
    known = catalogue.ids()
    for each in options.require:
        if known and each not in known:
            raise WrongUsage(f"--require: there is no statement {each}")
    if options.captures.count("-") > 1 or (options.ring and "-" in options.captures):
        raise WrongUsage("standard input can be read once, and not with --ring")
    if options.update_baseline and options.baseline is None:
        raise WrongUsage("--update-baseline needs --baseline FILE")
    if options.interface is None:
        if not options.captures:
            raise WrongUsage("lint needs a CAPTURE, or -i INTERFACE -- COMMAND")
        if options.port or options.time or options.keep:
            raise WrongUsage("--port, --for and --keep go with -i INTERFACE")
    elif options.captures:
        raise WrongUsage("-i takes no CAPTURE; a COMMAND comes after --")
    elif not options.command_line and options.time is None:
        raise WrongUsage("-i needs -- COMMAND, or --for TIME")


def _read_live(options: argparse.Namespace, settings: Settings) -> tuple[Capture, int]:
    """What was captured, and the status of the command: 0 where there was none."""
    time_s = live.seconds(options.time) if options.time is not None else None
    with live.private_folder() as folder:
        recording = live.record(options.interface, options.port or live.PORTS, options.command_line, time_s, folder)
        if options.keep is not None:
            live.keep(recording.path, options.keep)
        settings.keylog = recording.keylog if os.path.getsize(recording.keylog) else None
        capture = read(f"live on {options.interface}", settings, path=recording.path)
    capture.doubts = recording.doubts
    return capture, recording.status or 0


def _apply_baseline(options: argparse.Namespace, verdicts: list[Verdict]) -> dict[str, Any] | None:
    """What a baseline changes, for the output; None where there is none."""
    if options.baseline is None:
        return None
    if options.update_baseline:
        if any(each.status == UNJUDGED for each in verdicts):
            raise CannotJudge("the baseline is not updated, since there is no verdict: "
                              + "; ".join(each.capture.trouble or "; ".join([*each.partial, *each.missing]) for each in verdicts if each.status == UNJUDGED))
        before = read_baseline(options.baseline) if os.path.exists(options.baseline) else []
        write_baseline(options.baseline, updated(before, verdicts))
    return {"file": options.baseline, "complaints": apply(read_baseline(options.baseline), verdicts)}


def _lint(options: argparse.Namespace, catalogue: Catalogue) -> int:
    """The exit status."""
    _check_usage(options, catalogue)
    if options.baseline is not None and not options.update_baseline:
        read_baseline(options.baseline)  # complains before anything is begun
    settings = _settings(options)
    if options.client is None and not any(name in OF_CONNECTIONS for name, _ in options.reports):
        settings.statistic = "mqttscope,json,verdict"
    policy = Policy(options.fail_on, options.fail_on_event, options.fail_on_practice, options.rule, options.skip, options.client,
                    options.side, options.require_complete, options.require)
    command_status = 0
    if options.interface is not None:
        capture, command_status = _read_live(options, settings)
        captures = [capture]
    elif options.ring and len(options.captures) > 1:
        captures = [read_ring(options.captures, settings)]
    else:
        captures = [read(each, settings) for each in options.captures]
    verdicts = [judge(each, policy) for each in captures]
    recorded = {"profile": settings.profile, "preferences": settings.preferences, "decode_as": settings.decode_as, "fail_on": policy.fail_on,
                "rules": policy.rules, "skipped": policy.skipped, "client": policy.client, "side": policy.side,
                "require_complete": policy.require_complete, "required": policy.required, "ring": options.ring,
                "baseline": _apply_baseline(options, verdicts)}
    status = max(each.status for each in verdicts)
    if complaints_of(recorded):
        status = max(status, FINDINGS)
    if options.interface is not None and options.command_line:
        recorded["exit_status_of"] = "command" if command_status else "verdict"
        status = command_status or status
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for name, path in options.reports or [["text", None]]:
        _emit(FORMATS[name](verdicts, status, recorded, catalogue, is_coloured and path is None), path)
    if options.interface is not None:
        print(result_of(verdicts, status, recorded), file=sys.stderr)
    return status


def _explain(options: argparse.Namespace, catalogue: Catalogue) -> int:
    if not catalogue.rules:
        raise CannotJudge("rules.json is missing; it is made by the build and installed with the command")
    if options.list:
        _emit(list_all(catalogue), None)
        return 0
    if not options.names:
        raise WrongUsage("explain needs a rule or a statement, or --list")
    text, unknown = explain(catalogue, options.names)
    _emit(text, None)
    if unknown:
        raise WrongUsage(f"neither a rule nor a statement: {', '.join(unknown)}")
    return 0


def _told_apart(arguments: Sequence[str]) -> list[str]:
    """--closed-world takes what follows it for its SECONDS only where that is a number."""
    apart = list(arguments)
    for at, each in enumerate(apart):
        if each == "--closed-world" and not (at + 1 < len(apart) and apart[at + 1].isdecimal()):
            apart[at] = "--closed-world="
    return apart


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; with -i, what comes after -- is the command."""
    given, command_line = list(arguments), []
    if given[:1] == ["lint"] and "--" in given and any(re.match("-i", each) for each in given[:given.index("--")]):
        at = given.index("--")
        given, command_line = given[:at], given[at + 1:]
    options = parser().parse_args(_told_apart(given))
    options.command_line = command_line
    return options


def _end_by(number: int) -> NoReturn:
    """Ends as the signal would have ended it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)


def _doctor(catalogue: Catalogue) -> int:
    if not catalogue.version:
        raise CannotJudge("rules.json is missing; it is made by the build and installed with the command")
    text, status = doctor(catalogue.version)
    _emit(text, None)
    return status


def main(arguments: Sequence[str], folder: Path) -> int:
    """The exit status; `folder` is where rules.json is."""
    options = _parse(arguments)
    catalogue = Catalogue(folder)
    try:
        with live.interruptible():
            if options.command == "report":
                return report(options, _settings(options), catalogue)
            if options.command == "doctor":
                return _doctor(catalogue)
            return _lint(options, catalogue) if options.command == "lint" else _explain(options, catalogue)
    except live.Interrupted as interruption:
        _end_by(interruption.number)
    except CannotJudge as reason:
        print(f"mqttscope: {reason}", file=sys.stderr)
        return UNJUDGED
    except WrongUsage as reason:
        print(f"mqttscope: {plain(str(reason))}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        _drop_output()
        return UNJUDGED
