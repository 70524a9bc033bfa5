# test_command.py: the command mqttscope: verdicts and exit statuses, its formats, and that nothing of a capture is more than data.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command as it is installed, in a folder of this test: bin/mqttscope and share/mqttscope. Each format is read back by a parser of
somebody else's."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent), str(ROOT / "plugin" / "command")]

import harness  # noqa: E402
from casefile import parse_case  # noqa: E402
from casewire import build  # noqa: E402
from crafted import V5  # noqa: E402
from documents import block, markers  # noqa: E402
from mqttscope_command import junit  # noqa: E402
from mqttscope_command.capture import Capture  # noqa: E402
from mqttscope_command.explain import Catalogue  # noqa: E402
from mqttscope_command.judge import Verdict  # noqa: E402
from environment import Settings, identity, private_folder, readable, variables  # noqa: E402

COMMAND = ROOT / "plugin" / "command"
CAPTURES = ROOT / "test-captures"
BROKEN = CAPTURES / "cases" / "qos-3.pcap"
CLEAN = CAPTURES / "real" / "readme-pair-v5.pcap"
NOTES = CAPTURES / "real" / "mosquitto-v5.pcap"
FOREIGN = CAPTURES / "other-protocols" / "http.pcap"
ENCRYPTED = CAPTURES / "other-protocols" / "tls-http-8883.pcapng"
MIDSTREAM = CAPTURES / "real" / "mosquitto-midstream.pcap"
HOSTILE = Path(__file__).resolve().parent / "json-hostile.case"
MIDDLE = "title: middle\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883 midstream\nc1 > c0 {}\nc1 < d0 {}\n"
SECRETS = ("pa55word-never", "s3cret-one", "s3cret-two")
CLEAN_STATUS, FINDINGS, UNJUDGED, USAGE = range(4)


@functools.cache
def installed() -> Path:
    """The folder that the command is installed in."""
    folder = private_folder() / "installed"
    share = folder / "share" / "mqttscope"
    shutil.copytree(COMMAND / "mqttscope_command", share / "mqttscope_command")
    (folder / "bin").mkdir()
    shutil.copy(COMMAND / "mqttscope", folder / "bin")
    made = Path(os.environ.get("MQTTSCOPE_PLUGIN_DIR", "/nonexistent"), "rules.json")
    if made.is_file():
        shutil.copy(made, share)
    else:
        (share / "rules.json").write_bytes(make_data(folder))
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return folder


def make_data(folder: Path) -> bytes:
    """What the build makes, where there was none."""
    sources = re.findall(r"'\.\./(\S+\.c)'", (COMMAND / "meson.build").read_text(encoding="utf-8"))
    program = folder / "list-rules"
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-o", str(program), *sources,
                    *(str(path.relative_to(ROOT / "plugin")) for path in (ROOT / "plugin" / "wire").glob("*.c"))],
                   cwd=ROOT / "plugin", check=True)
    return subprocess.run([sys.executable, str(COMMAND / "make-data.py"), str(program), str(ROOT / "plugin" / "doc" / "spec" / "normative-statements.tsv"),
                           str(ROOT / "plugin" / "check" / "unjudged"), "1"], check=True, capture_output=True).stdout


def command(*arguments: str, stdin: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of the command."""
    harness.require_plugin()
    with open(stdin or os.devnull, "rb") as source:
        return subprocess.run(["/usr/bin/python3", str(installed() / "bin" / "mqttscope"), *arguments], stdin=source, capture_output=True,
                              text=True, encoding="utf-8", timeout=60, env=variables(Settings(), False) | environment, cwd=private_folder(), check=False,
                              **identity())


def lint(capture: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of lint on a capture."""
    return command("lint", *arguments, str(readable(capture)), **environment)


class CommandTest(unittest.TestCase):
    maxDiff = None

    def assert_status(self, done: subprocess.CompletedProcess[str], status: int, words: str = "") -> None:
        """The exit status, and what is said, in output or complaints."""
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, said[-2000:])
        if words:
            self.assertRegex(said, words)
        self.assertNotIn("Traceback", said)

    def file(self, name: str, data: bytes) -> Path:
        """A file that the command may read."""
        folder = tempfile.mkdtemp(dir=private_folder())
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o777)
        path = Path(folder, name)
        path.write_bytes(data)
        path.chmod(0o666)
        return path


