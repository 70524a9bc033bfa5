# test_takeover.py: every way to MQTT leads to the plugin, and switching it off brings the built-in back.
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user does (Decode As, port preferences, Enabled Protocols, heuristics) and where it leads."""

from __future__ import annotations

import re
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from crafted import CraftedTest  # noqa: E402
from harness import Settings  # noqa: E402
from programs import tshark_bytes  # noqa: E402

REAL = ROOT / "test-captures" / "real"
OTHERS = sorted((ROOT / "test-captures" / "other-protocols").glob("*.pcap*"))
OFF = Settings(disabled=("mqttscope",))
HEURISTICS = ("mqttscope_tcp", "mqttscope_tls", "mqttscope_ws")
NO_HEURISTICS = tuple((each, False) for each in HEURISTICS)

ODD_PORT = """title: a connection on a port that nobody named
connection c1: 10.0.0.2 -> 10.0.0.1:{port}
c1 > 10 {{ s"MQTT" 04 02 003c s"client-1" }}
c1 < 20 {{ 00 00 }}
c1 > 30 {{ s"a/b" "hello" }}
"""

MIDSTREAM = """title: a connection that was recorded from its middle on, on a port that nobody named
connection c1: 10.0.0.2 -> 10.0.0.1:4711 midstream
c1 > 30 { s"a/b" "one" } 30 { s"a/b" "two" } 30 { s"a/b" "three" }
c1 > 30 { s"a/b" "four" }
"""


class TestTakeover(CraftedTest):
    """Base: what the tests of the take-over share."""

    def on_port(self, port: int) -> Path:
        """A connection to that port."""
        return self.capture(ODD_PORT.format(port=port))

    def moved(self, capture: Path, port: int, to: int) -> Path:
        """A copy of a capture with another TCP port; IPv4 on Ethernet, headers without options."""
        data = bytearray(capture.read_bytes())
        for match in re.finditer(rb"\x08\x00\x45.{8}\x06", bytes(data), re.DOTALL):
            for at in (match.start() + 22, match.start() + 24):
                if data[at:at + 2] == port.to_bytes(2, "big"):
                    data[at:at + 2] = to.to_bytes(2, "big")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, capture.name)
        path.write_bytes(data)
        return path

    def served_by(self, capture: Path, settings: Settings, display_filter: str = "mqtt") -> str:
        """Who shows the MQTT frames of a capture: "plugin", "built-in" or "nobody"."""
        rows = harness.rows(capture, ["mqtt.msgtype", "mqttscope.connection"], settings=settings,
                            display_filter=display_filter)
        rows = [row for row in rows if row["mqtt.msgtype"]]
        if not rows:
            return "nobody"
        ours = {bool(row["mqttscope.connection"]) for row in rows}
        self.assertEqual(len(ours), 1, "the plugin and the built-in share a capture")
        return "plugin" if ours == {True} else "built-in"


class TestSwitchedOff(TestTakeover):
    """mqttscope switched off in Enabled Protocols."""

    def test_output_is_the_builtins(self) -> None:
        """Text, fields, PDML and JSON are byte for byte those of a Wireshark without the plugin."""
        fields = ["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Protocol", "-e", "mqtt.topic", "-e", "mqtt.msg",
                  "-e", "mqtt.property_id", "-e", "frame.protocols"]
        for arguments in ([], ["-V"], fields, ["-T", "pdml"], ["-T", "json"]):
            for name in ("mosquitto-v5-properties.pcap", "mosquitto-v311.pcap", "mosquitto-midstream.pcap",
                         "tls-mosquitto.pcapng", "alpn-443-mqtt.pcapng", "websocket-paho.pcap",
                         "mosquitto-ipv6-port-21883.pcap", "mosquitto-snaplen.pcap"):
                with self.subTest(capture=name, arguments=arguments):
                    with_plugin, without = (self.output(REAL / name, arguments, builtin) for builtin in (False, True))
                    self.assertGreater(len(without), 100)
                    self.assertTrue(with_plugin == without, "the output differs")

    def output(self, capture: Path, arguments: list[str], builtin: bool) -> bytes:
        """tshark's output; PDML names the file, which the harness may have copied."""
        settings = Settings() if builtin else OFF
        text = tshark_bytes(arguments, capture, settings, harness.Order.ONE_PASS, builtin, 60)
        return re.sub(rb'<pdml [^>]*>', b"", text)

    def test_decode_as_and_preferences(self) -> None:
        """Both still lead to the built-in."""
        capture = self.on_port(4711)
        for settings in (Settings(disabled=("mqttscope",), decode_as=("tcp.port==4711,mqtt",)),
                         Settings(disabled=("mqttscope",), preferences=(("mqtt.tcp.port", "4711"),))):
            with self.subTest(settings=settings):
                self.assertEqual(self.served_by(capture, settings), "built-in")

    def test_command_line(self) -> None:
        """--disable-protocol does the same as Enabled Protocols."""
        capture = REAL / "mosquitto-v5.pcap"
        self.assertEqual(harness.tshark("--disable-protocol", "mqttscope", "-V", capture=capture),
                         harness.tshark("-V", capture=capture, builtin=True))

    def test_builtin_switched_off(self) -> None:
        """mqtt switched off: nobody decodes, whatever the way to it. It is the protocol of the layer."""
        for disabled in (("mqtt",), ("mqtt", "mqttscope")):
            for name in ("mosquitto-v311.pcap", "tls-mosquitto.pcapng", "websocket-paho.pcap",
                         "mosquitto-ipv6-port-21883.pcap"):
                with self.subTest(disabled=disabled, capture=name):
                    self.assertEqual(self.served_by(REAL / name, Settings(disabled=disabled), ""), "nobody")

    def test_decode_as_by_our_name(self) -> None:
        """-d tcp.port==N,mqttscope leads to the built-in."""
        capture = REAL / "mosquitto-ipv6-port-21883.pcap"
        rows = harness.tshark("--disable-protocol", "mqttscope", "-d", "tcp.port==21883,mqttscope", "-Y", "mqtt",
                              capture=capture)
        self.assertIn("Subscribe Request", rows)


