# test_payload.py: a PUBLISH's payload goes to the one who knows it, and to nobody else.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The order: the user's table (Message Decoding), the Content Type, the dissectors that judge by the topic, JSON."""

from __future__ import annotations

import json
import unittest
import zlib
from pathlib import Path

import harness
from crafted import V5, V311, CraftedTest
from harness import Order, Settings

XML = '"<root/>"'
JSON = '"{\\"key\\": 1}"'
SHOWN = ["xml.tag", "json.key", "mqtt.msg_decoded_as", "protobuf.field.number", "mqtt.msgtype", "mqtt.msg"]


def table(*rows: tuple[str, str, str, str]) -> Settings:
    """The user's Message Decoding table: match criteria, topic pattern, decoding, dissector."""
    text = "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows)
    return Settings(files=(("mqtt_message_decoding", text),))


def publish(topic: str, payload: str, properties: str = "") -> str:
    """A PUBLISH of MQTT 5.0, as a case writes it."""
    return f'30 {{ s"{topic}" {{ {properties} }} {payload} }}'


class PayloadTest(CraftedTest):
    """Base: what is shown of the last frame of a capture."""

    def last(self, capture: Path, settings: Settings = Settings()) -> dict[str, list[str]]:
        """The values of the last frame; the same in one pass and in two."""
        one, two = (harness.rows(capture, SHOWN, settings=settings, order=order)[-1]
                    for order in (Order.ONE_PASS, Order.TWO_PASSES))
        self.assertEqual(one, two)
        return one

    def decoded(self, packet: str, settings: Settings = Settings()) -> set[str]:
        """Who dissected the payload of one PUBLISH, each at most once."""
        shown = self.last(self.capture(V5 + f"c1 > {packet}\n"), settings)
        for name in ("xml.tag", "json.key"):
            self.assertLessEqual(len(shown[name]), 1, f"{name} is there more than once")
        return {name.split(".")[0] for name in ("xml.tag", "json.key", "protobuf.field.number") if shown[name]}


class TestTable(PayloadTest):
    """The table of the built-in dissector, from the user's profile."""

    def test_match_criteria(self) -> None:
        """Each way to compare a pattern with a topic."""
        for criterion, pattern, fits, misses in (
                ("Equal to", "a/b", ["a/b"], ["a/bc", "A/b"]),
                ("Contains", "/mid/", ["a/mid/b"], ["mid/b"]),
                ("Starts with", "plant/", ["plant/1"], ["a/plant/1"]),
                ("Ends with", "/xml", ["a/xml"], ["a/xml/b"]),
                ("Regular Expression", "^dev/[0-9]+/(x|y)$", ["dev/12/x", "dev/1/y"], ["dev/a/x", "dev/1/z"])):
            for topic in fits + misses:
                with self.subTest(criterion=criterion, topic=topic):
                    shown = self.decoded(publish(topic, XML), table((criterion, pattern, "none", "xml")))
                    self.assertEqual(shown, {"xml"} if topic in fits else set())

    def test_first_row_that_fits(self) -> None:
        """Later rows are not asked."""
        rows = ("Starts with", "z/", "none", "json"), ("Contains", "b", "none", "xml"), ("Equal to", "a/b", "none", "json")
        self.assertEqual(self.decoded(publish("a/b", XML), table(*rows)), {"xml"})

    def test_compressed(self) -> None:
        """zlib data is inflated first; what is no zlib data hurts nobody."""
        settings = table(("Equal to", "a/b", "compressed", "xml"))
        packed = zlib.compress(b"<root><leaf/></root>" * 3).hex()
        shown = self.last(self.capture(V5 + f"c1 > {publish('a/b', packed)}\n"), settings)
        self.assertEqual(len(shown["xml.tag"]), 6)
        shown = self.last(self.capture(V5 + f"c1 > {publish('a/b', XML)} c0 00\n"), settings)
        self.assertEqual((shown["xml.tag"], shown["mqtt.msgtype"]), ([], ["3", "12"]))

    def test_decoded_as(self) -> None:
        """The tree says which row it was, by the built-in's field."""
        shown = self.last(self.capture(V5 + f"c1 > {publish('a/b', XML)}\n"), table(("Equal to", "a/b", "none", "xml")))
        self.assertEqual(shown["mqtt.msg_decoded_as"], ["xml"])

    def test_topic_behind_an_alias(self) -> None:
        """The table is asked about the topic that the alias stands for."""
        text = (V5 + f"c1 > {publish('a/b', XML, '23 0001')}\nc1 > {publish('', XML, '23 0001')}\n")
        shown = self.last(self.capture(text), table(("Equal to", "a/b", "none", "xml")))
        self.assertEqual(len(shown["xml.tag"]), 1)

    def test_before_the_content_type(self) -> None:
        """The user knows better than the packet."""
        packet = publish("a/b", XML, '03 s"application/json"')
        self.assertEqual(self.decoded(packet, table(("Equal to", "a/b", "none", "xml"))), {"xml"})

    def test_before_json(self) -> None:
        """And better than a look at the payload."""
        self.assertEqual(self.decoded(publish("a/b", JSON), table(("Equal to", "a/b", "none", "xml"))), set())

    def test_older_versions(self) -> None:
        """The table is not a matter of MQTT 5.0."""
        shown = self.last(self.capture(V311 + f'c1 > 30 {{ s"a/b" {XML} }}\n'), table(("Equal to", "a/b", "none", "xml")))
        self.assertEqual(len(shown["xml.tag"]), 1)