class Statuses(CommandTest):
    def test_closed_world(self) -> None:
        """What is not delivered fails where the broker withholds nothing, and within the seconds that are given."""
        due = CAPTURES / "cases" / "rules" / "deliveries-due-broken.pcap"
        self.assert_status(lint(due), CLEAN_STATUS)
        self.assert_status(lint(due, "--closed-world"), FINDINGS, r"Message not delivered to a subscriber \[MQTT-4\.5\.0-1\]")
        done = lint(due, "--closed-world", "60")
        self.assert_status(done, FINDINGS, "QoS 2 message delivered twice")
        self.assertNotIn("Message not delivered", done.stdout)
        self.assert_status(lint(due, "--closed-world", "60", "--skip", "delivered_twice"), CLEAN_STATUS)

    def test_broken(self) -> None:
        self.assert_status(lint(BROKEN), FINDINGS, r"client client-1\n +error +QoS of PUBLISH is 3 \[MQTT-3\.3\.1-4\]\n +frame 6")

    def test_clean(self) -> None:
        self.assert_status(lint(CLEAN), CLEAN_STATUS, "mqttscope: clean")

    def test_level(self) -> None:
        """Notes fail where they are asked to; nothing does with never."""
        for level, status in (("warning", CLEAN_STATUS), ("note", FINDINGS)):
            self.assert_status(lint(NOTES, "--fail-on", level), status)
        self.assert_status(lint(BROKEN, "--fail-on", "never"), CLEAN_STATUS, "publish_qos_3")

    def test_empty(self) -> None:
        """Neither a capture without frames nor an empty file passes."""
        self.assert_status(lint(self.file("empty.pcap", BROKEN.read_bytes()[:24])), UNJUDGED, "no MQTT in it")
        self.assert_status(lint(self.file("nothing.pcap", b"")), UNJUDGED, "cannot be judged")

    def test_foreign(self) -> None:
        self.assert_status(lint(FOREIGN), UNJUDGED, "no MQTT in it")
        self.assert_status(lint(self.file("text.pcap", b"no capture\n")), UNJUDGED, "capture file")
        self.assert_status(command("lint", "/nonexistent/x.pcap"), UNJUDGED, "No such file")

    def test_cut(self) -> None:
        """A file cut in its last record is judged, and it is said; with --require-complete it is not enough."""
        cut = self.file("cut.pcap", BROKEN.read_bytes()[:-20])
        self.assert_status(lint(cut), FINDINGS, "the file ends within its last record")
        self.assert_status(lint(cut, "--require-complete"), UNJUDGED)

    def test_undecryptable(self) -> None:
        self.assert_status(lint(ENCRYPTED), UNJUDGED, "streams? of MQTT by port or ALPN could not be read")

    def test_partial(self) -> None:
        self.assert_status(lint(MIDSTREAM), CLEAN_STATUS, "partial: .*CONNECT was not captured")
        self.assert_status(lint(MIDSTREAM, "--require-complete"), UNJUDGED)
        self.assert_status(lint(CLEAN, "--require-complete"), CLEAN_STATUS)

    def test_refused_by_tcp(self) -> None:
        """Nothing is missing of a connection that failed before there was any MQTT."""
        text = V5 + "c1 > e0 00\nconnection c2: 10.0.0.2 -> 10.0.0.1:1883 refused\n"
        refused = self.file("refused.pcap", build(parse_case(text)).data)
        self.assert_status(lint(refused, "--require-complete"), CLEAN_STATUS)

    def test_full_output(self) -> None:
        """A report that cannot be written is no verdict."""
        with open("/dev/full", "wb") as full:
            done = subprocess.run(["/usr/bin/python3", str(installed() / "bin" / "mqttscope"), "lint", str(readable(CLEAN))], stdin=subprocess.DEVNULL,
                                  stdout=full, stderr=subprocess.PIPE, env=variables(Settings(), False), cwd=private_folder(), check=False,
                                  timeout=60, **identity())
        self.assertEqual((done.returncode, done.stderr.decode()), (UNJUDGED, "mqttscope: standard output: No space left on device\n"))

    def test_connect_left_out(self) -> None:
        """Nor of one whose Client sends no CONNECT: that is its fault."""
        text = V5 + "c1 > e0 00\nconnection c2: 10.0.0.3 -> 10.0.0.1:1883\nc2 > c0 00\n"
        begun = self.file("begun.pcap", build(parse_case(text)).data)
        self.assert_status(lint(begun, "--require-complete"), FINDINGS, "connect_not_first")
        self.assertNotIn("partial", lint(begun).stdout)

    def test_required(self) -> None:
        """A statement that was not exercised fails where it is required: a PINGREQ is no silence."""
        self.assert_status(lint(CLEAN, "--require", "MQTT-3.3.1-4"), CLEAN_STATUS)
        self.assert_status(lint(CLEAN, "--require", "MQTT-3.1.2-22"), UNJUDGED, "required and not exercised: MQTT-3.1.2-22")
        self.assert_status(lint(CLEAN, "--require", "MQTT-0.0-0"), USAGE, "no statement MQTT-0.0-0")

    def test_several(self) -> None:
        """Files are judged one by one, and the highest status counts."""
        self.assert_status(command("lint", str(readable(CLEAN)), str(readable(BROKEN))), FINDINGS)
        self.assert_status(command("lint", str(readable(CLEAN)), str(readable(FOREIGN)), str(readable(BROKEN))), UNJUDGED)

    def test_standard_input(self) -> None:
        self.assert_status(command("lint", "-", stdin=readable(BROKEN)), FINDINGS, "publish_qos_3")

    def test_ring(self) -> None:
        """The files of a ring are one capture, in whatever order they are given."""
        data = BROKEN.read_bytes()
        at, frames = 24, []
        while at < len(data):
            length = 16 + int.from_bytes(data[at + 8:at + 12], "little")
            frames.append(data[at:at + length])
            at += length
        parts = [self.file(f"{number}.pcap", data[:24] + b"".join(each)) for number, each in enumerate((frames[:5], frames[5:]))]
        self.assert_status(command("lint", "--ring", str(parts[1]), str(parts[0])), FINDINGS, "7 frames, 4 MQTT packets, 1 connection")

    def test_wrong_usage(self) -> None:
        for arguments in ([], ["nonsense"], ["lint"], ["lint", "--nonsense", "x"], ["lint", "--fail-on", "x", "y"], ["lint", "--output", "a", "--output", "b", "x"],
                          ["lint", "--format", "json", "--format", "sarif", str(BROKEN)], ["lint", "--keylog", "/nonexistent", str(BROKEN)],
                          ["lint", "-o", "nonsense", str(BROKEN)], ["lint", "-o", "mqttscope.nonsense:1", str(readable(BROKEN))],
                          ["lint", "-d", "nonsense", str(readable(BROKEN))], ["explain"], ["explain", "nonsense"]):
            with self.subTest(arguments=arguments):
                self.assert_status(command(*arguments), USAGE)

    def test_no_plugin(self) -> None:
        """Without the plugin it says so, and where it was looked for."""
        empty = tempfile.mkdtemp(dir=private_folder())
        self.assert_status(lint(BROKEN, WIRESHARK_PLUGIN_DIR=empty), UNJUDGED, "plugin mqttscope is not loaded by")
        self.assert_status(lint(BROKEN, MQTTSCOPE_TSHARK="/nonexistent/tshark"), UNJUDGED, "tshark is not installed")


