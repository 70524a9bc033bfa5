# test_gui.py: Wireshark's window shows what tshark prints, with the plugin at work in it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens captures in Wireshark on a display that nobody sees, and reads the window by its own Copy commands.

A crash, a dissector bug, a complaint on stderr or a window that does not close is a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import gui  # noqa: E402
from casefile import parse_case  # noqa: E402
from casewire import build  # noqa: E402
from environment import private_folder, readable  # noqa: E402
from harness import Order, rows, tshark  # noqa: E402
from test_command import installed  # noqa: E402
from test_report import data_of  # noqa: E402

CAPTURES = ROOT / "test-captures"
PAIR = CAPTURES / "real" / "readme-pair-v5.pcap"
HIDDEN = "title: on a port that only Decode As knows\nconnection c1: 10.0.0.2 -> 10.0.0.1:11999 midstream\nc1 > c0 {}\nc1 < d0 {}\n"
RECORDER = """#!/usr/bin/python3
import json, os, sys, time
with open({0!r} + ".part", "w") as file:
    json.dump(sys.argv[1:], file)
os.rename({0!r} + ".part", {0!r})
time.sleep(1)
sys.stderr.write({1!r})
sys.exit({2})
"""
"""A program that leaves its arguments in a file, complains, and ends with a status; not before the key that started it is
released, which else might close the message of it."""


@unittest.skipIf(gui.missing(), "for Wireshark's window these packages are not installed: " + ", ".join(gui.missing()))
class TestGui(unittest.TestCase):
    maxDiff = None

    def test_packet_list_and_tree(self) -> None:
        """Each MQTT packet has its row, and the tree of the selected one is the one that tshark prints."""
        expected = rows(PAIR, ["frame.number", "info"], display_filter="mqtt", order=Order.TWO_PASSES)
        number = int(expected[0]["frame.number"][0])
        printed = tshark("-V", "-Y", f"frame.number == {number}", capture=PAIR, order=Order.TWO_PASSES)
        printed = printed[printed.index("\nMQ Telemetry Transport Protocol") + 1:].rstrip()
        with gui.Window(PAIR, "mqtt", number) as window:
            tree = window.mqtt_tree()
            shown = window.packet_list()
        self.assertEqual(tree, printed.split("\n"))
        self.assertEqual(len(shown), len(expected), shown)
        for row, wanted in zip(shown, expected):
            self.assertEqual(row.split()[0], wanted["frame.number"][0])
            self.assertIn("MQTT", row.split())
            self.assertTrue(row.endswith(wanted["info"][0]), row)

    def test_other_transports(self) -> None:
        """WebSocket, TLS with secrets in the capture, and broken packets come up without a complaint."""
        for name in ("real/websocket-paho.pcap", "real/tls-paho.pcapng", "cases/string-past-end-connect.pcap"):
            with self.subTest(capture=name):
                capture = CAPTURES / name
                expected = rows(capture, ["frame.number"], display_filter="mqtt", order=Order.TWO_PASSES)
                with gui.Window(capture, "mqtt") as window:
                    shown = window.packet_list()
                self.assertTrue(expected)
                self.assertEqual([row.split()[0] for row in shown], [each["frame.number"][0] for each in expected])

    def folder(self) -> Path:
        """One that everybody may write to."""
        folder = Path(tempfile.mkdtemp(dir=private_folder()))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o777)
        return folder

    @staticmethod
    def recorder(path: Path, says: str = "", status: int = 0) -> Path:
        """Makes a program that leaves its arguments in the file returned."""
        record = path.with_suffix(".json")
        path.write_text(RECORDER.format(str(record), says, status), encoding="utf-8")
        path.chmod(0o755)
        return record

    def recorded(self, record: Path) -> list[str]:
        """The arguments that a program was started with, once it was."""
        deadline = time.monotonic() + 60
        while not record.exists():
            self.assertLess(time.monotonic(), deadline, f"nothing wrote {record}")
            time.sleep(0.2)
        arguments: list[str] = json.loads(record.read_text(encoding="utf-8"))
        record.unlink()
        return arguments

    def test_page_of_menu(self) -> None:
        """The command gets the file and the profile as they are named, whatever a shell would make of them; its failure is told."""
        capture = self.folder() / "-o $(id) 'a' \"b\";c.pcap"
        shutil.copy(PAIR, capture)
        capture.chmod(0o644)
        programs = self.folder()
        record = self.recorder(programs / "mqttscope")
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        with gui.Window(capture, "mqtt", profile="lab $(id) -x", environment={"PATH": path}) as window:
            window.open_page()
            arguments = self.recorded(record)
            self.recorder(programs / "mqttscope", "mqttscope: <b>no</b> MQTT in it\n", 2)
            window.open_page()
            self.recorded(record)
            said = window.message()
        self.assertEqual(arguments, ["report", "--open", "--profile=lab $(id) -x", str(capture)])
        self.assertRegex(said, r"(?s)^No page of the capture was opened\.\s+mqttscope: <b>no</b> MQTT in it$")

    def test_page_in_browser(self) -> None:
        """The page that the browser is given shows what Decode As and the key log of the profile let Wireshark read; it is in a
        folder of the user's alone."""
        folder = self.folder()
        hidden = folder / "hidden.pcap"
        hidden.write_bytes(build(parse_case(HIDDEN)).data)
        hidden.chmod(0o644)
        keys = readable(CAPTURES / "real" / "tls-mosquitto.keys")
        record = self.recorder(folder / "browser")
        environment = {"PATH": f"{installed() / 'bin'}{os.pathsep}{os.environ['PATH']}", "BROWSER": str(folder / "browser")}
        for capture, preferences, decode_as in ((hidden, (), ("tcp.port==11999,mqtt",)),
                                                (CAPTURES / "real" / "tls-mosquitto.pcapng", (("tls.keylog_file", str(keys)),), ())):
            with self.subTest(capture=capture.name):
                with gui.Window(capture, preferences=preferences, decode_as=decode_as, environment=environment) as window:
                    window.open_page()
                    url, = self.recorded(record)
                self.assertTrue(url.startswith("file:///"), url)
                page = Path(url.removeprefix("file://"))
                self.addCleanup(shutil.rmtree, page.parent)
                self.assertEqual(page.parent.stat().st_mode & 0o777, 0o700)
                self.assertGreaterEqual(data_of(page.read_text(encoding="utf-8"))["capture"]["mqtt_packets"], 2)


if __name__ == "__main__":
    unittest.main()