class TestContentType(PayloadTest):
    """The Content Type of MQTT 5.0, which is a MIME type by custom."""

    def test_spellings(self) -> None:
        """Parameters, case and white space do not count."""
        for name in ("text/xml", "text/xml; charset=utf-8", "text/xml;charset=utf-8", "TEXT/XML", " Text/Xml ; a=b"):
            with self.subTest(name=name):
                self.assertEqual(self.decoded(publish("a", XML, f'03 s"{name}"')), {"xml"})

    def test_unknown(self) -> None:
        """A type that nobody knows leaves the rest of the order as it is."""
        self.assertEqual(self.decoded(publish("a", XML, '03 s"x/unknown"')), set())
        self.assertEqual(self.decoded(publish("a", JSON, '03 s"x/unknown"')), {"json"})
        self.assertEqual(self.decoded(publish("a", JSON, '03 s""')), {"json"})

    def test_before_the_topic(self) -> None:
        """Declared XML is not tried as Sparkplug B."""
        self.assertEqual(self.decoded(publish("spBv1.0/group/NDATA/node", XML, '03 s"text/xml"')), {"xml"})


class TestTopicAndJson(PayloadTest):
    """Without a declaration: what the topic says, then what the payload looks like."""

    def test_sparkplug(self) -> None:
        """A Sparkplug B topic with a protobuf payload: timestamp and sequence number."""
        payload = "08 d2 85 d8 cc 04 18 07"
        self.assertEqual(self.decoded(publish("spBv1.0/group/NDATA/node", payload)), {"protobuf"})
        self.assertEqual(self.decoded(publish("other/group/NDATA/node", payload)), set())

    def test_others_that_judge_by_the_topic(self) -> None:
        """One that is added to Sparkplug B is asked about each topic, in plain output as well."""
        if "Lua" not in harness.tshark("-v"):
            self.skipTest("this tshark has no Lua to write a dissector in")
        capture = self.capture(V5 + f"c1 > {publish('a', JSON)}\n")
        script = capture.with_name("by-topic.lua")
        script.write_text(
            'local proto = Proto("bytopic", "By Topic")\n'
            "proto:register_heuristic('mqtt.topic', function(payload, pinfo, tree)\n"
            "    pinfo.cols.protocol = 'by topic'\n"
            "    tree:add(proto, payload())\n"
            "    return true\n"
            "end)\n", encoding="utf-8")
        options = ("-X", f"lua_script:{script}")
        shown = harness.tshark(*options, "-T", "fields", "-e", "frame.protocols", "-e", "json.key", capture=capture)
        self.assertTrue(shown.splitlines()[-1].endswith(":mqtt:bytopic\t"), shown)
        self.assertIn(" by topic ", harness.tshark(*options, capture=capture).splitlines()[-1])

    def test_json(self) -> None:
        """An object or an array that is JSON from its first byte to its last, white space around it apart."""
        for text in (JSON, '" \\n{\\"key\\": 1}\\r\\n"', '"[{\\"key\\": [1e5, null]}]"'):
            with self.subTest(text=text):
                self.assertEqual(self.decoded(publish("a", text)), {"json"})
        for text in ('"{\\"key\\": "', '"key"', '"[x"', '"{}x"', '"12"', "7b ff 7d", '""', '"[{\\"key\\": 1}"',
                     '"{\\"key\\": 1 2}"', '"{\\"key\\": tru}"', '"{\\"key\\": 1]"', '"{\\"key\\": 01}"'):
            with self.subTest(text=text):
                self.assertEqual(self.decoded(publish("a", text)), set())

    def test_json_of_any_size(self) -> None:
        """More values than Wireshark's own check takes, and deeper nesting than its dissector takes."""
        for count in (1000, 1100, 40000):
            text = json.dumps({f"key-{number}": number for number in range(count)})
            shown = self.last(self.capture(V311 + f"c1 > [mss 1460] 30 {{ s\"a\" {text.encode().hex()} }}\n"))
            with self.subTest(count=count):
                self.assertEqual(len(shown["json.key"]), count)
        deep = self.capture(V311 + f'c1 > 30 {{ s"a" {"5b" * 400}{"5d" * 400} }} c0 00\n')
        self.assertEqual(self.last(deep)["mqtt.msgtype"], ["3", "12"])

    def test_json_that_no_tree_holds(self) -> None:
        """Wireshark takes too many items for an endless loop: the packet says that they are not shown, and what follows is."""
        text = json.dumps({f"key-{number}": number for number in range(500)}).encode().hex()
        capture = self.capture(V311 + f'c1 > 30 {{ s"a" {text} }} c0 00\n')
        for items, expected in (("20000", 500), ("5000", 0)):
            settings = Settings((("gui.max_tree_items", items),))
            shown = harness.rows(capture, [*SHOWN, "mqttscope.limit_items"], settings=settings)[-1]
            with self.subTest(items=items):
                self.assertEqual(len(shown["json.key"]), expected)
                self.assertEqual(bool(shown["mqttscope.limit_items"]), expected == 0)
                self.assertEqual(shown["mqtt.msgtype"], ["3", "12"])

    def test_protocol_column(self) -> None:
        """JSON that is not announced is in the Protocol column where JSON that is announced is, with a tree and without."""
        frames = ("{0}", "{0} c0 00", "c0 00 {0}", "{0} {0}")
        pairs = [(publish("a", JSON), publish("a", JSON, '03 s"application/json"')),
                 (publish("a", '"[1"'), publish("a", '"[1"', '03 s"x/unknown"'))]
        text = V5 + "".join(f"c1 > {frame.format(each)}\n" for frame in frames for pair in pairs for each in pair)
        capture = self.capture(text)
        for order in (Order.ONE_PASS, Order.TWO_PASSES):
            columns = ["".join(row["protocol"]) for row in harness.rows(capture, ["protocol"], order=order)[5:]]
            self.assertEqual(columns[0::2], columns[1::2])
            self.assertEqual(columns[0::4], ["MQTT/JSON", "MQTT", "MQTT/JSON", "MQTT/JSON"])
            self.assertEqual(set(columns[2::4]), {"MQTT"})
        plain = harness.tshark(capture=capture)
        tree = harness.tshark("-P", "-V", capture=capture)
        self.assertEqual([line for line in tree.splitlines() if "MQTT" in line[:70] and "client-1 →" in line],
                         [line for line in plain.splitlines() if "client-1 →" in line])
        self.assertEqual(plain.count("MQTT/JSON"), 6)
        off = harness.tshark("--disable-protocol", "json", capture=capture)
        self.assertEqual(off.count("MQTT/JSON"), 0)

    def test_filter_finds_what_the_tree_shows(self) -> None:
        """-Y json selects the frame though nobody looks at the tree, and the columns are the same either way."""
        capture = self.capture(V311 + f'c1 > 30 {{ s"a" {JSON} }}\nc1 > 30 {{ s"b" "text" }}\n')
        for display_filter in ("json", 'json.key == "key"'):
            with self.subTest(display_filter=display_filter):
                columns = harness.tshark("-Y", display_filter, capture=capture).splitlines()
                self.assertEqual(len(columns), 1)
                plain = harness.tshark("-Y", "frame.number == 6", capture=capture).splitlines()
                tree = harness.tshark("-P", "-V", "-Y", "frame.number == 6", capture=capture).splitlines()
                self.assertEqual(columns, plain)
                self.assertEqual(tree[:1], plain)

    def test_text(self) -> None:
        """The Payload Format Indicator is shown; text is text whatever it says."""
        capture = self.capture(V5 + "".join(f"c1 > {publish('a', payload, properties)}\n" for payload, properties in (
            ('"h\\xc3\\xa9llo"', "01 01"), ('"plain"', "01 00"), ("ff fe", "01 01"), ("ff fe", ""))))
        rows = harness.rows(capture, ["mqtt.property.payload_format_indicator", "mqtt.msg", "mqtt.msg_text"])[-4:]
        self.assertEqual([row["mqtt.property.payload_format_indicator"] for row in rows], [["1"], ["0"], ["1"], []])
        self.assertEqual([row["mqtt.msg_text"] for row in rows], [["h\u00e9llo"], ["plain"], [], []])
        self.assertEqual([len(row["mqtt.msg"]) for row in rows], [1] * 4)
        text = harness.tshark("-V", capture=capture)
        self.assertIn("Payload Format Indicator: UTF-8 Encoded Character Data (1)", text)
        self.assertIn("Payload Format Indicator: Unspecified bytes (0)", text)


