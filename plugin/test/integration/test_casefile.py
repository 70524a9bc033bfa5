# test_casefile.py: the tool that builds captures from crafted-case files does what its format says.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Generated captures are taken apart again with struct, without any code of the tool."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from casebytes import parse_bytes, variable_byte_integer  # noqa: E402
from casefile import CaseError, parse_case, strip_remark  # noqa: E402
from casewire import Capture, build  # noqa: E402
from test_cases import check_case  # noqa: E402

HEADER = "title: a case\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883\n"
MIDSTREAM = "title: a case\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883 midstream\n"
WEBSOCKET = "title: a case\nconnection c1: 10.0.0.2 -> 10.0.0.1:80 midstream websocket mqtt\n"


@dataclass
class Frame:
    """One frame of a capture, taken apart."""

    time_us: int
    captured: int
    length: int
    source: tuple[str, int]
    destination: tuple[str, int]
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes
    checksums_good: bool


def ones_sum(data: bytes) -> int:
    """The ones' complement sum, 0xffff over data that hold their right checksum."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def frames_of(data: bytes) -> list[Frame]:
    """The frames of a pcap file of Ethernet, IPv4 or IPv6, and TCP."""
    magic, major, minor, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 1)
    out, at = [], 24
    while at < len(data):
        seconds, microseconds, captured, length = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        ip = frame[14:]
        if frame[12:14] == b"\x08\x00":
            size, addresses, total = 20, (ip[12:16], ip[16:20]), struct.unpack_from(">H", ip, 2)[0]
            good = ones_sum(ip[:20]) == 0xFFFF and ip[9] == 6
        else:
            size, addresses, total = 40, (ip[8:24], ip[24:40]), 40 + struct.unpack_from(">H", ip, 4)[0]
            good = frame[12:14] == b"\x86\xdd" and ip[6] == 6
        assert total == length - 14
        tcp = ip[size:]
        ports = struct.unpack_from(">HH", tcp)
        sequence, acknowledged, offset, flags = struct.unpack_from(">IIBB", tcp, 4)
        pseudo = b"".join(addresses) + struct.pack(">HH", 6, total - size)
        good = good and (captured < length or ones_sum(pseudo + tcp) == 0xFFFF)
        names = [address.hex() for address in addresses]
        out.append(Frame(seconds * 1_000_000 + microseconds, captured, length, (names[0], ports[0]),
                         (names[1], ports[1]), sequence, acknowledged, flags, tcp[(offset >> 4) * 4:], good))
    return out


def built(text: str) -> tuple[Capture, list[Frame]]:
    """The capture of a case, and its frames."""
    capture = build(parse_case(text))
    return capture, frames_of(capture.data)


class TestBytes(unittest.TestCase):
    """The notation for bytes."""

    def test_notation(self) -> None:
        """Each item, and items within items."""
        for text, expected in {
            "30 0c": b"\x30\x0c", "300c 0A": b"\x30\x0c\x0a", '"aé"': b"a\xc3\xa9", '"\\x00\\n\\"\\\\"': b'\0\n"\\',
            's"MQTT"': b"\0\4MQTT", "00*3": b"\0\0\0", '"ab"*2 01': b"abab\1", "{}": b"\0",
            "{ 01 { 02 } }": b"\3\1\1\2",
            "(01 02)": b"\0\2\1\2", "{01}*2": b"\1\1\1\1", "{ 00*128 }": b"\x80\x01" + bytes(128), '{"}"}': b"\1}",
            's"\\xff"': b"\0\1\xff",
        }.items():
            with self.subTest(text):
                self.assertEqual(parse_bytes(text), expected)

    def test_faults(self) -> None:
        """What is no notation says why."""
        for text, message in {
            "0": "odd number", "300": "odd number", "3g": "not bytes", '"abc': "closing quote", "{ 00": "not closed",
            "00 }": "closes nothing", "( 00 }": "closes nothing", "*3": "nothing to repeat", '"\\q"': "unknown escape",
            "(00*65536)": "two-byte length", "{00*268435456}": "Variable Byte Integer",
        }.items():
            with self.subTest(text), self.assertRaisesRegex(ValueError, message):
                parse_bytes(text)

    def test_variable_byte_integer(self) -> None:
        """The boundaries of MQTT 5.0, Table 1-1."""
        for number, expected in {0: "00", 127: "7f", 128: "8001", 16383: "ff7f", 16384: "808001", 2097151: "ffff7f",
                                 2097152: "80808001", 268435455: "ffffff7f"}.items():
            self.assertEqual(variable_byte_integer(number).hex(), expected)

    def test_remarks(self) -> None:
        """A '#' begins a remark behind white space and outside quotes only."""
        self.assertEqual(strip_remark('c1 > "#" 30  # remark "x"'), 'c1 > "#" 30')
        self.assertEqual(strip_remark("field @a mqtt.topic = a/#"), "field @a mqtt.topic = a/#")
        self.assertEqual(strip_remark("# all of it"), "")
        self.assertEqual(strip_remark("title: it's \"odd # gone"), "title: it's \"odd")


class TestWire(unittest.TestCase):
    """What ends up in the capture."""

    def test_handshake_and_numbers(self) -> None:
        """Sequence and acknowledgement numbers follow the bytes; times are a millisecond apart."""
        _, frames = built(HEADER + "c1 > 01 02 03\nc1 < 04 05\nc1 > 06\n")
        self.assertEqual([each.flags for each in frames], [0x02, 0x12, 0x10, 0x18, 0x18, 0x18])
        self.assertTrue(all(each.checksums_good for each in frames))
        client, server = ("0a000002", 40001), ("0a000001", 1883)
        self.assertEqual([each.source for each in frames], [client, server, client, client, server, client])
        self.assertEqual([each.destination for each in frames], [server, client, server, server, client, server])
        self.assertEqual([(each.sequence, each.acknowledged) for each in frames],
                         [(1000, 0), (500000, 1001), (1001, 500001), (1001, 500001), (500001, 1004), (1004, 500003)])
        self.assertEqual([each.payload for each in frames[3:]], [b"\1\2\3", b"\4\5", b"\6"])
        self.assertEqual([each.time_us - 1_704_067_200_000_000 for each in frames], [0, 1000, 2000, 3000, 4000, 5000])

    def test_ipv6_and_midstream(self) -> None:
        """IPv6 checksums are right; without a handshake the first frame carries data."""
        _, frames = built("title: t\nconnection c1: [fd00::2]:5 -> [fd00::1]:1883 midstream\nc1 > 01 02 03\n")
        self.assertEqual(len(frames), 1)
        self.assertTrue(frames[0].checksums_good)
        self.assertEqual(frames[0].source, ("fd" + "00" * 14 + "02", 5))

    def test_refused(self) -> None:
        """A SYN, and an RST that acknowledges it."""
        capture, frames = built("title: t\nconnection c1: 10.0.0.2 -> 10.0.0.1:1883 refused\n"
                                "connection c2: 10.0.0.2 -> 10.0.0.1:1883 midstream\nc2 > 00\n")
        self.assertEqual([(each.flags, each.payload) for each in frames[:2]], [(0x02, b""), (0x14, b"")])
        self.assertEqual((frames[1].sequence, frames[1].acknowledged), (0, frames[0].sequence + 1))
        self.assertEqual(capture.labels, {"c1.syn": 1, "c1.rst": 2})

    def test_split_join_and_mss(self) -> None:
        """One line in several segments, several lines in one."""
        capture, frames = built(MIDSTREAM + '@a c1 > [split 1,3] "abcd"\n@b c1 > "e" +\n@c c1 > "f"\n'
                                'c1 > [mss 2] "ghijk"\n')
        self.assertEqual([each.payload for each in frames], [b"a", b"bc", b"d", b"ef", b"gh", b"ij", b"k"])
        self.assertEqual([each.sequence for each in frames], [1000, 1001, 1003, 1004, 1006, 1008, 1010])
        self.assertEqual(capture.labels, {"a": 3, "a.1": 1, "a.2": 2, "a.3": 3, "b": 4, "c": 4})

    def test_lost_late_again_seq(self) -> None:
        """A lost segment counts in the sequence; a late one stands behind the next frame; a repeat is the same."""
        text = '@a c1 > "aa"\nc1 > [lost] "bb"\n@c c1 > [late] "cc"\n@d c1 > "dd"\n@e again @c\nc1 > [seq -1] "xy"\n'
        capture, frames = built(MIDSTREAM + text + 'c1 > "z"\n')
        self.assertEqual([(each.payload, each.sequence) for each in frames],
                         [(b"aa", 1000), (b"dd", 1006), (b"cc", 1004), (b"cc", 1004), (b"xy", 1007), (b"z", 1009)])
        self.assertEqual({name: capture.labels[name] for name in "acde"}, {"a": 1, "c": 3, "d": 2, "e": 4})
        times = [each.time_us for each in frames]
        self.assertEqual(times, sorted(times))

    def test_late_at_the_end(self) -> None:
        """A late segment with nothing behind it is captured all the same, one that waits for two after two."""
        _, frames = built(MIDSTREAM + 'c1 > [late 2] "a"\nc1 > "b"\nc1 > "c"\nc1 > [late] "d"\n')
        self.assertEqual(b"".join(each.payload for each in frames), b"bcad")

    def test_snap(self) -> None:
        """[snap] counts bytes of TCP payload; the length on the wire stays."""
        _, frames = built(MIDSTREAM + 'c1 > [snap 3] "abcdef"\n')
        self.assertEqual((frames[0].payload, frames[0].captured, frames[0].length), (b"abc", 57, 60))

    def test_flags_and_waits(self) -> None:
        """FIN takes a sequence number, a keep-alive repeats the one before; waits add up."""
        _, frames = built(MIDSTREAM + 'c1 > "a"\nwait 1.5s\nwait 250ms\nc1 > KEEPALIVE\nc1 > FIN\nc1 < ACK\n'
                          'c1 > [fin] "b"\nc1 < RST\n')
        self.assertEqual([each.flags for each in frames], [0x18, 0x10, 0x11, 0x10, 0x19, 0x14])
        self.assertEqual([each.sequence for each in frames], [1000, 1000, 1001, 500000, 1002, 500000])
        self.assertEqual(frames[3].acknowledged, 1002)
        self.assertEqual(frames[1].time_us - frames[0].time_us, 1_751_000)

    def test_clock_and_numbers(self) -> None:
        """The clock may be set back and forward; a connection may begin at sequence numbers of its own."""
        _, frames = built(MIDSTREAM + 'c1 > "a"\nclock -2s\nc1 > "b"\nclock +5s\nc1 > "c"\n'
                          'connection c2: 10.0.0.3 -> 10.0.0.1:1883 midstream isn 7/9\nc2 > "d"\nc2 < "e"\n')
        times = [each.time_us for each in frames]
        self.assertEqual([then - times[0] for then in times[1:3]], [-1_999_000, 3_002_000])
        self.assertEqual([each.sequence for each in frames[3:]], [7, 9])

    def test_websocket(self) -> None:
        """Frames from the client are masked, those of the server not; messages and fragments are what RFC 6455 says."""
        _, frames = built(WEBSOCKET + 'c1 < "abc"\nc1 > "abc"\nc1 < [messages 1] "abc"\nc1 < [fragments 1,2] "abc"\n'
                          'c1 < [text] "abc"\nc1 < [raw] 8900\nc1 < 00*126\n')
        mask = bytes.fromhex("37fa213d")
        masked = bytes(byte ^ key for byte, key in zip(b"abc", mask))
        self.assertEqual([each.payload for each in frames],
                         [b"\x82\x03abc", b"\x82\x83" + mask + masked, b"\x82\x01a\x82\x02bc",
                          b"\x02\x01a\x00\x01b\x80\x01c", b"\x81\x03abc", b"\x89\x00", b"\x82\x7e\0\x7e" + bytes(126)])

    def test_websocket_upgrade(self) -> None:
        """The handshake of TCP is followed by that of HTTP."""
        capture, frames = built(WEBSOCKET.replace(" midstream", "") + "c1 > 00\n")
        self.assertIn(b"Sec-WebSocket-Protocol: mqtt\r\n", frames[3].payload)
        self.assertTrue(frames[4].payload.startswith(b"HTTP/1.1 101 "))
        self.assertEqual((capture.labels["c1.upgrade"], capture.labels["c1.upgraded"]), (4, 5))

    def test_websocket_choice(self) -> None:
        """The server chooses what the client offers, another subprotocol, or none."""
        for words, offer, choice in (("mqtt", b"mqtt", b"mqtt"), ("a,mqtt/a", b"a,mqtt", b"a"), ("mqtt/-", b"mqtt", None)):
            _, frames = built(WEBSOCKET.replace("midstream websocket mqtt", f"websocket {words}") + "c1 > 00\n")
            header = b"Sec-WebSocket-Protocol: "
            self.assertIn(header + offer + b"\r\n", frames[3].payload)
            if choice is None:
                self.assertNotIn(header, frames[4].payload)
            else:
                self.assertIn(header + choice + b"\r\n", frames[4].payload)

    def test_first_version(self) -> None:
        """A case may say which version of Wireshark it is for."""
        text = HEADER + "c1 > 00\n"
        self.assertEqual(parse_case(text).wireshark, (0, 0))
        self.assertEqual(parse_case("wireshark: 4.6\n" + text).wireshark, (4, 6))
        with self.assertRaisesRegex(CaseError, "MAJOR.MINOR"):
            parse_case("wireshark: new\n" + text)

    def test_repeat_and_connections(self) -> None:
        """A block is unrolled; connections without a client port get one each."""
        _, frames = built("title: t\nrepeat N 3..4\nconnection c$N: 10.0.0.$N -> 10.0.0.1:1883 midstream\nend\n"
                          "repeat N 3..4\nc$N > 0$N*$N\nend\n")
        self.assertEqual([(each.source, each.payload) for each in frames],
                         [(("0a000003", 40001), b"\3\3\3"), (("0a000004", 40002), b"\4\4\4\4")])

    def test_same_bytes_each_time(self) -> None:
        """Nothing depends on chance."""
        text = HEADER + '@a c1 > [split 2] 30 { s"a" "x"*100 }   # remark\n  00 01\nagain @a\n'
        self.assertEqual(build(parse_case(text)).data, build(parse_case(text)).data)


class TestFaults(unittest.TestCase):
    """Bad input is refused, with the place."""

    def test_messages(self) -> None:
        """Line and reason of each fault."""
        for text, line, message in (
            ("c1 > 00\n", 3, None), ("c1 > 0\n", 3, "odd number"), ("c2 > 00\n", 3, "no connection"),
            ("c1 > [splat 1] 00\n", 3, "unknown option"), ("c1 > [split 0] 00\n", 3, "must rise"),
            ("c1 > [split 1] 00\n", 3, "past the 1 bytes"), ("c1 > [split 2,1] 00*9\n", 3, "must rise"),
            ("c1 > [split 1] [lost] 00*9\n", 3, "lines of their own"), ("c1 > [text] 00\n", 3, "WebSocket option"),
            ("c1 >\n", 3, "no bytes"), ("@a c1 > 00\n@a c1 > 00\n", 4, "in line 3 already"),
            ("again @b\n", 3, "no earlier line"), ("c1 > 00 +\n", 3, "joins the next"),
            ("c1 > 00 +\nc1 < 00\n", 4, "the same way"), ("c1 > 00*65536\n", 3, "do not fit one segment"),
            ("c1 > [snap 1] 00\n", 3, "does not cut"), ("wait 3\n", 3, "expected a time"),
            ("clock 3s\n", 3, "expected a sign"), ("clock -3\n", 3, "expected a time"),
            ("what: now\n", 3, "unknown header"),
            ("repeat N 1..2\nc1 > 00\n", 3, "without 'end'"), ("end\n", 3, "without 'repeat'"),
            ("connection c1: 10.0.0.2 -> 10.0.0.1:1883\n", 3, "already"),
            ("connection c2: 10.0.0.2 -> [fd00::1]:1883\n", 3, "one address is IPv4"),
            ("connection c2: 10.0.0.2 -> 10.0.0.1\n", 3, "no port"), ("nonsense\n", 3, "not understood"),
            ("c1 > 00\ninfo @zz x\n", 4, "no line has the label"),
            ("@l c1 > [lost] 00\nc1 > 00\ninfo @l x\n", 5, "is lost"),
            ("@a c1 > 00\nfield @a mqtt.topic a\n", 4, "after the field's name"),
            ("@a c1 > 00\nfinding @a mqttscope.x awful\n", 4, "severity is one of"),
            ("@a c1 > 00\nfield @a b = \"x\" y\n", 4, "closing quote"), ("c1 > 00\n  0\n", 3, "odd number"),
            ("", 1, "nothing is sent"), ("preference: novalue\n", 3, "expected: preference"),
            ("title: again\n", 3, "second title"), ("decode-as: tcp.port=1\n", 3, "decode-as"),
        ):
            with self.subTest(text):
                if message is None:
                    build(parse_case(HEADER + text))
                    continue
                with self.assertRaises(CaseError) as raised:
                    build(parse_case(HEADER + text, "some.case"))
                self.assertRegex(str(raised.exception), f"^some.case:{line}: ")
                self.assertIn(message, str(raised.exception))


class TestProgram(unittest.TestCase):
    """tools/case2pcap as it is called."""

    def run_tool(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The finished tool."""
        return subprocess.run([sys.executable, str(ROOT / "tools" / "case2pcap"), *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, check=False)

    def test_write_check_all(self) -> None:
        """A capture is written, found up to date, and found different once the case changes."""
        with tempfile.TemporaryDirectory() as folder:
            case, pcap = Path(folder, "one.case"), Path(folder, "one.pcap")
            case.write_text(MIDSTREAM + "@a c1 > c0 00\n", encoding="utf-8")
            self.assertEqual(self.run_tool("--check", case).returncode, 1)
            self.assertEqual(self.run_tool("--all", folder).returncode, 0)
            self.assertEqual(frames_of(pcap.read_bytes())[0].payload, b"\xc0\0")
            self.assertEqual(self.run_tool("--check", case).returncode, 0)
            self.assertEqual(self.run_tool("--frames", case).stdout.split(), ["1", "@a"])
            case.write_text(MIDSTREAM + "c1 > d0 00\n", encoding="utf-8")
            done = self.run_tool("--check", case)
            self.assertEqual(done.returncode, 1)
            self.assertIn("one.pcap: differs", done.stderr)
            self.assertEqual(self.run_tool(case, "-o", Path(folder, "two.pcap")).returncode, 0)
            self.assertTrue(Path(folder, "two.pcap").exists())

    def test_faults(self) -> None:
        """A broken or missing case: its place, and a status that is not zero."""
        with tempfile.TemporaryDirectory() as folder:
            case = Path(folder, "bad.case")
            case.write_text(MIDSTREAM + "c1 > c\n", encoding="utf-8")
            done = self.run_tool(case)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{case}:3: odd number of hex digits", done.stderr)
            self.assertEqual(self.run_tool(Path(folder, "none.case")).returncode, 1)
            self.assertEqual(self.run_tool().returncode, 2)


class TestAssertions(unittest.TestCase):
    """What a case asserts is compared with what is shown, to the last finding."""

    def faults(self, assertions: str, **shown: object) -> list[str]:
        """What is wrong with one frame that shows `info`, `values` and `findings`."""
        case = parse_case(MIDSTREAM + "@a c1 > c0 00\n" + assertions)
        packet = harness.Packet(1, **shown)  # type: ignore[arg-type]
        return check_case(case, build(case), [packet])

    def test_info_and_fields(self) -> None:
        """Contained and equal texts; values in order, absent and present."""
        shown = {"info": "a PUBLISH b", "values": {"mqtt.topic": ["a|b", "c/#"], "empty": [""]}}
        good = ('info @a PUBLISH\ninfo @a: "a PUB"\ninfo @a = a PUBLISH b\n'
                'field @a mqtt.topic = "a|b" | c/#   # remark\n'
                'field @a none absent\nfield @a empty present\nfield @a empty = ""\n')
        self.assertEqual(self.faults(good, **shown), [])
        for bad in ("info @a = PUBLISH", "info @a CONNECT", "field @a mqtt.topic = c/# | \"a|b\"",
                    "field @a mqtt.topic = c/#",
                    "field @a mqtt.topic absent", "field @a none present", "field @a none = x"):
            with self.subTest(bad):
                self.assertEqual(len(self.faults(bad + "\n", **shown)), 1)

    def test_findings_are_exact(self) -> None:
        """A finding too many and one too few are faults; below `note` only what is asserted counts."""
        def finding(name: str, severity: str) -> harness.Finding:
            return harness.Finding(1, name, severity, "Malformed", f"the text of {name}")

        one = {"findings": [finding("mqttscope.malformed", "error"), finding("mqttscope.cut", "chat")]}
        self.assertEqual(self.faults("finding @a mqttscope.malformed error\n", **one), [])
        both = 'finding @a mqttscope.malformed error ~ "text of"\nfinding @a mqttscope.cut chat\n'
        self.assertEqual(self.faults(both, **one), [])
        self.assertEqual(len(self.faults("", **one)), 1)
        self.assertEqual(len(self.faults("finding @a mqttscope.malformed warning\n", **one)), 2)
        self.assertEqual(len(self.faults("finding @a mqttscope.malformed error ~ other\n", **one)), 2)
        self.assertEqual(len(self.faults("finding @a mqttscope.malformed error\n" * 2, **one)), 1)


if __name__ == "__main__":
    unittest.main()