class Documents(CommandTest):
    def test_screens(self) -> None:
        """The screens in the documents are what is printed."""
        self.assertTrue(markers("lint"))
        for name in markers("lint"):
            with self.subTest(name):
                capture = self.file(Path(name).name, (ROOT / name).read_bytes())
                self.assertEqual(lint(capture).stdout.replace(str(capture), capture.name), block(f"lint: {name}"))

    def test_man_page(self) -> None:
        """It is made, and has all options."""
        page = subprocess.run(["/usr/bin/python3", str(COMMAND / "make-man.py"), "1.0"], capture_output=True, text=True, check=True).stdout
        plain = page.replace("\\-", "-")
        for option in ("--fail-on", "--require-complete", "--ring", "--closed-world", "exit status", "RULE|STATEMENT"):
            self.assertIn(option, plain)

    def test_completion(self) -> None:
        """bash completes commands, options, their values and files."""
        made = subprocess.run(["/usr/bin/python3", str(COMMAND / "make-completion.py")], capture_output=True, text=True, check=True).stdout
        for words, expected in (("d", ["doctor"]), ("lint --fail-on", ["--fail-on", "--fail-on-event", "--fail-on-practice"]),
                                ("lint --format j", ["json", "junit"]), ("lint --fail-on ''", ["error", "warning", "note", "never"]),
                                ("lint --client ''", []), ("lint --keylog main.", ["main.py"]), ("lint sar", ["sarif.py"])):
            with self.subTest(words):
                script = made + f"""
                    COMP_WORDS=(mqttscope {words})
                    COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
                    _mqttscope mqttscope "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
                    printf '%s\\n' "${{COMPREPLY[@]}}" """
                done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd=COMMAND / "mqttscope_command")
                self.assertEqual((done.stdout.split(), done.stderr), (expected, ""))


