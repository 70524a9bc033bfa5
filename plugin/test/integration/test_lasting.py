# test_lasting.py: a program that reads one capture after the other shows of each what it shows of one alone.
# SPDX-License-Identifier: GPL-2.0-or-later
"""forkserver.py and shared_sharkd() spare the tests the start of thousands of programs. Here both are held against programs
that are started anew: nothing of one capture may be seen in the next, which is also what a user of Wireshark relies on."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment  # noqa: E402
import forkserver  # noqa: E402
import harness  # noqa: E402
from crafted import CASES, REAL  # noqa: E402
from harness import Order, Settings, ToolError  # noqa: E402

CAPTURES = (CASES / "session-taken-over.pcap", REAL / "mosquitto-midstream.pcap", CASES / "topic-alias-both-directions.pcap",
            REAL / "websocket-paho.pcap", CASES / "session-three-connections.pcap")
ARGUMENTS = ["-T", "pdml", "-Y", "mqttscope"]


class TestSharkd(unittest.TestCase):
    def test_captures_share_nothing(self) -> None:
        """Each capture by itself, then all of them twice in one sharkd, as one opens file after file in a window."""
        alone = []
        for capture in CAPTURES:
            with mock.patch.object(harness, "shared_sharkd", harness.Sharkd):
                alone.append(harness.packets(capture, order=Order.RANDOM))
        together = [harness.packets(capture, order=Order.RANDOM) for capture in 2 * CAPTURES]
        for expected, found in zip(2 * alone, together, strict=True):
            self.assertEqual(found, expected)


class TestForkServer(unittest.TestCase):
    def setUp(self) -> None:
        if forkserver._library() is None:
            self.skipTest("no fork server without a C compiler, or with something else preloaded")
        environment.require_plugin()

    def test_output_is_that_of_a_process_of_its_own(self) -> None:
        """In one pass and in two; the header names the capture that the arguments had, and is left out."""
        for more in ([], ["-2"]):
            for capture in map(environment.readable, 2 * CAPTURES):
                arguments = [*more, *ARGUMENTS]
                expected = environment.run([environment.program("tshark"), "-r", str(capture), *arguments], Settings(),
                                           False, 60)
                found = forkserver.run_tshark(arguments, capture, Settings(), False, 60)
                self.assertEqual(found.partition(b"<packet>")[2], expected.partition(b"<packet>")[2])

    def test_it_is_one_process(self) -> None:
        with mock.patch.object(forkserver, "ForkServer", wraps=forkserver.ForkServer) as started:
            for capture in map(environment.readable, 2 * CAPTURES):
                forkserver.run_tshark(["-T", "fields", "-e", "mqtt.topic"], capture, Settings(), False, 60)
        self.assertEqual(started.call_count, 1)

    def test_failures_are_told(self) -> None:
        """A file that is no capture, wrong arguments, too little time; and it goes on after each."""
        capture = environment.readable(CAPTURES[0])
        with tempfile.TemporaryDirectory() as folder:
            bad = Path(folder, "bad.pcap")
            bad.write_bytes(b"no capture at all")
            for _ in range(3):
                with self.assertRaisesRegex(ToolError, "exit status"):
                    forkserver.run_tshark(ARGUMENTS, environment.readable(bad), Settings(), False, 60)
                with self.assertRaisesRegex(ToolError, "exit status"):
                    forkserver.run_tshark(["-Y", "(("], capture, Settings(), False, 60)
                with self.assertRaisesRegex(ToolError, "took"):
                    forkserver.run_tshark(ARGUMENTS, capture, Settings(), False, 0.0001)
                self.assertIn(b"<packet>", forkserver.run_tshark(ARGUMENTS, capture, Settings(), False, 60))


if __name__ == "__main__":
    unittest.main()
