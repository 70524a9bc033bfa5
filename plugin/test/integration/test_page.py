# test_page.py: the page that `mqttscope report` makes, in a browser.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Chromium without a window, over the DevTools protocol (browser.py). axe-core, which judges accessibility, is in the folder
MQTTSCOPE_NPM. What is missing is said, and its tests are skipped."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "plugin" / "command"), str(Path(__file__).resolve().parent)]

import browser  # noqa: E402
from casefile import parse_case  # noqa: E402
from casewire import build  # noqa: E402
from mqttscope_command.capture import Bounds, Capture  # noqa: E402
from mqttscope_command.explain import Catalogue  # noqa: E402
from mqttscope_command.page.data import CONNECTIONS_MOST, EVENTS_MOST, make_data  # noqa: E402
from mqttscope_command.page.details import Wanted, choose, messages_of  # noqa: E402
from mqttscope_command.page.gather import Gatherer  # noqa: E402
from mqttscope_command.page.page import make_page  # noqa: E402
from mqttscope_command.page.redact import Redactor  # noqa: E402
from test_report import BURSTS, CAPTURES, MADE, PAIR, ReportTest, many_subscribers, report  # noqa: E402

AXE = Path(os.environ.get("MQTTSCOPE_NPM", "/nonexistent"), "node_modules", "axe-core", "axe.min.js")
MESSAGES, CLIENTS, TOPICS = 20_000, 3000, 5000
PAGE_MOST, NODES_MOST = 10_000_000, 20_000
PAPER = 718
"""The width of A4 without its margins, in CSS pixels."""


class BrowserTest(ReportTest):
    page: browser.Browser

    @classmethod
    def setUpClass(cls) -> None:
        if browser.program() is None:
            raise unittest.SkipTest("not installed: chromium")
        cls.page = browser.Browser()
        cls.addClassCleanup(cls.page.close)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)

    def show(self, capture: Path, *arguments: str, width: int = 1280, dark: bool = False) -> Path:
        """Opens the page of a capture."""
        done = report(capture, *arguments)
        self.assert_status(done, MADE)
        return self.show_text(done.stdout, width, dark)

    def show_text(self, text: str, width: int = 1280, dark: bool = False) -> Path:
        """Opens a page, and checks that nothing was fetched and nothing complained."""
        path = self.folder / "page.html"
        path.write_text(text, encoding="utf-8")
        self.page.open(path, width, dark)
        self.assert_quiet(path)
        return path

    def assert_quiet(self, path: Path) -> None:
        """No request, no word on the console, no exception, no report of the policy."""
        self.assertEqual(self.page.requests(path), [])
        self.assertEqual(self.page.complaints(), [])

    def texts(self, selector: str) -> list[str]:
        """The texts of elements."""
        found: list[str] = self.page.run(f"Array.from(document.querySelectorAll({selector!r}), (each) => each.textContent)")
        return found