class TestWays(TestTakeover):
    """Ports, Decode As and preferences. ToolError, raised for a warning on stderr, would fail these tests."""

    def test_loaded(self) -> None:
        """tshark -G plugins has it, with its version and type."""
        line = next(each for each in harness.tshark("-G", "plugins").splitlines() if each.startswith("mqttscope."))
        self.assertRegex(line, r"^mqttscope\.so *\t\d+\.\d+\.\d+\S*\tdissector\t")

    def test_well_known_port(self) -> None:
        """TCP 1883 without a heuristic."""
        self.assertEqual(self.served_by(self.on_port(1883), Settings(heuristics=NO_HEURISTICS)), "plugin")

    def test_decode_as_tcp(self) -> None:
        """-d tcp.port==N,mqtt and -d tcp.port==N,mqttscope."""
        capture = REAL / "mosquitto-ipv6-port-21883.pcap"
        self.assertEqual(self.served_by(capture, Settings(heuristics=NO_HEURISTICS), ""), "nobody")
        settings = Settings(heuristics=NO_HEURISTICS, decode_as=("tcp.port==21883,mqtt",))
        self.assertEqual(self.served_by(capture, settings), "plugin")
        for name in ("mqtt", "mqttscope"):
            with self.subTest(name=name):
                text = harness.tshark("-d", f"tcp.port==21883,{name}", "-Y", "mqttscope", capture=capture,
                                      settings=Settings(heuristics=NO_HEURISTICS))
                self.assertIn("SUBSCRIBE", text)

    def test_decode_as_tls(self) -> None:
        """-d tls.port==N,mqtt, where neither ALPN nor a heuristic would tell."""
        capture = self.moved(REAL / "tls-mosquitto.pcapng", 8883, 9999)
        self.assertEqual(self.served_by(capture, Settings(heuristics=NO_HEURISTICS), ""), "nobody")
        for name in ("mqtt", "mqttscope"):
            text = harness.tshark("-d", "tcp.port==9999,tls", "-d", f"tls.port==9999,{name}", "-Y", "mqttscope", capture=capture,
                                  settings=Settings(heuristics=NO_HEURISTICS))
            self.assertIn("SUBSCRIBE", text)

    def test_tcp_port_preference(self) -> None:
        """mqtt.tcp.port adds ports; 1883 stays or goes as it does for the built-in."""
        moved = (("mqtt.tcp.port", "4711-4712"),)
        builtin = Settings(disabled=("mqttscope",), preferences=moved)
        kept = self.served_by(self.on_port(1883), builtin, "") == "built-in"
        for port, expected in ((4711, "plugin"), (4712, "plugin"), (1883, "plugin" if kept else "nobody")):
            with self.subTest(port=port):
                settings = Settings(heuristics=NO_HEURISTICS, preferences=moved)
                self.assertEqual(self.served_by(self.on_port(port), settings, ""), expected)
                self.assertEqual(self.served_by(self.on_port(port), Settings(preferences=moved)), "plugin")

    def test_plain_on_the_tls_port(self) -> None:
        """MQTT without TLS on 8883, the CONNECT whole or split, without a heuristic; off, TLS has it."""
        split = ODD_PORT.replace("c1 > 10", "c1 > [split 1,3] 10").format(port=8883)
        for capture in (self.on_port(8883), self.capture(split)):
            self.assertEqual(self.served_by(capture, Settings(heuristics=NO_HEURISTICS)), "plugin")
            self.assertEqual(self.served_by(capture, OFF, ""), "nobody")
        rows = harness.rows(self.on_port(8883), ["mqtt.msgtype"], display_filter="tcp.len > 0", order=harness.Order.TWO_PASSES)
        self.assertEqual([row["mqtt.msgtype"] for row in rows], [["1"], ["2"], ["3"]])

    def test_rest_of_the_tls_port(self) -> None:
        """What TLS carries on 8883 is shown as without the plugin."""
        capture = ROOT / "test-captures" / "other-protocols" / "tls-http-8883.pcapng"
        self.assertIn("HTTP", harness.tshark(capture=capture))
        fields = ["tls.record.length", "tls.handshake.type", "tcp.reassembled.length"]
        for order in (harness.Order.ONE_PASS, harness.Order.TWO_PASSES):
            self.assertEqual(harness.rows(capture, fields, order=order),
                             harness.rows(capture, fields, order=order, builtin=True))

    def test_tls_on_the_plain_port(self) -> None:
        """TLS on 1883 is decrypted, and the MQTT in it found."""
        capture = self.moved(REAL / "tls-mosquitto.pcapng", 8883, 1883)
        self.assertEqual(self.served_by(capture, Settings()), "plugin")
        self.assertEqual(len(harness.rows(capture, ["frame.number"], display_filter="mqtt and tls")),
                         len(harness.rows(REAL / "tls-mosquitto.pcapng", ["frame.number"], display_filter="mqtt")))

    def test_decode_as_elsewhere(self) -> None:
        """A user who decodes 1883 as something else has the last word."""
        settings = Settings(decode_as=("tcp.port==1883,http",))
        self.assertEqual(self.served_by(self.on_port(1883), settings, ""), "nobody")

    def test_default_version_preference(self) -> None:
        """The built-in's preference for unseen CONNECTs counts where ours says nothing."""
        capture = self.capture('title: x\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883 midstream\nc1 > c0 00\n')
        for preferences, expected in (((), []), ((("mqtt.default_version", "MQTT v3.1.1"),), ["4"]),
                                      ((("mqtt.default_version", "MQTT v3.1.1"), ("mqttscope.default_version", "5")),
                                       ["5"])):
            with self.subTest(preferences=preferences):
                row, = harness.rows(capture, ["mqttscope.version", "mqttscope.version.source"],
                                    settings=Settings(preferences))
                self.assertEqual(row["mqttscope.version"], expected)
                self.assertEqual(row["mqttscope.version.source"], ["preference" if expected else "unknown"])