class Choices(CommandTest):
    def test_selection(self) -> None:
        for arguments, status in ((["--rule", "publish_qos_3"], 1), (["--rule", "MQTT-3.3.1-4"], 1), (["--rule", "connect_*"], 0),
                                  (["--skip", "publish_qos_?"], 0), (["--skip", "MQTT-3.3.1-4"], 0), (["--side", "broker"], 0), (["--side", "client"], 1),
                                  (["--client", "client-1"], 1), (["--client", "client-*"], 1), (["--client", "client-2"], 2)):
            with self.subTest(arguments=arguments):
                self.assert_status(lint(BROKEN, *arguments), status)

    def test_own_configuration(self) -> None:
        """The user's preferences do not turn a verdict green; those that are given do, and are recorded."""
        home = tempfile.mkdtemp(dir=private_folder())
        for folder in (Path(home, ".config", "wireshark"), Path(home, "config")):
            folder.mkdir(parents=True)
            (folder / "preferences").write_text("mqttscope.check_rules: FALSE\n", encoding="utf-8")
        profile = Path(home, "config", "profiles", "quiet")
        profile.mkdir(parents=True)
        (profile / "preferences").write_text("mqttscope.check_rules: FALSE\n", encoding="utf-8")
        subprocess.run(["chmod", "-R", "a+rwX", home], check=True)
        environment = {"HOME": home, "XDG_CONFIG_HOME": str(Path(home, ".config")), "WIRESHARK_CONFIG_DIR": str(Path(home, "config"))}
        self.assert_status(lint(BROKEN, **environment), FINDINGS)
        self.assert_status(lint(BROKEN, "-o", "mqttscope.check_rules:FALSE"), CLEAN_STATUS, "with preferences: .*check_rules:FALSE")
        self.assert_status(lint(BROKEN, "--profile", "quiet", **environment), CLEAN_STATUS, "with profile: quiet")

    def test_version(self) -> None:
        ping = self.file("ping.pcap", build(parse_case(MIDDLE)).data)
        for arguments, version in (([], None), (["--mqtt-version", "3.1.1"], "3.1.1")):
            text = lint(ping, "--format", "json", *arguments).stdout
            self.assertEqual([each.get("version") for each in json.loads(text)["captures"][0]["connections"]], [version])

    def test_explain(self) -> None:
        done = command("explain", "publish_qos_3", "MQTT-3.3.1-4", "mqttscope.rule.connect_twice")
        self.assert_status(done, CLEAN_STATUS, "(?s)publish_qos_3: QoS of PUBLISH is 3.*To mend it: .*section 3.3.1.2.*connect_twice")
        self.assert_status(command("explain", "--list"), CLEAN_STATUS, "publish_qos_3 +error")


