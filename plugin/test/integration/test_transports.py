# test_transports.py: every control packet of the real captures is found, whatever carries it, and none is complained of.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The packets of plain TCP are counted independently: a small reader of pcap files puts the streams together itself.
For encrypted captures, what one end sent is compared with what the conversation must hold."""

from __future__ import annotations

import struct
import unittest
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
from crafted import CONNECTION, REAL, CraftedTest
from environment import without_secrets  # noqa: E402
from harness import Order, Settings

CAPTURES = sorted(REAL.glob("*.pcap*"))
PLAIN = [path for path in CAPTURES if path.suffix == ".pcap"
         and not path.stem.startswith(("websocket", "mosquitto-midstream", "mosquitto-snaplen"))]
NAMES = ("CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ PINGRESP "
         "DISCONNECT AUTH").split()

TRULY_WRONG = {
    "rabbitmq-qos2.pcap": {"mqttscope.rule.ack_of_wrong_kind"},
    "mosquitto-bridge-v50.pcap": {"mqttscope.rule.no_matching_subscribers_from_client"},
}
"""What programs do against the specification, and a finding says so; test-captures/real/README.md has the reasons."""

NO_EXPERT_ITEMS = {"mqttscope.websocket.messages"}


# ---- An independent count -------------------------------------------------------------------

def segments(capture: Path) -> Iterator[tuple[tuple[bytes, bytes], int, bool, bytes]]:
    """(stream and direction, sequence number, is SYN, payload) of each TCP segment; classic pcap, Ethernet."""
    data = capture.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at < len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        packet = data[at + 16 + 14:at + 16 + length]
        at += 16 + length
        if packet[0] >> 4 == 4:
            ends, tcp = packet[12:20], packet[(packet[0] & 15) * 4:struct.unpack_from(">H", packet, 2)[0]]
        else:
            ends, tcp = packet[8:40], packet[40:40 + struct.unpack_from(">H", packet, 4)[0]]
        sequence, = struct.unpack_from(">I", tcp, 4)
        yield (ends, tcp[:4]), sequence, bool(tcp[13] & 2), tcp[(tcp[12] >> 4) * 4:]


def streams(capture: Path) -> list[bytes]:
    """The bytes of each direction of each connection that was captured from its SYN on."""
    begins: dict[tuple[bytes, bytes], int] = {}
    done: list[bytes] = []
    bytes_of: dict[tuple[bytes, bytes], dict[int, bytes]] = {}

    def close(key: tuple[bytes, bytes]) -> None:
        stream = b""
        for offset, payload in sorted(bytes_of.pop(key, {}).items()):
            assert offset <= len(stream), f"{capture.name}: bytes are missing"
            stream = stream[:offset] + payload + stream[offset + len(payload):]
        done.append(stream)

    for key, sequence, is_syn, payload in segments(capture):
        if is_syn and begins.get(key) != sequence + 1:
            close(key)
            begins[key] = sequence + 1
        if payload and key in begins:
            kept = bytes_of.setdefault(key, {})
            offset = (sequence - begins[key]) % 2**32
            kept[offset] = max(kept.get(offset, b""), payload, key=len)
    for key in list(bytes_of):
        close(key)
    return done


def control_packets(stream: bytes) -> Iterator[int]:
    """The types of the whole control packets of a stream."""
    at = 0
    while at < len(stream):
        length, shift, start = 0, 0, at
        while True:
            at += 1
            if at >= len(stream):
                return
            length |= (stream[at] & 0x7F) << shift
            shift += 7
            if not stream[at] & 0x80:
                break
        at += 1 + length
        if at > len(stream):
            return
        yield stream[start] >> 4


def expert_items() -> list[str]:
    """The filter names of the plugin's expert items, and of those that the built-in has as well."""
    lines = (line.split("\t") for line in harness.tshark("-G", "fields").splitlines())
    return [each[2] for each in lines if each[0] == "F" and each[3] == "FT_NONE" and each[2] not in NO_EXPERT_ITEMS
            and (each[4] == "mqttscope" or each[2].startswith(("mqtt.illegal", "mqtt.unknown")))]