class TestHeuristics(TestTakeover):
    """They find what is MQTT, and nothing else."""

    def test_listed(self) -> None:
        """tshark -G heuristic-decodes says which are on."""
        lines = [each.split("\t") for each in harness.tshark("-G", "heuristic-decodes").splitlines()]
        ours = sorted((each[0], each[2]) for each in lines if each[1] == "mqtt")
        self.assertEqual(ours, [("tcp", "F"), ("tcp", "T"), ("tls", "T"), ("ws", "T")])

    def test_odd_port(self) -> None:
        """A CONNECT on any port; switched off, nobody."""
        for capture in (self.on_port(4711), REAL / "mosquitto-ipv6-port-21883.pcap"):
            self.assertEqual(self.served_by(capture, Settings()), "plugin")
            self.assertEqual(self.served_by(capture, Settings(heuristics=(("mqttscope_tcp", False),)), ""), "nobody")
            text = harness.tshark("--disable-heuristic", "mqttscope_tcp", "-Y", "mqtt", capture=capture)
            self.assertEqual(text, "")

    def test_every_packet_after_the_connect(self) -> None:
        """The rest of the connection is ours, both directions."""
        rows = harness.rows(REAL / "mosquitto-ipv6-port-21883.pcap", ["mqtt.msgtype"], display_filter="tcp.len > 0")
        self.assertEqual([row for row in rows if not row["mqtt.msgtype"]], [])

    def test_inside_tls_on_an_odd_port(self) -> None:
        """Decrypted, with ALPN not offered and the port unknown."""
        capture = self.moved(REAL / "tls-mosquitto.pcapng", 8883, 9999)
        self.assertEqual(self.served_by(capture, Settings()), "plugin")
        off = Settings(heuristics=(("mqttscope_tls", False),))
        self.assertEqual(self.served_by(capture, off, ""), "nobody")

    def test_midstream(self) -> None:
        """The weak one is off unless the user says otherwise; then the rest of the connection follows."""
        capture = self.capture(MIDSTREAM)
        self.assertEqual(self.served_by(capture, Settings(), ""), "nobody")
        rows = harness.rows(capture, ["mqtt.topic"], settings=Settings(heuristics=(("mqttscope_tcp_midstream", True),)))
        self.assertEqual([len(row["mqtt.topic"]) for row in rows], [3, 1])
        text = harness.tshark("--enable-heuristic", "mqttscope_tcp_midstream", "-Y", "mqtt", capture=capture)
        self.assertEqual(len(text.splitlines()), 2)

    def test_other_protocols(self) -> None:
        """Not one frame is claimed, with every heuristic on, the weak one too."""
        self.assertGreaterEqual(len(OTHERS), 10)
        settings = Settings(heuristics=tuple((each, True) for each in (*HEURISTICS, "mqttscope_tcp_midstream")))
        for capture in OTHERS:
            with self.subTest(capture=capture.name):
                moved = self.moved(self.moved(capture, 1883, 4711), 8883, 4712)
                for each in {moved} if "1883" in capture.name else {capture, moved}:
                    rows = harness.rows(each, ["frame.number"], settings=settings, display_filter="mqtt or mqttscope")
                    self.assertEqual(rows, [])


if __name__ == "__main__":
    unittest.main()
