#!/usr/bin/python3
# paho_packets.py: random valid control packets, encoded by Eclipse paho, for tools/differential.
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: paho_packets.py VERSION COUNT SEED

Writes lines as packets.js does. What a client sends is made by the functions of paho's client. It has none for what a
server sends, nor for AUTH and acknowledgements with a Reason Code: there the property block and the codes are paho's,
and only the identifier and the fixed header are put before them here.
"""

from __future__ import annotations

import json
import random
import struct
import sys
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as client_module
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCodes
from paho.mqtt.subscribeoptions import SubscribeOptions

Described = tuple[bytes, dict[str, Any]]

ASCII = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789_.,:;!?\"%&()=*<>|@{}[]\\'$~^`"
RANGES = ((0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x5FF), (0x900, 0xDFF), (0x3040, 0x9FFF), (0xAC00, 0xD7A3),
          (0x1F300, 0x1FAFF), (0x01, 0x1F), (0x7F, 0x9F), (0x01, 0xD7FF), (0xE000, 0xFEFE), (0x10000, 0x10FFFF))
SEVERAL = ("UserProperty", "SubscriptionIdentifier")
TYPE_NUMBERS = {name.lower(): number for number, name in enumerate(PacketTypes.Names)}
TYPE_NUMBERS["will"] = PacketTypes.WILLMESSAGE


class Chance(random.Random):
    """Random values of the kinds that packets have."""

    def length(self) -> int:
        """Most are short, some stand where a length needs another byte."""
        kind = self.random()
        if kind < 0.95:
            return self.randrange(40)
        return self.choice((127, 128, 16383, 16384, 65535)) if kind > 0.998 else self.randrange(300)

    def text(self, least: int = 0, length: int | None = None) -> str:
        """A text of so many bytes in UTF-8."""
        left = max(least, self.length()) if length is None else length
        if left > 3000 or self.random() < 0.5:
            return (ASCII * (left // len(ASCII) + 1))[:left]
        out = []
        while left > 0:
            character = chr(self.randint(*self.choice(RANGES)))
            if len(character.encode()) > left:
                character = "x"
            out.append(character)
            left -= len(character.encode())
        return "".join(out)

    def topic(self) -> str:
        """A Topic Name."""
        return self.text(1).replace("+", "-").replace("#", "-")

    def filter(self) -> str:
        """A Topic Filter."""
        return self.choice(("+/", "")) + self.topic()[:20000] + self.choice(("/#", "/+", ""))

    def data(self) -> bytes:
        """Binary data."""
        return self.randbytes(self.length())


def value_of(name: str, chance: Chance) -> Any:
    """A valid value for a property."""
    if name == "TopicAlias":
        return chance.randint(1, 9)
    if name == "SubscriptionIdentifier":
        return chance.choice((1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455))
    if name == "UserProperty":
        return chance.text(), chance.text()
    if name == "ResponseTopic":
        return chance.topic()
    kind = Properties(PacketTypes.CONNECT).types[Properties(PacketTypes.CONNECT).properties[ident_of(name)][0]]
    most = {"Byte": 1, "Two Byte Integer": 0xFFFF, "Four Byte Integer": 0xFFFFFFFF}.get(kind)
    # paho takes no larger Maximum Packet Size.
    most = 268435455 if name == "MaximumPacketSize" else most
    least = 1 if name in ("MaximumPacketSize", "ReceiveMaximum") else 0
    if most is not None:
        return chance.choice((least, most, chance.randint(least, most)))
    return chance.data() if kind == "Binary Data" else chance.text()


def ident_of(name: str) -> int:
    """The identifier of a property, whose name paho writes with spaces."""
    names = Properties(PacketTypes.CONNECT).names
    return next(ident for full, ident in names.items() if full.replace(" ", "") == name)


def names_for(packet: str) -> list[str]:
    """The properties that paho allows in a packet, in the order in which it writes them."""
    properties = Properties(PacketTypes.CONNECT)
    return [full.replace(" ", "") for full, ident in properties.names.items()
            if TYPE_NUMBERS[packet] in properties.properties[ident][1]]


def make_properties(packet: str, chance: Chance, without: tuple[str, ...] = ()) -> tuple[Properties, list[Any]]:
    """paho's object, and the properties as expected.py wants them, in the order in which paho writes them."""
    properties, told = Properties(TYPE_NUMBERS[packet]), []
    for name in names_for(packet):
        if name in without or chance.random() < 0.7:
            continue
        for _ in range(chance.choice((1, 1, 2, 3)) if name in SEVERAL and packet != "subscribe" else 1):
            value = value_of(name, chance)
            setattr(properties, name, value)
            told.append([ident_of(name), value.hex() if isinstance(value, bytes) else value])
    return properties, told


class NoSocket:
    """What paho takes for an open connection."""

    def close(self) -> None:
        """Called when the client ends."""


