# test_report.py: `mqttscope report` without a browser: what is in the page, in tables and diagrams, and what is not in them.
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_page.py looks at the page itself."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "plugin" / "command"), str(Path(__file__).resolve().parent)]

from casefile import parse_case, read_case  # noqa: E402
from casewire import build  # noqa: E402
from environment import private_folder, readable  # noqa: E402
from mqttscope_command.page.details import STEPS_MOST, topic_matches  # noqa: E402
from mqttscope_command.page.exits import cell, label  # noqa: E402
from test_command import HOSTILE, MIDSTREAM, SECRETS, CommandTest, command  # noqa: E402

CAPTURES = ROOT / "test-captures"
PAIR = CAPTURES / "real" / "readme-pair-v5.pcap"
SESSION = CAPTURES / "real" / "mosquitto-session.pcap"
BURSTS = CAPTURES / "journeys" / "bursts.pcap"
FOREIGN = CAPTURES / "other-protocols" / "http.pcap"
MADE, UNJUDGED, USAGE = 0, 2, 3

CANARY = "<img src=x onerror=canary()>"
WIRE = ("</script><script>canary()</script>", "<style>*{display:none}</style>", "\u202egnp.exe", "javascript:canary()", "temperatur/größe", "温度/部屋", "حرارة/غرفة")
STRANGE = rf"""title: what is shown of a capture is data
connection c1: 10.0.0.2 -> 10.0.0.1:1883
c1 > 10 {{ s"MQTT" 05 ce 003c {{ 26 s"user-property-key" s"{CANARY}" }} s"</script><script>canary()</script>" {{}} s"will/{CANARY}" s"will-payload-text" s"user-name-text" s"pass-word-text" }}
c1 < 20 {{ 00 00 {{ 1f s"reason-string-text" 1c s"server-reference-text" }} }}
c1 > 82 {{ 0001 {{}} s"#" 01 }}
c1 < 90 {{ 0001 {{}} 01 }}
connection c2: 10.0.0.3 -> 10.0.0.1:1883
c2 > 10 {{ s"MQTT" 05 02 003c {{}} s"{CANARY}" }}
c2 < 20 {{ 00 00 {{}} }}
""" + "".join(rf"""c2 > 30 {{ s"{topic}" {{ 26 s"key" s"<b>{number}" 08 s"reply/topic-text" 09 s"correlation-text" }} "payload-text {number} <script>canary()</script>" }}
c1 < 30 {{ s"{topic}" {{ 26 s"key" s"<b>{number}" 08 s"reply/topic-text" 09 s"correlation-text" }} "payload-text {number} <script>canary()</script>" }}
""" for number, topic in enumerate((*WIRE, "=cmd|' /C calculator'!A0", "@sum-of-cells", "$SYS/broker/own"))) + """c2 > 36 { s"bad-qos-topic" 0007 {} "x" }
"""


def many_subscribers(count: int) -> str:
    """A case: a message that many get, each a bit later."""
    text = "title: many\n"
    for number in range(count):
        text += f'connection c{number}: 10.0.1.{number} -> 10.0.0.1:1883\nc{number} > 10 {{ s"MQTT" 04 02 003c s"sub {number}" }}\nc{number} < 20 02 00 00\n' \
                f'c{number} > 82 {{ 0001 s"#" 00 }}\nc{number} < 90 {{ 0001 00 }}\n'
    text += 'connection p: 10.0.0.3 -> 10.0.0.1:1883\np > 10 { s"MQTT" 04 02 003c s"pub" }\np < 20 02 00 00\np > 30 { s"t" "all" }\n'
    return text + "".join(f'c{number} < 30 {{ s"t" "all" }}\n' for number in range(count))