def shown_types(capture: Path, settings: Settings = Settings(), **how: Order) -> Counter[int]:
    """How many control packets of each type the plugin shows."""
    rows = harness.rows(capture, ["mqtt.msgtype"], settings=settings, **how)
    return Counter(int(value) for row in rows for value in row["mqtt.msgtype"])


# ---- The tests -------------------------------------------------------------------------------

class TestRealCaptures(CraftedTest):
    """Nothing is lost, nothing is blamed."""

    def test_every_packet_over_tcp(self) -> None:
        """As many packets of each type as the streams hold, in one pass and in two."""
        self.assertGreater(len(PLAIN), 20)
        for capture in PLAIN:
            expected = Counter(each for stream in streams(capture) for each in control_packets(stream))
            with self.subTest(capture=capture.name):
                self.assertGreater(sum(expected.values()), 0)
                self.assertEqual(shown_types(capture), expected)
                if capture.stem.startswith(("burst", "rabbitmq", "mosquitto-v5")):
                    self.assertEqual(shown_types(capture, order=Order.TWO_PASSES), expected)

    def test_no_findings(self) -> None:
        """No error, no warning and no malformed packet in what real clients and brokers sent; events are none of these."""
        items = ["_ws.malformed", *expert_items()]
        self.assertIn("mqttscope.malformed", items)

        def blame(capture: Path) -> list[object]:
            rows = harness.rows(capture, items, display_filter="mqtt")
            bad: list[object] = [row for row in rows if row["_ws.malformed"]]
            wrong = TRULY_WRONG.get(capture.name, set())
            self.assertLessEqual(wrong, {name for row in rows for name in items if row[name]})
            if any(row[name] for row in rows for name in items):
                bad += [each for each in harness.findings(capture, display_filter="mqtt and _ws.expert")
                        if each.severity in ("error", "warning") and each.name not in wrong
                        and not each.name.startswith("mqttscope.event.")]
            return bad

        with ThreadPoolExecutor(max_workers=2) as pool:
            for capture, bad in zip(CAPTURES, pool.map(blame, CAPTURES)):
                with self.subTest(capture=capture.name):
                    self.assertEqual(bad, [])

    def test_nothing_stray(self) -> None:
        """Binary data is shown as text too, and Wireshark takes what stands behind a NUL in a text for an oversight."""
        arguments = ("-T", "pdml", "-Y", "_ws.string.trailing_stray_characters")
        capture = REAL / "paho-v5-properties.pcap"
        self.assertNotIn("<packet>", harness.tshark(*arguments, capture=capture))
        self.assertIn("<packet>", harness.tshark(*arguments, capture=capture, builtin=True))

    def test_info_names_every_packet(self) -> None:
        """One entry a control packet, in their order; of several the number comes first, and of many the first 32 are named."""
        for name in ("burst-level4.pcap", "burst-level5.pcap", "rabbitmq.pcap", "tls-burst.pcapng",
                     "websocket-mqttjs.pcap"):
            rows = harness.rows(REAL / name, ["frame.number", "mqtt.msgtype", "info"],
                                display_filter="mqtt.msgtype")
            for row in rows:
                names = [NAMES[int(value) - 1] for value in row["mqtt.msgtype"]]
                packets = row["info"][0].split("  ", 1)[1]
                with self.subTest(capture=name, frame=row["frame.number"]):
                    if len(names) > 1:
                        number, _, packets = packets.partition(" packets: ")
                        self.assertEqual(number, str(len(names)))
                    entries = [each.split(" ")[0] for each in packets.split(" | ")]
                    self.assertEqual(entries, names if len(names) <= 32 else [*names[:32], "…"])

    def test_bursts(self) -> None:
        """Many packets in a segment are numbered from 1, in each frame."""
        for name in ("burst-level4.pcap", "burst-level5.pcap", "tls-burst.pcapng"):
            rows = harness.rows(REAL / name, ["mqttscope.pdu"], display_filter="mqtt")
            most = max(len(row["mqttscope.pdu"]) for row in rows)
            with self.subTest(capture=name):
                self.assertGreater(most, 10)
                for row in rows:
                    self.assertEqual(row["mqttscope.pdu"], [str(i + 1) for i in range(len(row["mqttscope.pdu"]))])