class Pair(BrowserTest):
    def test_what_is_shown(self) -> None:
        """Clients, edges and times are those of the capture."""
        self.show(PAIR)
        self.assertEqual(self.texts("#clients tbody td:first-child"), ["sub-1", "pub-1"])
        self.assertEqual(self.page.run("Array.from(document.querySelectorAll('path.flow'), (each) => [each.dataset.direction, each.dataset.messages])"), [["publish", "1"], ["deliver", "1"]])
        self.assertEqual(self.texts("#picture .node text"), ["pub-1", "topic/001", "sub-1"])
        self.assertEqual(self.page.run("Array.from(document.querySelectorAll('#steps [role=listitem]'), (each) => each.getAttribute('aria-label'))"),
                         ["0.066487 s: pub-1 to broker: PUBLISH QoS 0, frame 18", "0.066550 s: broker to sub-1: PUBLISH QoS 0 after 63 µs, frame 19"])
        self.assertIn("63 µs", self.texts("#times tbody td")[7])

    def test_replay(self) -> None:
        """The slider is moved by keys, and the lines follow; the play button plays."""
        self.show(PAIR)
        flows = "document.querySelectorAll('path.flow').length"
        self.page.run("document.getElementById('when').focus()")
        self.page.press("Home")
        self.assertEqual(self.page.run(flows), 0)
        self.page.press("End")
        self.assertEqual(self.page.run(flows), 2)
        self.page.press("Home")
        self.page.run("document.getElementById('play').click()")
        self.assertEqual(self.page.run("document.getElementById('play').textContent"), "Pause")
        self.page.run("document.getElementById('play').click()")
        self.assertEqual(self.page.run("document.getElementById('play').textContent"), "Play")

    def test_keyboard(self) -> None:
        """Tab reaches a client in the picture, Enter filters the page, and all is shown again by a button."""
        self.show(PAIR)
        self.page.run("document.querySelector('#picture .controls button:last-child').focus()")
        self.page.press("Tab")
        self.assertEqual(self.page.run("document.activeElement.dataset.key"), "publisher pub-1")
        self.assertIn("pub-1 published 1 message", self.texts("#picture .info")[0])
        self.page.press("Enter")
        self.assertEqual(self.texts("#clients tbody td:first-child"), ["pub-1"])
        self.assertIn("Only client pub-1", self.texts("#filter")[0])
        self.assertEqual(self.page.run("document.activeElement.dataset.key"), "publisher pub-1")
        self.page.run("document.getElementById('clear').focus()")
        self.page.press("Enter")
        self.assertEqual(len(self.texts("#clients tbody tr")), 2)

    def test_narrow(self) -> None:
        """Nothing goes past the edge of a telephone."""
        for capture in (PAIR, BURSTS):
            self.show(capture, width=400, dark=True)
            self.assertEqual(self.page.run("document.documentElement.scrollWidth"), 400)


    def test_nothing_cut(self) -> None:
        """On a wide screen no table has to be scrolled, and on paper, which is narrower and does not scroll, nothing goes past the edge."""
        for capture in (PAIR, CAPTURES / "interop" / "mosquitto" / "paho-python-5.0.pcapng"):
            self.show(capture)
            self.assertEqual(self.page.run("Array.from(document.querySelectorAll('.scroll'), (each) => each.scrollWidth - each.clientWidth).filter((each) => each > 0)"), [])
            self.page.send("Emulation.setEmulatedMedia", media="print")
            self.page.send("Emulation.setDeviceMetricsOverride", width=PAPER, height=1000, deviceScaleFactor=1, mobile=False)
            self.assertEqual(self.page.run("[document.documentElement.scrollWidth, getComputedStyle(document.querySelector('nav')).display]"), [PAPER, "none"])

    def test_no_qos(self) -> None:
        """A PUBLISH with QoS 3 is no message: it is named, and not drawn."""
        self.show(CAPTURES / "cases" / "qos-3.pcap")
        self.assertEqual(self.page.run("document.querySelectorAll('path.flow').length"), 0)
        self.assertIn("1 PUBLISH packet with QoS 3, which is no QoS, is no message, and not drawn. mqtt.qos == 3", self.texts("#picture")[0])
        self.assertIn("0messages published", self.texts("#verdict .cards")[0])

    def test_many_steps(self) -> None:
        """Of a message that many got, the slowest delivery is drawn, and what is not drawn is counted."""
        self.show(self.file("many.pcap", build(parse_case(many_subscribers(80))).data))
        self.assertIn("sub 79", self.texts("#steps text"))
        self.assertIn("54 steps of further clients are not drawn.", self.texts("#ladder")[0])
        self.assertIn("21 further steps are not on this page.", self.texts("#ladder")[0])