class Encoder(client_module.Client):
    """paho's client, whose packets are kept in place of being sent."""

    def __init__(self, version: int, client_id: str, clean: bool) -> None:
        arguments: dict[str, Any] = {"client_id": client_id, "protocol": version}
        if version != 5:
            arguments["clean_session"] = clean
        if hasattr(client_module, "CallbackAPIVersion"):
            arguments["callback_api_version"] = client_module.CallbackAPIVersion.VERSION2
        super().__init__(**arguments)
        self._clean_start = clean
        self._sock = NoSocket()
        self.packets: list[bytes] = []

    def _packet_queue(self, command: int, packet: bytes, mid: int, qos: int, info: Any = None) -> int:
        self.packets.append(bytes(packet))
        return 0


class Maker:
    """Makes the packets of one version."""

    def __init__(self, version: int, chance: Chance) -> None:
        self.version = version
        self.chance = chance
        self.client = Encoder(version, "x", True)

    def properties(self, packet: str, without: tuple[str, ...] = ()) -> tuple[Properties | None, list[Any]]:
        """Properties for a packet, none before MQTT 5.0."""
        return make_properties(packet, self.chance, without) if self.version == 5 else (None, [])

    def sent(self) -> bytes:
        """What the client sent last."""
        return self.client.packets.pop()

    def identifier(self) -> int:
        """A Packet Identifier."""
        return self.chance.choice((1, 65535, self.chance.randint(1, 65535)))

    def connect(self, _: bool) -> Described:
        """CONNECT."""
        chance, clean = self.chance, self.chance.random() < 0.5
        client_id = chance.text(length=chance.randint(1, 23)) if self.version == 3 else chance.text(1)
        encoder = Encoder(self.version, client_id, clean)
        told: dict[str, Any] = {"protocol": "MQIsdp" if self.version == 3 else "MQTT", "level": self.version,
                                "clean": clean, "client_id": client_id, "will": None, "user_name": None,
                                "password": None, "keep_alive": chance.randrange(65536)}
        encoder._connect_properties, told["properties"] = self.properties("connect")
        if chance.random() < 0.5:
            properties, listed = self.properties("will")
            payload = chance.data()
            will = {"topic": chance.topic(), "qos": chance.randrange(3), "retain": chance.random() < 0.5}
            encoder.will_set(will["topic"], payload, will["qos"], will["retain"], properties)
            told["will"] = will | {"payload": payload.hex(), "properties": listed}
        if chance.random() < 0.5:
            told["user_name"] = chance.text()
            password = chance.text() if chance.random() < 0.8 else None
            encoder.username_pw_set(told["user_name"], password)
            told["password"] = None if password is None else password.encode().hex()
        encoder._send_connect(told["keep_alive"])
        return encoder.packets.pop(), told

    def publish(self, to_server: bool) -> Described:
        """PUBLISH."""
        chance, qos = self.chance, self.chance.randrange(3)
        properties, listed = self.properties("publish", ("SubscriptionIdentifier",) if to_server else ())
        told = {"qos": qos, "dup": qos > 0 and chance.random() < 0.3, "retain": chance.random() < 0.3,
                "topic": chance.topic(), "id": self.identifier() if qos else None, "properties": listed}
        payload = chance.data() if chance.random() < 0.5 else chance.text().encode()
        self.client._send_publish(told["id"], told["topic"].encode(), payload, qos, told["retain"], told["dup"], None,
                                  properties)
        return self.sent(), told | {"payload": payload.hex()}

    def subscribe(self, _: bool) -> Described:
        """SUBSCRIBE."""
        chance = self.chance
        properties, listed = self.properties("subscribe")
        filters = [{"topic": chance.filter(), "qos": chance.randrange(3), "nl": chance.random() < 0.5,
                    "rap": chance.random() < 0.5, "rh": chance.randrange(3)} for _ in range(chance.randint(1, 5))]
        asked = [(each["topic"].encode(), each["qos"]) for each in filters]
        if self.version == 5:
            asked = [(each["topic"].encode(), SubscribeOptions(each["qos"], each["nl"], each["rap"], each["rh"]))
                     for each in filters]
        self.client._send_subscribe(False, asked, properties)
        packet = self.sent()
        return packet, {"id": self.client._last_mid, "filters": filters, "properties": listed}

    def unsubscribe(self, _: bool) -> Described:
        """UNSUBSCRIBE."""
        properties, listed = self.properties("unsubscribe")
        topics = [self.chance.filter() for _ in range(self.chance.randint(1, 5))]
        self.client._send_unsubscribe(False, [each.encode() for each in topics], properties)
        packet = self.sent()
        filters = [{"topic": each} for each in topics]
        return packet, {"id": self.client._last_mid, "filters": filters, "properties": listed}

    def pingreq(self, _: bool) -> Described:
        """PINGREQ."""
        self.client._send_pingreq()
        return self.sent(), {}

    def pingresp(self, _: bool) -> Described:
        """PINGRESP."""
        self.client._send_pingresp()
        return self.sent(), {}

    def disconnect(self, to_server: bool) -> Described:
        """DISCONNECT; paho leaves out the code and the properties that are not given to it."""
        if self.version != 5:
            self.client._send_disconnect()
            return self.sent(), {"code": None, "properties": None}
        if self.chance.random() < 0.2:
            self.client._send_disconnect()
            return self.sent(), {"code": None, "properties": None}
        properties, listed = self.properties("disconnect", ("ServerReference",) if to_server else ())
        code = self.code("disconnect")
        has_properties = self.chance.random() < 0.8
        self.client._send_disconnect(code, properties if has_properties else None)
        return self.sent(), {"code": code.value, "properties": listed if has_properties else None}

    def code(self, packet: str) -> ReasonCodes:
        """A Reason Code that paho allows in a packet."""
        number = TYPE_NUMBERS[packet]
        any_code = ReasonCodes(PacketTypes.CONNACK, "Success")
        names = [(name, value) for value, names in any_code.names.items() for name, packets in names.items()
                 if number in packets]
        return ReasonCodes(number, self.chance.choice(names)[0])

    def answer(self, packet: str, before: bytes, told: dict[str, Any], behind: bytes = b"") -> Described:
        """A packet of MQTT 5.0 with a code (unless told has codes) and properties."""
        properties, told["properties"] = self.properties(packet)
        assert properties is not None
        if "codes" not in told:
            code = self.code(packet)
            told["code"] = code.value
            before += bytes(code.pack())
        body = before + bytes(properties.pack()) + behind
        out = bytearray([TYPE_NUMBERS[packet] << 4 | (2 if packet == "pubrel" else 0)])
        self.client._pack_remaining_length(out, len(body))
        return bytes(out) + body, told

    def connack(self, _: bool) -> Described:
        """CONNACK, which a client does not send."""
        present = self.chance.random() < 0.5 and self.version != 3
        if self.version == 5:
            return self.answer("connack", bytes([present]), {"session_present": present})
        code = self.chance.randrange(6)
        return bytes([0x20, 2, present, code]), {"session_present": present, "code": code}

    def publish_answer(self, packet: str, send: Callable[[int], int]) -> Described:
        """PUBACK, PUBREC, PUBREL, PUBCOMP: as the client sends them, or with a code."""
        number = self.identifier()
        if self.version == 5 and self.chance.random() < 0.7:
            return self.answer(packet, struct.pack("!H", number), {"id": number})
        send(number)
        return self.sent(), {"id": number, "code": None, "properties": None}

    def subscribe_answer(self, packet: str) -> Described:
        """SUBACK and UNSUBACK."""
        number, chance = self.identifier(), self.chance
        told: dict[str, Any]
        count = chance.randint(1, 6)
        if self.version == 5:
            codes = [self.code(packet) for _ in range(count)]
            told = {"id": number, "codes": [each.value for each in codes]}
            return self.answer(packet, struct.pack("!H", number), told, b"".join(bytes(each.pack()) for each in codes))
        plain = [chance.choice((0, 1, 2) if self.version == 3 else (0, 1, 2, 0x80)) for _ in range(count)]
        told = {"id": number, "codes": plain if packet == "suback" else None}
        body = struct.pack("!H", number) + bytes(plain if packet == "suback" else [])
        return bytes([TYPE_NUMBERS[packet] << 4, len(body)]) + body, told

    def make(self, packet: str, to_server: bool) -> Described:
        """One packet."""
        sends = {"puback": self.client._send_puback, "pubrec": self.client._send_pubrec,
                 "pubrel": self.client._send_pubrel, "pubcomp": self.client._send_pubcomp}
        if packet in sends:
            return self.publish_answer(packet, sends[packet])
        if packet in ("suback", "unsuback"):
            return self.subscribe_answer(packet)
        if packet == "auth":
            return self.answer("auth", b"", {})
        described: Described = getattr(self, packet)(to_server)
        return described


def main() -> None:
    """Writes the lines."""
    version, count = int(sys.argv[1]), int(sys.argv[2])
    chance = Chance(f"{sys.argv[3]}/{version}")
    maker = Maker(version, chance)
    either = ["publish"] * 3 + ["puback", "pubrec", "pubrel", "pubcomp"] + (["auth"] if version == 5 else [])
    of_client, of_server = [*either, "subscribe", "unsubscribe", "pingreq"], [*either, "suback", "unsuback", "pingresp"]
    written = connection = 0

    def put(packet: str, to_server: bool) -> None:
        nonlocal written
        data, told = maker.make(packet, to_server)
        json.dump({"connection": connection, "to_server": to_server, "bytes": data.hex(),
                   "packet": {"type": packet, "version": version} | told}, sys.stdout)
        sys.stdout.write("\n")
        written += 1

    while written < count:
        put("connect", True)
        put("connack", False)
        for _ in range(chance.randrange(20)):
            to_server = chance.random() < 0.5
            put(chance.choice(of_client if to_server else of_server), to_server)
        if chance.random() < 0.5:
            put("disconnect", version != 5 or chance.random() < 0.5)
        connection += 1


if __name__ == "__main__":
    main()