class TestTls(CraftedTest):
    """Decrypted by the secrets in the capture, or by a key log."""

    def check_dialogue(self, capture: Path, settings: Settings = Settings()) -> Counter[int]:
        """Each request has its answer, so nothing was lost on the way through TLS."""
        found = shown_types(capture, settings)
        numbers = {name: found[i + 1] for i, name in enumerate(NAMES)}
        self.assertGreater(numbers["CONNECT"], 0)
        self.assertGreater(numbers["PUBLISH"], 0)
        for request, answer in (("CONNECT", "CONNACK"), ("SUBSCRIBE", "SUBACK"), ("UNSUBSCRIBE", "UNSUBACK"),
                                ("PUBREC", "PUBREL"), ("PUBREL", "PUBCOMP"), ("PINGREQ", "PINGRESP")):
            self.assertEqual(numbers[request], numbers[answer], f"{capture.name}: {request} and {answer}")
        rows = harness.rows(capture, ["mqtt.qos", "mqtt.retain_reserved"], settings=settings)
        asked = Counter(value for row in rows for value in row["mqtt.qos"])
        asked["1"] -= sum(len(row["mqtt.retain_reserved"]) for row in rows)  # the requests of MQTT 3.1 have a QoS too
        self.assertEqual(asked["2"], numbers["PUBREC"], capture.name)
        # A client may take its leave while the broker's last PUBLISH is under way.
        self.assertIn(asked["1"] - numbers["PUBACK"], (0, 1), capture.name)
        return found

    def test_secrets_inside(self) -> None:
        """TLS on 8883, ALPN on 443 (both names), WebSocket over TLS, and QUIC where Wireshark can hand it on."""
        names = ["tls-mosquitto.pcapng", "tls-paho.pcapng", "tls-node.pcapng", "tls-burst.pcapng",
                 "alpn-443-mqtt.pcapng", "alpn-443-x-amzn-mqtt-ca.pcapng", "websocket-tls.pcapng"]
        for name in names:
            with self.subTest(capture=name):
                self.check_dialogue(REAL / name)

    def test_alpn_by_itself(self) -> None:
        """ALPN is enough: the port says nothing, and the heuristic is off."""
        for name, offered in (("alpn-443-mqtt.pcapng", "mqtt"), ("alpn-443-x-amzn-mqtt-ca.pcapng", "x-amzn-mqtt-ca")):
            rows = harness.rows(REAL / name, ["tls.handshake.extensions_alpn_str", "tcp.port"])
            self.assertIn(offered, [value for row in rows for value in row["tls.handshake.extensions_alpn_str"]])
            self.assertIn("443", rows[0]["tcp.port"])
            self.check_dialogue(REAL / name, Settings(heuristics=(("mqttscope_tls", False),)))

    def test_several_records_in_a_segment(self) -> None:
        """And packets that begin in one record and end in another: the burst has both."""
        rows = harness.rows(REAL / "tls-burst.pcapng", ["tls.record.length", "mqtt.msgtype"], display_filter="mqtt")
        self.assertGreater(max(len(row["tls.record.length"]) for row in rows), 3)

    def test_key_log(self) -> None:
        """-o tls.keylog_file, as the README tells it; without the keys nobody sees MQTT."""
        keys = harness.readable(REAL / "tls-mosquitto.keys")
        capture = self.capture(CONNECTION + "c1 > c0 00\n").with_name("plain.pcapng")
        without_secrets(REAL / "tls-mosquitto.pcapng", capture)
        self.assertEqual(sum(shown_types(capture).values()), 0)
        found = self.check_dialogue(capture, Settings(preferences=(("tls.keylog_file", str(keys)),)))
        self.assertEqual(found, shown_types(REAL / "tls-mosquitto.pcapng"))
        text = harness.tshark("-o", f"tls.keylog_file:{keys}", "-Y", "mqtt", capture=capture)
        self.assertIn("SUBSCRIBE", text)

    def test_quic(self) -> None:
        """By ALPN, in versions whose QUIC hands streams on by it; with us older ones show QUIC and no complaint."""
        rows = harness.rows(REAL / "quic.pcapng", ["mqtt.msgtype", "quic.stream_data"])
        if not any(row["mqtt.msgtype"] for row in rows):
            self.skipTest("this Wireshark does not decode the recorded QUIC")
        self.check_dialogue(REAL / "quic.pcapng")