class Hostile(BrowserTest):
    def test_nothing_runs(self) -> None:
        """HTML, script, style, addresses, directions and control characters are text, whatever is opened."""
        path = self.show(self.strange())
        self.page.run("window.called = 0; window.canary = () => { window.called++; }")
        self.page.run("for (const each of document.querySelectorAll('details')) each.open = true")
        self.page.run("for (const each of document.querySelectorAll('main button')) each.click()")
        self.page.run("new Promise((done) => setTimeout(done, 300))")
        self.assertEqual(self.page.run("window.called"), 0)
        self.assertEqual(self.page.run("[document.querySelectorAll('img, iframe, object, link, form').length, document.querySelectorAll('script').length, document.querySelectorAll('style').length]"), [0, 2, 1])
        self.assertEqual(self.page.run("Array.from(document.querySelectorAll('a'), (each) => each.getAttribute('href')).every((each) => each.startsWith('#'))"), True)
        self.assertEqual(self.page.run("/[\\u202a-\\u202e\\u2066-\\u2069\\u0000-\\u0008]/.test(document.querySelector('main').textContent)"), False)
        self.assert_quiet(path)

    def test_languages(self) -> None:
        """Names of other languages stand as they are, each in its own direction."""
        self.show(self.strange())
        shown = self.texts("#ladder bdi, #times bdi")
        for each in ("temperatur/größe", "温度/部屋", "حرارة/غرفة"):
            self.assertIn(each, shown)

    def test_long(self) -> None:
        """What is long is cut, and there on demand."""
        text = 'title: long\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883\nc1 > 10 { s"MQTT" 04 02 003c s"one" }\nc1 < 20 02 00 00\nc1 > 30 { s"' + "x" * 240 + '" "payload" }\n'
        self.show(self.file("long.pcap", build(parse_case(text)).data))
        topic = "#ladder tbody td:nth-child(2)"
        self.assertEqual(self.texts(f"{topic} bdi"), ["x" * 200 + "…"])
        self.page.run(f"document.querySelector({topic!r} + ' .more').click()")
        self.assertEqual(self.texts(f"{topic} bdi"), ["x" * 240])