class Baselines(CommandTest):
    def baseline(self, *rows: dict[str, Any]) -> str:
        """A file with these entries."""
        return str(self.file("known.json", json.dumps({"mqttscope_baseline": 1, "known": rows}).encode()))

    def test_counts(self) -> None:
        """As many as are known are clean, more are not, and `any` is any number."""
        text = V5 + 'c1 > 36 { s"a/b" 0007 {} "hello" }\nc1 > 36 { s"a/b" 0008 {} "hello" }\n'
        capture = self.file("two.pcap", build(parse_case(text)).data)
        row = {"rule": "publish_qos_3", "side": "client", "client": "client-*"}
        for count, status, words in ((2, CLEAN_STATUS, "2 findings known"), ("any", CLEAN_STATUS, "2 findings known"),
                                     (1, FINDINGS, "allows 1 of publish_qos_3, client, client-\\*, and 2 were found")):
            with self.subTest(count=count):
                self.assert_status(lint(capture, "--skip", "connect_*", "--rule", "publish_qos_3", "--baseline", self.baseline(row | {"count": count})), status, words)

    def test_stale(self) -> None:
        """What fits nothing fails, in each format."""
        for row in ({"side": "broker"}, {"client": "client-2"}, {"rule": "publish_qos_?"}):
            stale = {"rule": "publish_qos_3", "side": "client", "client": "*", "count": 1} | row
            known = {"rule": "publish_qos_3", "side": "client", "client": "*", "count": 1}
            self.assert_status(lint(BROKEN, "--baseline", self.baseline(stale, known)), FINDINGS, "baseline is stale: nothing fits")
        for name in ("json", "junit", "sarif", "gitlab", "github", "markdown"):
            self.assert_status(lint(CLEAN, "--format", name, "--baseline", self.baseline(known)), FINDINGS, "baseline is stale")

    def test_update(self) -> None:
        """It is made, shrinks, and keeps what people wrote; without a verdict it stays as it is."""
        path = self.file("known.json", b"")
        path.unlink()
        path.parent.chmod(0o777)
        self.assert_status(lint(BROKEN, "--baseline", str(path)), USAGE, "No such file")
        self.assert_status(lint(BROKEN, "--baseline", str(path), "--update-baseline"), CLEAN_STATUS, "1 finding known")
        known = json.loads(path.read_text(encoding="utf-8"))["known"]
        self.assertEqual(known, [{"rule": "publish_qos_3", "side": "client", "client": "client-1", "count": 1}])
        self.assert_status(lint(FOREIGN, "--baseline", str(path), "--update-baseline"), UNJUDGED, "not updated")
        kept = known[0] | {"client": "client-*", "count": "any", "remark": "old"}
        stale = known[0] | {"rule": "connect_twice"}
        self.assert_status(lint(BROKEN, "--baseline", self.baseline(kept, stale), "--update-baseline"), CLEAN_STATUS)

    def test_wrong(self) -> None:
        """What is no baseline is wrong usage."""
        row = {"rule": "publish_qos_3", "side": "client", "client": "*", "count": 1}
        for wrong in (row | {"count": 0}, row | {"count": True}, row | {"side": "both"}, row | {"more": 1}, {"rule": "x"}, row | {"client": 7}):
            self.assert_status(lint(BROKEN, "--baseline", self.baseline(wrong)), USAGE)
        for data in (b"", b"[]", b'{"mqttscope_baseline": 2, "known": []}', b'{"mqttscope_baseline": 1}'):
            self.assert_status(lint(BROKEN, "--baseline", str(self.file("x", data))), USAGE)
        self.assert_status(lint(BROKEN, "--update-baseline"), USAGE, "needs --baseline")