class TestHarm(PayloadTest):
    """A payload whose dissector gives up does not hurt what stands beside it."""

    givers_up = ("dhcp", "dns")
    """Dissectors that throw: over the end of the payload, and by taking it for a piece of a TCP stream."""

    def test_next_packets(self) -> None:
        """The packets behind it, in its segment and in later ones, and the Info column of all."""
        text = V311 + 'c1 > 30 { s"bad" 1234 } 30 { s"good" "text" } c0 00\nc1 > 30 { s"good" "again" }\n'
        capture = self.capture(text)
        for name in self.givers_up:
            for order in Order:
                first, second = harness.packets(capture, settings=table(("Equal to", "bad", "none", name)),
                                                order=order)[-2:]
                with self.subTest(dissector=name, order=order):
                    self.assertEqual(first.values["mqtt.msgtype"], ["3", "3", "12"])
                    self.assertEqual(first.values["mqtt.topic"], ["bad", "good"])
                    self.assertEqual(first.info, 'client-1 → broker  3 packets: PUBLISH bad QoS 0 2 bytes'
                                     ' | PUBLISH good QoS 0 "text" | PINGREQ')
                    self.assertEqual(second.info, 'client-1 → broker  PUBLISH good QoS 0 "again"')
                    self.assertEqual(first.findings, [], "the payload's fault is not the packet's")

    def test_fault_is_shown(self) -> None:
        """Wireshark says that the payload is malformed."""
        capture = self.capture(V311 + 'c1 > 30 { s"bad" 1234 }\nc1 > c0 00\n')
        rows = harness.rows(capture, ["_ws.malformed"], settings=table(("Equal to", "bad", "none", "dhcp")))
        self.assertEqual([bool(row["_ws.malformed"]) for row in rows[-2:]], [True, False])

    def test_reassembled(self) -> None:
        """The same for a packet whose bytes came in three segments."""
        capture = self.capture(V311 + 'c1 > [split 3,9] 30 { s"bad" 12*20 } 30 { s"good" "text" }\n')
        for name in self.givers_up:
            shown = harness.packets(capture, settings=table(("Equal to", "bad", "none", name)))[-1]
            self.assertEqual(shown.values["mqtt.topic"], ["bad", "good"])

    def test_info_stays_ours(self) -> None:
        """A payload dissector that writes columns: Info still has one entry a control packet."""
        query = "( 1234 0100 0001 0000 0000 0000 01 61 00 0001 0001 )"
        shown = harness.packets(self.capture(V311 + f'c1 > 30 {{ s"dns" {query} }} c0 00\n'),
                                settings=table(("Equal to", "dns", "none", "dns")))[-1]
        self.assertEqual(shown.info, "client-1 → broker  2 packets: PUBLISH dns QoS 0 21 bytes | PINGREQ")
        self.assertIn("dns.qry.name", shown.values)


if __name__ == "__main__":
    unittest.main()