class Large(BrowserTest):
    def page_of(self, clients: list[str], topics: list[str], subscribers: list[str], messages: int, redacted: bool = False) -> str:
        """The page of a capture of many messages, connections and findings with such names."""
        none = {"error": 0, "warning": 0, "note": 0, "chat": 0}
        gatherer = Gatherer(io.BytesIO())
        capture = Capture("large.pcap", further=gatherer.take, bounds=Bounds(CONNECTIONS_MOST, EVENTS_MOST))
        frame = 0
        for number in range(1, messages + 1):
            publisher, subscriber = number % len(clients), number % len(subscribers)
            for part, client, connection in (("publication", clients[publisher], publisher), ("delivery", subscribers[subscriber], len(clients) + subscriber)):
                frame += 1
                capture.take({"type": "message", "frame": frame, "pdu": 1, "time": frame / 1000, "time_epoch": frame / 1000, "connection": connection, "client": client,
                              "sender": "client" if part == "publication" else "broker", "topic": topics[number % len(topics)], "qos": 0, "dup": False, "retain": False,
                              "packet_length": 99, "payload_length": 60, "payload": "x" * 60, "part": part, "message": number}
                             | ({"kind": "live", "certain": True, "published_in": frame - 1, "broker_time": 0.001 + number % 7 / 1000} if part == "delivery" else {}))
        for each, client in enumerate(clients):
            capture.take({"type": "connection", "connection": each, "client": client, "role": "publisher", "broker_known": True, "client_address": f"10.0.0.1:{each}",
                          "broker_address": "10.0.0.2:1883", "connect_seen": each % 2 == 0, "connect_left_out": False, "frame": 1, "start": 0.0, "last": 9.0, "packets": 9, "subscriptions": [],
                          "subscriptions_total": 0, "gap": each % 3 == 0, "complete": False, "findings": none, "statements": {}})
        for each in range(messages):
            common = {"frame": each + 1, "pdu": 1, "time": each / 10, "time_epoch": 1.0, "connection": each % len(clients), "client": clients[each % len(clients)], "severity": "error"}
            capture.take(common | {"type": "finding", "rule": f"rule_{each % 300}", "ids": ["MQTT-1.1.1-1"], "side": "client", "sender": "client", "title": "A title",
                                   "number": 1, "subject": "packet", "at": 0, "length": 1, "bytes": "30" * 256, "packet_length": 300})
            capture.take(common | {"type": "event", "event": "refused", "title": "A title"})
        capture.take({"type": "capture", "frames": frame, "frames_truncated": 0, "first": 0.0, "duration": frame / 1000, "mqtt_packets": frame, "connections": len(clients),
                      "unread_streams": [], "unread_streams_total": 0, "findings": none,
                      "connections_without_connect": len(clients) // 2, "connections_with_gap": -(-len(clients) // 3)})
        numbers, total = choose(gatherer, Wanted(), set(), {})
        redact = Redactor().redacted if redacted else lambda value: value
        data = make_data(capture, Catalogue(Path("/nonexistent")), gatherer, messages_of(gatherer, numbers, {}), {
            "file": "large.pcap", "redacted": redacted, "preferences": [], "decode_as": [], "profile": "", "chosen_client": "", "chosen_topic": "", "chosen_between": [],
            "chosen_messages": []}, redact)
        self.assertLessEqual(len(capture.connections), 2 * CONNECTIONS_MOST)
        self.assertLessEqual(len(capture.events), EVENTS_MOST)
        for shown, all_there in (("connections", len(clients)), ("findings", messages), ("events", messages)):
            self.assertEqual(len(data[shown]) + data[f"{shown}_left_out"], all_there, shown)
        self.assertEqual(sum(each["messages"] for each in data["flows"]), 2 * messages)
        self.assertEqual(data["partial"], [f"{len(clients) // 2} connections whose CONNECT was not captured", f"{-(-len(clients) // 3)} connections with missing bytes"])
        return make_page(data | {"messages_total": total})

    def assert_bounded(self, page: str, messages: int) -> None:
        """A small page, drawn with few nodes."""
        self.assertLess(len(page.encode()), PAGE_MOST)
        self.show_text(page)
        self.assertLess(self.page.run("document.querySelectorAll('*').length"), NODES_MOST)
        self.assertIn(f"{messages:,}", self.texts("#verdict .cards")[0])

    def test_bounds(self) -> None:
        """The page of a large capture has a bounded size and number of nodes."""
        self.assert_bounded(self.page_of([f"client-{each}" for each in range(CLIENTS)], [f"site/{each % 50}/device/{each}/value" for each in range(TOPICS)],
                                         [f"subscriber-{each}" for each in range(97)], MESSAGES), MESSAGES)

    def test_long_names(self) -> None:
        """So does that of one whose names are as long as MQTT allows, and many times as long where their characters are escaped or replaced."""
        clients, topics = [f"{each}{'<' * 40_000}" for each in range(20)], [f"{each}{'/&' * 20_000}" for each in range(20)]
        for redacted in (False, True):
            self.assert_bounded(self.page_of(clients, topics, clients[:3], 600, redacted), 600)


class Accessibility(BrowserTest):
    def test_axe(self) -> None:
        """axe-core finds nothing serious, light and dark, wide and narrow."""
        if not AXE.is_file():
            self.skipTest("not installed: axe-core (tools/differential --install, MQTTSCOPE_NPM)")
        library = AXE.read_text(encoding="utf-8")
        for capture, width, dark in ((PAIR, 1280, False), (CAPTURES / "cases" / "qos-3.pcap", 400, True), (BURSTS, 1280, True)):
            self.show(capture, width=width, dark=dark)
            self.page.run(library + "; true")
            found = self.page.run("axe.run().then((result) => result.violations.filter((each) => ['serious', 'critical'].includes(each.impact))"
                                  ".map((each) => [each.id, each.nodes.length, each.nodes[0].html.slice(0, 200), each.nodes[0].failureSummary]))")
            self.assertEqual(found, [], capture.name)


if __name__ == "__main__":
    unittest.main()