def data_of(page: str) -> Any:
    """What a page knows."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def report(capture: Path, *arguments: str) -> Any:
    """A run of report."""
    return command("report", *arguments, str(readable(capture)))


class ReportTest(CommandTest):
    def strange(self) -> Path:
        """The capture in which everything is made to break out of its place."""
        return self.file("secret-file-name.pcap", build(parse_case(STRANGE)).data)


class Page(ReportTest):
    def test_pair(self) -> None:
        done = report(PAIR)
        self.assert_status(done, MADE)
        data = data_of(done.stdout)
        self.assertEqual([(each["client"], each["role"], each["version"]) for each in data["connections"]], [("sub-1", "subscriber", "5.0"), ("pub-1", "publisher", "5.0")])
        self.assertEqual([(each["client"], each["topic"], each["to_broker"], each["messages"]) for each in data["flows"]],
                         [("pub-1", "topic/001", True, 1), ("sub-1", "topic/001", False, 1)])
        (message,) = data["messages"]
        self.assertEqual([(step["frame"], step["sender"], step.get("broker_time")) for step in message["steps"]], [(18, "client", None), (19, "broker", 0.000063)])
        self.assertEqual(data["made"]["sha256"], hashlib.sha256(PAIR.read_bytes()).hexdigest())
        self.assertEqual(data["findings"], [])

    def test_policy(self) -> None:
        """The policy allows the style and the script that are there, by their hashes, and nothing else."""
        page = report(PAIR).stdout
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
        assert policy is not None
        hashes = ["'sha256-" + base64.b64encode(hashlib.sha256(re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1].encode()).digest()).decode() + "'"  # type: ignore[index]
                  for tag in ("script", "style")]
        self.assertEqual(policy[1], f"default-src 'none'; base-uri 'none'; form-action 'none'; script-src {hashes[0]}; style-src {hashes[1]}")
        self.assertNotRegex(page, r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function")

    def test_escaped(self) -> None:
        """Nothing of the wire is markup."""
        page = report(self.strange()).stdout
        self.assertNotIn("<img", page)
        self.assertEqual(page.count("</script>"), 2)
        self.assertIn(CANARY, {each["client"] for each in data_of(page)["connections"]})

    def test_finding(self) -> None:
        """A finding has its frame, the bytes concerned, and the help."""
        data = data_of(report(CAPTURES / "cases" / "qos-3.pcap").stdout)
        finding = next(each for each in data["findings"] if each["rule"] == "publish_qos_3")
        self.assertEqual((finding["frame"], finding["at"], finding["length"], finding["bytes"][:2]), (6, 0, 1, "36"))
        self.assertTrue(next(each for each in data["rules"] if each["rule"] == "publish_qos_3")["mend"])

    def test_no_accusation(self) -> None:
        """Deliveries that equal payloads or overlapping subscriptions make doubtful are neither missing nor doubled, message by message."""
        for capture in (SESSION, BURSTS, MIDSTREAM):
            data = data_of(report(capture).stdout)
            self.assertEqual([each["number"] for each in data["messages"] if each["missing"] or each["doubled"]], [], capture.name)

    def test_missing(self) -> None:
        """A message between two others that one subscriber got and it did not."""
        text = 'title: missing\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883\nc1 > 10 { s"MQTT" 04 02 003c s"sub" }\nc1 < 20 02 00 00\nc1 > 82 { 0001 s"#" 00 }\nc1 < 90 { 0001 00 }\n' \
               'connection c2: 10.0.0.3 -> 10.0.0.1:1883\nc2 > 10 { s"MQTT" 04 02 003c s"pub" }\nc2 < 20 02 00 00\n'
        for number in range(3):
            text += f'c2 > 30 {{ s"t" "payload {number}" }}\n' + (f'c1 < 30 {{ s"t" "payload {number}" }}\n' if number != 1 else "")
        data = data_of(report(self.file("missing.pcap", build(parse_case(text)).data)).stdout)
        self.assertEqual([(each["payload"], each["missing"]) for each in data["messages"]], [("payload 0", []), ("payload 1", ["sub"]), ("payload 2", [])])

    def test_many_subscribers(self) -> None:
        """Of a message that many got, so many steps are shown, with the slowest; all are counted."""
        subscribers = 80
        (message,) = data_of(report(self.file("many.pcap", build(parse_case(many_subscribers(subscribers))).data)).stdout)["messages"]
        self.assertEqual((message["delivered"], len(message["steps"]), message["steps_left_out"]), (subscribers, 1 + STEPS_MOST, subscribers - STEPS_MOST))
        self.assertEqual(message["steps"][-1]["client"], f"sub {subscribers - 1}")
        self.assertEqual(message["steps"][-1]["broker_time"], message["slowest"])

    def test_chosen(self) -> None:
        """--client, --topic, --between and --message choose the messages that are shown one by one."""
        for arguments in (("--client", "other"), ("--topic", "burst/both"), ("--between", "1,1.2"), ("--message", "7", "--message", "9")):
            messages = data_of(report(BURSTS, *arguments).stdout)["messages"]
            self.assertTrue(0 < len(messages) < 137, arguments)
        self.assertEqual([each["number"] for each in messages], [7, 9])
        self.assertTrue(topic_matches("a/b", "a/+") and topic_matches("a", "a/#") and not topic_matches("$SYS/x", "#"))

    def test_statuses(self) -> None:
        self.assert_status(report(FOREIGN), UNJUDGED, "no MQTT in it")
        self.assert_status(command("report", "/nonexistent/x.pcap"), UNJUDGED, "No such file")
        self.assert_status(report(PAIR, "--between", "2,1"), USAGE, "two times")
        self.assert_status(report(PAIR, "-o", "/nonexistent/x.html"), USAGE, "No such file")

    def test_output(self) -> None:
        """The file is written whole, and no unfinished one is left."""
        folder = Path(tempfile.mkdtemp(dir=private_folder()))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o777)
        self.assert_status(report(PAIR, "-o", str(folder / "page.html")), MADE)
        self.assertEqual([each.name for each in folder.iterdir()], ["page.html"])
        self.assertEqual(data_of((folder / "page.html").read_text(encoding="utf-8"))["capture"]["frames"], 24)

    def test_open(self) -> None:
        """The browser is given the file of -o, wherever that is; only a page is opened."""
        folder = Path(tempfile.mkdtemp(dir=private_folder()))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o777)
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\nprintf %s "$*" > "{folder}/url"\necho noise\n', encoding="ascii")
        browser.chmod(0o755)
        page = folder / "a page #1.html"
        done = command("report", "--open", "-o", str(page), str(readable(PAIR)), BROWSER=str(browser))
        self.assert_status(done, MADE)
        self.assertEqual(done.stdout + done.stderr, "")
        self.assertEqual((folder / "url").read_text(encoding="utf-8"), page.as_uri())
        self.assertTrue(data_of(page.read_text(encoding="utf-8")))
        self.assert_status(report(PAIR, "--open", "--format", "csv"), USAGE, "leave out --format")


class Redacted(ReportTest):
    ORIGINALS = (*(part for each in WIRE for part in each.split("/") if len(part) > 2), "canary", "user-property-key", "will-payload-text", "user-name-text", "pass-word-text",
                 "reason-string-text", "server-reference-text", "topic-text", "correlation-text", "payload-text", "bad-qos-topic", "10.0.0.", "secret-file-name", "calculator", "sum-of-cells")
    """Each is longer than a pseudonym or has a character that none has: they are made of random letters."""

    def test_nothing_original(self) -> None:
        """No text of the wire is in any exit, in letters or in hex."""
        capture = self.strange()
        for format in ("html", "csv", "jsonl", "mermaid"):
            done = report(capture, "--redact", "--format", format)
            self.assert_status(done, MADE)
            shown = done.stdout if format != "html" else json.dumps(data_of(done.stdout), ensure_ascii=False)
            for each in self.ORIGINALS:
                self.assertNotIn(each, shown, format)
                if len(each) > 3:
                    self.assertNotIn(each.encode().hex(), shown, format)

    def test_shown_otherwise(self) -> None:
        """The same search finds them where nothing is redacted, but for what never leaves the plugin."""
        shown = json.dumps(data_of(report(self.strange()).stdout), ensure_ascii=False)
        for each in ("canary", "user-name-text", "payload-text", b"bad-qos-topic".hex(), "10.0.0.", "secret-file-name", "温度"):
            self.assertIn(each, shown)
        self.assertNotIn("pass-word-text", shown)

    def test_consistent(self) -> None:
        """The same name is the same pseudonym in one page and another in the next; levels, $, and numbers are kept."""
        first, second = (data_of(report(self.strange(), "--redact").stdout) for _ in range(2))
        topics = [{each["topic"] for each in data["flows"]} for data in (first, second)]
        self.assertFalse(topics[0] & topics[1] - {"(others)"})
        self.assertEqual(sum(bool(re.fullmatch(r"\$[a-z2-7]+/[a-z2-7]+/[a-z2-7]+", each)) for each in topics[0]), 1)
        publisher = next(each["client"] for each in first["flows"] if each["to_broker"])
        self.assertIn(publisher, {each["client"] for each in first["connections"]})
        self.assertEqual(first["connections"][0]["subscriptions"], [{"filter": "#", "code": 1}])
        self.assertEqual(first["findings"][0]["bytes"][:2], "36")

    def test_secrets(self) -> None:
        """Passwords and Authentication Data are in no page, redacted or not, in letters or in hex."""
        capture = self.file("hostile.pcap", build(read_case(HOSTILE)).data)
        for arguments in ((), ("--redact",)):
            page = report(capture, *arguments).stdout
            for secret in SECRETS:
                self.assertNotIn(secret, page)
                self.assertNotIn(secret.encode().hex(), page)


class Exits(ReportTest):
    def test_csv(self) -> None:
        rows = list(csv.DictReader(io.StringIO(report(PAIR, "--format", "csv").stdout)))
        self.assertEqual([(each["message"], each["topic"], each["publisher"], each["subscriber"], each["published_frame"], each["delivered_frame"], each["broker_time"]) for each in rows],
                         [("1", "topic/001", "pub-1", "sub-1", "18", "19", "0.000063000")])

    def test_jsonl(self) -> None:
        (row,) = map(json.loads, report(PAIR, "--format", "jsonl").stdout.splitlines())
        self.assertEqual((row["publisher"], row["subscriber"], row["published"], row["delivered"], row["qos"]), ("pub-1", "sub-1", 0.066487, 0.06655, 0))

    def test_no_formula(self) -> None:
        """No cell begins as a formula does, and none has a control character."""
        for row in csv.reader(io.StringIO(report(self.strange(), "--format", "csv").stdout)):
            for each in row:
                self.assertNotRegex(each, r"^ *[=+\-@\t\r]")
                self.assertNotRegex(each, r"[\x00-\x1f]")
        self.assertEqual([cell(each) for each in ("=1", " =1", "\t=1", "+x", "-x", "@x", "a=1", None, True)], ["'=1", "' =1", "'\\t=1", "'+x", "'-x", "'@x", "a=1", "", "true"])

    def test_mermaid(self) -> None:
        """The diagram of the pair, and nothing of the wire as syntax."""
        lines = report(PAIR, "--format", "mermaid").stdout.splitlines()
        self.assertEqual(lines[:4], ["sequenceDiagram", "    participant c0 as pub-1", "    participant broker", "    participant c1 as sub-1"])
        self.assertIn("c0->>broker: 0.066487 s message 1 PUBLISH topic/001 QoS 0 frame 18", lines[4])
        self.assertIn("broker->>c1: 0.066550 s message 1 PUBLISH topic/001 QoS 0 after 0.063 ms frame 19", lines[5])
        for line in report(self.strange(), "--format", "mermaid").stdout.splitlines():
            self.assertNotRegex(re.sub(r"#\d+;", "", line).replace("->>", ""), "[<>;#%\"]")
        self.assertEqual(label("x;end\n"), "x#59;#101;nd#92;n")


if __name__ == "__main__":
    unittest.main()