class Formats(CommandTest):
    def hostile(self, *arguments: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        """The hostile capture through the command; and the file that was written."""
        capture = self.file("[a](b)\\'$(id).pcap", build(parse_case(HOSTILE.read_text(encoding="utf-8"))).data)
        output = capture.with_name("output")
        output.touch()
        output.chmod(0o666)
        return output, lint(capture, *arguments, "--output", str(output))

    def assert_secret(self, text: str) -> None:
        """No password is in a report, and no byte that a terminal obeys."""
        for secret in SECRETS:
            self.assertNotIn(secret, text)
            self.assertNotIn(secret.encode().hex(), text)
        self.assertNotRegex(text, r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ufffe\uffff]")
        for command in ("##", "::error::=", ":error::"):
            self.assertNotIn(command, text.replace("## Capture", ""))

    def test_text(self) -> None:
        output, done = self.hostile("--format", "text")
        self.assert_status(done, FINDINGS)
        text = output.read_text(encoding="utf-8")
        self.assert_secret(text)
        self.assertTrue(all(line.isprintable() for line in text.splitlines()))
        self.assertIn("Second CONNECT", text)

    def test_json(self) -> None:
        output, done = self.hostile("--format", "json", "--profile", "Default")
        self.assert_status(done, FINDINGS)
        text = output.read_text(encoding="utf-8")
        self.assert_secret(text)
        document: dict[str, Any] = json.loads(text)
        self.assertEqual(document["options"]["profile"], "Default")
        self.assertEqual(document["exit_status"], FINDINGS)
        self.assertGreaterEqual({each["rule"] for each in document["captures"][0]["findings"]}, {"connect_twice", "publish_qos_3"})

    def test_junit(self) -> None:
        output, done = self.hostile("--format", "junit")
        self.assert_status(done, FINDINGS)
        self.assert_secret(output.read_text(encoding="utf-8"))
        read = subprocess.run(["/usr/bin/python3", str(Path(__file__).with_name("read-junit.py")), str(output)], capture_output=True, text=True, check=False)
        if read.returncode == 77:
            self.skipTest("python3-junitparser is not installed")
        suites = json.loads(read.stdout)
        failed = {case["name"] for suite in suites for case in suite["cases"] if "Failure" in case["results"]}
        self.assertGreaterEqual(failed, {"MQTT-3.1.0-2", "MQTT-3.3.1-4"})
        for suite in suites:
            results = [result for case in suite["cases"] for result in case["results"]]
            self.assertEqual((suite["tests"], suite["failures"], suite["errors"], suite["skipped"]),
                             (len(suite["cases"]), results.count("Failure"), results.count("Error"), results.count("Skipped")))
        if shutil.which("xmllint") is None:
            self.skipTest("xmllint (libxml2-utils) is not installed")
        subprocess.run(["xmllint", "--noout", str(output)], check=True)

    def test_text_beside_others(self) -> None:
        """The verdict is the same whether a format asks for each connection or not."""
        for capture in (MIDSTREAM, NOTES, BROKEN):
            alone = lint(capture)
            beside = lint(capture, "--format", "text", "--format", "json", "--output", str(self.file("verdict.json", b"")))
            self.assertEqual((alone.stdout, alone.returncode), (beside.stdout, beside.returncode))

    def test_many_clients(self) -> None:
        """Of more clients than there are suites for, those with findings have one of their own, and no finding is lost. A name is a
        name, and no glob."""
        names = [f"quiet-{number}" for number in range(junit.CLIENTS_MOST)] + ["*"] + [f"loud-{number}" for number in range(3)]
        held = {"broken": [], "held": ["MQTT-3.1.0-1"], "partly judged": []}
        capture = Capture("many.pcap", connections=[{"client": name, "version": "3.1.1", "statements": held} for name in names],
                          statements=[{"version": "3.1.1", "id": each} for each in ("MQTT-3.1.0-1", "MQTT-3.1.0-2")])
        capture.connections[-4]["statements"] = held | {"held": []}
        findings = [{"type": "finding", "rule": "connect_twice", "ids": ["MQTT-3.1.0-2"], "version": "3.1.1", "severity": "error", "title": "Second CONNECT",
                     "frame": number, "client": f"loud-{number}", "side": "client"} for number in range(3)]
        for chosen, status in ((findings, FINDINGS), ([], CLEAN_STATUS)):
            verdict = Verdict(capture, chosen, chosen, [], [], {}, status)
            suites = ElementTree.fromstring(junit.write_junit([verdict], status, {}, Catalogue(Path("/nonexistent")), False))
            shown = [each.get("name") for each in suites]
            self.assertEqual(len(shown), junit.CLIENTS_MOST + 3)
            self.assertIn("many.pcap: 4 further clients", shown)
            self.assertEqual(sum(int(each.get("failures", "0")) for each in suites), len(chosen))
            for finding in chosen:
                self.assertIn(f"many.pcap: {finding['client']}", shown)
        small = Capture("few.pcap", connections=capture.connections[-4:], statements=capture.statements)
        suites = ElementTree.fromstring(junit.write_junit([Verdict(small, [], [], [], [], {}, 0)], 0, {}, Catalogue(Path("/nonexistent")), False))
        star = next(each for each in suites if each.get("name") == "few.pcap: *")
        self.assertEqual((star.get("tests"), star.get("skipped")), ("1", "1"))

    def test_sarif(self) -> None:
        output, done = self.hostile("--format", "sarif")
        self.assert_status(done, FINDINGS)
        text = output.read_text(encoding="utf-8")
        self.assert_secret(text)
        schema = Path(__file__).with_name("sarif-part.schema.json")
        valid = subprocess.run(["/usr/bin/python3", str(Path(__file__).with_name("validate-json.py")), str(schema), str(output)],
                               capture_output=True, text=True, check=False)
        if valid.returncode == 77:
            self.skipTest("python3-jsonschema is not installed")
        self.assertEqual(valid.returncode, 0, valid.stdout + valid.stderr)
        run = json.loads(text)["runs"][0]
        rules = [each["id"] for each in run["tool"]["driver"]["rules"]]
        self.assertEqual(len(rules), len(set(rules)))
        for each in run["results"]:
            self.assertEqual(rules[each["ruleIndex"]], each["ruleId"])
            self.assertNotRegex(each["message"]["text"], r"(?<!\\)(\\\\)*[\[\]]")
        self.assertEqual(len({each["partialFingerprints"]["mqttscope/v1"] for each in run["results"]}), len(run["results"]))

    def sarif_is_valid(self, output: Path) -> None:
        """The schema of the standard, with a validator, from npm."""
        modules = Path(os.environ.get("MQTTSCOPE_NPM", "/nonexistent"), "node_modules")
        if not (modules / "@microsoft" / "jest-sarif").is_dir() or shutil.which("node") is None:
            self.skipTest("npm's @microsoft/jest-sarif is not installed (MQTTSCOPE_NPM), or node is not")
        done = subprocess.run(["node", str(ROOT / "tools" / "oracles" / "validate-sarif.js"), str(output)], capture_output=True, text=True,
                              env=os.environ | {"NODE_PATH": str(modules)}, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_sarif_by_standard(self) -> None:
        """Hostile, clean and unjudged captures; and the validator finds what is wrong."""
        output, _ = self.hostile("--format", "sarif")
        self.sarif_is_valid(output)
        for capture in (CLEAN, FOREIGN, MIDSTREAM):
            lint(capture, "--format", "sarif", "--output", str(output))
            self.sarif_is_valid(output)
        output.write_text(output.read_text(encoding="utf-8").replace('"ruleId"', '"ruleIdentifier"').replace('"driver"', '"drover"'), encoding="utf-8")
        with self.assertRaises(AssertionError):
            self.sarif_is_valid(output)

    def test_gitlab(self) -> None:
        """An array of issues, each with a fingerprint of its own."""
        output, done = self.hostile("--format", "gitlab")
        self.assert_status(done, FINDINGS)
        text = output.read_text(encoding="utf-8")
        self.assert_secret(text)
        issues = json.loads(text)
        self.assertEqual(len({each["fingerprint"] for each in issues}), len(issues))
        for each in issues:
            self.assertEqual(each.keys(), {"description", "check_name", "fingerprint", "severity", "location"})
            self.assertIn(each["severity"], ("info", "minor", "major", "critical", "blocker"))
            self.assertTrue(each["description"] and each["location"]["path"] and each["location"]["lines"]["begin"] > 0)
        self.assertIn("publish_qos_3", {each["check_name"] for each in issues})

    def test_github(self) -> None:
        """Each line is a command that was meant, or the last."""
        output, done = self.hostile("--format", "github")
        self.assert_status(done, FINDINGS)
        *lines, last, end = output.read_text(encoding="utf-8").split("\n")
        self.assertEqual((end, last.split(":", 1)[0]), ("", "mqttscope"))
        self.assertGreater(len(lines), 3)
        for line in lines:
            match = re.fullmatch(r"::(error|warning|notice) file=[^,:]*,line=[0-9]+,title=([^:,]*)::(.*)", line)
            assert match is not None, line
            self.assert_secret(match[2] + match[3])
            self.assertNotIn("::", match[3])

    def test_markdown(self) -> None:
        """Outside code spans there is nothing but what the command says itself."""
        output, done = self.hostile("--format", "markdown")
        self.assert_status(done, FINDINGS)
        text = output.read_text(encoding="utf-8")
        self.assert_secret(text)
        self.assertIn("img src=x", text)
        rest = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "CODE", text)
        for mark in ("<", "](", "@", "http", "javascript", "img", "error::", "`"):
            self.assertNotIn(mark, rest)
        for line in rest.splitlines():
            self.assertRegex(line, r"^(#|- \*\*|  - |\| |\|-|CODE$|$)")

    def test_nothing_begins_a_line(self) -> None:
        """In no format does a line begin with text of the capture."""
        for name in ("text", "json", "junit", "sarif", "gitlab", "markdown"):
            output, _ = self.hostile("--format", name)
            for line in output.read_text(encoding="utf-8").splitlines():
                self.assertNotRegex(line, r"^\W*(error:|1[+]1|group|a/)")

    def test_fingerprints(self) -> None:
        """They survive frames that come before, of the same connection and of another."""
        tail = 'c1 > 36 { s"a/b" 0007 {} "hello" }\nc1 > 36 { s"a/b" 0008 {} "hello" }\n'
        other = 'connection c2: 10.0.0.9 -> 10.0.0.1:1883\nc2 > 10 { s"MQTT" 05 02 003c {} s"client-9" }\nc2 < 20 { 00 00 {} }\n'
        prints = []
        for text in (V5 + tail, V5 + other + "c1 > c0 {}\nc1 < d0 {}\n" + tail):
            done = lint(self.file("x.pcap", build(parse_case(text)).data), "--format", "sarif")
            results = json.loads(done.stdout)["runs"][0]["results"]
            prints.append([(each["ruleId"], each["partialFingerprints"]) for each in results])
            self.assertTrue(results)
        self.assertEqual(*prints)

    def test_two_formats(self) -> None:
        """Each format goes where its --output says."""
        one, two = self.file("one", b""), self.file("two", b"")
        done = lint(BROKEN, "--format", "junit", "--output", str(one), "--format", "text", "--format", "sarif", "--output", str(two))
        self.assert_status(done, FINDINGS, "exit status 1")
        self.assertTrue(one.read_text(encoding="utf-8").startswith("<?xml"))
        self.assertEqual(json.loads(two.read_text(encoding="utf-8"))["version"], "2.1.0")


if __name__ == "__main__":
    unittest.main()