class TestOthers(CraftedTest):
    """WebSocket, long packets, IPv6, cut frames, the middle of a connection."""

    def test_websocket(self) -> None:
        """Each message is MQTT, from its CONNECT to its DISCONNECT."""
        for name in ("websocket-paho.pcap", "websocket-mqttjs.pcap", "websocket-large.pcap"):
            rows = harness.rows(REAL / name, ["websocket.opcode", "mqtt.msgtype"], display_filter="websocket.opcode == 2")
            with self.subTest(capture=name):
                self.assertGreater(len(rows), 5)
                found = shown_types(REAL / name)
                self.assertEqual((found[1], found[8]), (found[2], found[9]))

    def test_large(self) -> None:
        """100 kB and more come whole, over WebSocket and over TCP."""
        for name in ("websocket-large.pcap", "mosquitto-large.pcap"):
            rows = harness.rows(REAL / name, ["mqtt.len", "mqtt.msg"], display_filter="mqtt.len >= 100000")
            with self.subTest(capture=name):
                self.assertGreater(len(rows), 0)
                for row in rows:
                    longest = max(row["mqtt.msg"], key=len).replace(":", "")
                    self.assertGreaterEqual(len(longest) // 2, max(map(int, row["mqtt.len"])) - 200)

    def test_ipv6(self) -> None:
        """On a port of its own."""
        rows = harness.rows(REAL / "mosquitto-ipv6-port-21883.pcap", ["ipv6.src", "mqtt.clientid"], display_filter="mqtt")
        self.assertTrue(all(row["ipv6.src"] for row in rows))
        self.assertEqual(len([row for row in rows if row["mqtt.clientid"]]), 2)

    def test_snap_length(self) -> None:
        """Every packet that begins in a frame is shown; those that the capture cut are called cut, not malformed."""
        capture = REAL / "mosquitto-snaplen.pcap"
        shown = harness.packets(capture, display_filter="mqtt")
        cut = [each for each in shown if "mqttscope.cut" in [finding.name for finding in each.findings]]
        self.assertGreater(len(cut), 0)
        for each in shown:
            self.assertEqual("[cut]" in each.info, each in cut, each.info)
            self.assertNotIn("malformed", each.info)
        self.assertTrue(all(each.values["frame.cap_len"] != each.values["frame.len"] for each in cut))

    def test_middle_of_a_connection(self) -> None:
        """Versions are inferred per connection, and said to be; no packet of them is lost."""
        rows = harness.rows(REAL / "mosquitto-midstream.pcap", ["tcp.len", "mqtt.msgtype", "mqttscope.version",
                                                               "mqttscope.version.source", "tcp.stream"])
        carriers = [row for row in rows if row["tcp.len"] not in ([], ["0"])]
        self.assertEqual([row for row in carriers if not row["mqtt.msgtype"]], [])
        sources = {value for row in carriers for value in row["mqttscope.version.source"]}
        self.assertEqual(sources, {"inferred", "unknown"})
        for stream in {row["tcp.stream"][0] for row in carriers}:
            versions = {value for row in carriers if row["tcp.stream"] == [stream] for value in row["mqttscope.version"]}
            self.assertLessEqual(len(versions), 1, f"stream {stream} changes its version")


if __name__ == "__main__":
    unittest.main()
