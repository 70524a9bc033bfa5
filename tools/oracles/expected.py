# expected.py: which fields the plugin has to show for a packet, told by what the packet was made from.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A packet is described by what its encoder was given, whichever encoder that is:

    type     "connect", "connack", ...; version  3, 4 or 5
    id       Packet Identifier, None where the packet has none
    code     Reason Code or return code, None where the packet leaves it out
    properties   [[identifier, value], ...] as on the wire, None where the packet has no property block; numbers as
             numbers, text as text, binary data in hex, a User Property as [name, value]
    connect  protocol, level, clean, keep_alive, client_id, user_name, password (hex),
             will: {topic, payload (hex), qos, retain, properties}
    connack  session_present
    publish  qos, dup, retain, topic, payload (hex)
    subscribe, unsubscribe   dup, filters: [{topic, qos, nl, rap, rh}]
    suback, unsuback   codes

No byte is read here to find out what it means: the names of the fields are the plugin's, the values the encoder's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = ("reserved", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback",
         "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth")

NUMBER, FLAG, TEXT, BINARY, PAIR = range(5)
PROPERTIES = {
    0x01: ("payload_format_indicator", NUMBER), 0x02: ("message_expiry_interval", NUMBER), 0x03: ("content_type", TEXT),
    0x08: ("response_topic", TEXT), 0x09: ("correlation_data", BINARY), 0x0B: ("subscription_identifier", NUMBER),
    0x11: ("session_expiry_interval", NUMBER), 0x12: ("assigned_client_identifier", TEXT),
    0x13: ("server_keep_alive", NUMBER), 0x15: ("authentication_method", TEXT), 0x16: ("authentication_data", BINARY),
    0x17: ("request_problem_information", FLAG), 0x18: ("will_delay_interval", NUMBER),
    0x19: ("request_response_information", FLAG), 0x1A: ("response_information", TEXT),
    0x1C: ("server_reference", TEXT),
    0x1F: ("reason_string", TEXT), 0x21: ("receive_maximum", NUMBER), 0x22: ("topic_alias_maximum", NUMBER),
    0x23: ("topic_alias", NUMBER), 0x24: ("max_qos", NUMBER), 0x25: ("retain_available", FLAG),
    0x26: ("user_property", PAIR), 0x27: ("maximum_packet_size", NUMBER),
    0x28: ("wildcard_subscription_available", FLAG), 0x29: ("subscription_identifier_available", FLAG),
    0x2A: ("shared_subscription_available", FLAG),
}
CONTENT_TYPE, TOPIC_ALIAS, MAXIMUM_QOS = 0x03, 0x23, 0x24

WIRE_FIELDS = (
    "mqtt.hdrflags", "mqtt.msgtype", "mqtt.hdr_reserved", "mqtt.dupflag", "mqtt.qos", "mqtt.retain",
    "mqtt.retain_reserved", "mqtt.len", "mqtt.msgid", "mqtt.proto_len", "mqtt.protoname", "mqtt.ver", "mqtt.ver.bridge",
    "mqtt.ver.level", "mqtt.conflags", "mqtt.conflag.uname", "mqtt.conflag.passwd", "mqtt.conflag.retain",
    "mqtt.conflag.qos", "mqtt.conflag.willflag", "mqtt.conflag.cleansess", "mqtt.conflag.reserved", "mqtt.kalive",
    "mqtt.clientid_len", "mqtt.clientid", "mqtt.willtopic_len", "mqtt.willtopic", "mqtt.willmsg_len", "mqtt.willmsg",
    "mqtt.willmsg_text", "mqtt.username_len", "mqtt.username", "mqtt.passwd_len", "mqtt.passwd", "mqtt.passwd.bytes",
    "mqtt.conack.flags", "mqtt.conack.flags.reserved", "mqtt.conack.flags.sp", "mqtt.conack.val", "mqtt.topic_len",
    "mqtt.topic", "mqtt.msg", "mqtt.msg_text", "mqtt.sub.qos", "mqtt.subscription_options",
    "mqtt.subscription_options_reserved", "mqtt.subscription_options_retain", "mqtt.subscription_options_rap",
    "mqtt.subscription_options_nl", "mqtt.subscription_options_qos", "mqtt.suback.qos", "mqtt.property_len",
    "mqtt.property_id", "mqtt.prop_number", "mqtt.prop_string_len", "mqtt.prop_string", "mqtt.prop_key_len",
    "mqtt.prop_key", "mqtt.prop_value_len", "mqtt.prop_value",
)
CODE_FIELDS = tuple(f"mqtt.{name}.reason_code" for name in (
    "connack", "puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback", "disconnect", "auth"))
IN_A_WILL = ("payload_format_indicator", "message_expiry_interval", "content_type", "response_topic",
             "correlation_data", "will_delay_interval", "user_property", "user_property.name", "user_property.value")
PROPERTY_FIELDS = tuple(f"mqtt.property.{name}" for name, _ in PROPERTIES.values()) + (
    "mqtt.property.user_property.name", "mqtt.property.user_property.value") + tuple(
    f"mqtt.will_property.{name}" for name in IN_A_WILL)
ACCUSATIONS = ("mqttscope.malformed", "mqttscope.framing", "mqttscope.cut", "mqttscope.unframed", "mqttscope.repeated",
               "mqtt.prop_unknown", "mqtt.unread", "mqtt.unframed", "_ws.malformed")
"""What must not be there at all: valid packets that were captured whole can be read."""
FIELDS = WIRE_FIELDS + CODE_FIELDS + PROPERTY_FIELDS + ("mqttscope.version", "mqttscope.pdu") + ACCUSATIONS

Shown = dict[str, list[str]]


BINARY_FIELDS = ("mqtt.msg", "mqtt.willmsg", "mqtt.passwd.bytes") + tuple(
    f"mqtt.{place}.{name}" for place in ("property", "will_property")
    for name, kind in PROPERTIES.values() if kind == BINARY)


def shown_text(text: str) -> str:
    """As much of a text as Wireshark shows: a string may end at U+0000 there."""
    return text.split("\0", 1)[0]


def level(name: str, value: str) -> str:
    """A value from Wireshark's JSON in the form that it has here."""
    if name in BINARY_FIELDS:
        return "" if value == "<MISSING>" else value.replace(":", "")
    return shown_text(value)


class _Fields:
    """Collects the fields of one packet, in the order of the tree."""

    def __init__(self) -> None:
        self.shown: Shown = {}

    def add(self, name: str, value: int | str | None) -> None:
        """A value; None stands for no field."""
        if value is not None:
            self.shown.setdefault(name, []).append(str(int(value)) if isinstance(value, bool) else str(value))

    def add_hex(self, name: str, value: int) -> None:
        """A byte that is shown in hexadecimal."""
        self.add(name, f"0x{value:02x}")

    def add_prefixed(self, length_name: str, name: str, text: str, shows_empty: bool = True) -> None:
        """A text and its length. Empty topics have no field of their own, as in Wireshark's own dissector."""
        self.add(length_name, len(text.encode()))
        if text or shows_empty:
            self.add(name, shown_text(text))

    def add_payload(self, name: str, text_name: str, data: str) -> None:
        """Binary data, and the same as text if it is that."""
        self.add(name, data)
        try:
            self.add(text_name, shown_text(bytes.fromhex(data).decode()))
        except UnicodeDecodeError:
            pass

    def add_properties(self, properties: list[list[Any]] | None, in_will: bool = False) -> None:
        """A property block."""
        if properties is None:
            return
        self.add("mqtt.property_len", sum(_size_of_property(*each) for each in properties))
        for identifier, value in properties:
            self._add_property(identifier, value, "mqtt.will_property." if in_will else "mqtt.property.")

    def _add_property(self, identifier: int, value: Any, prefix: str) -> None:
        name, kind = PROPERTIES[identifier]
        self.add_hex("mqtt.property_id", identifier)
        if kind == PAIR:
            first, second = (shown_text(half) for half in value)
            self.add(prefix + name, f"{first}: {second}")
            for part, half in (("key", value[0]), ("value", value[1])):
                self.add_prefixed(f"mqtt.prop_{part}_len", f"mqtt.prop_{part}", half)
            self.add(prefix + name + ".name", first)
            self.add(prefix + name + ".value", second)
        elif kind in (NUMBER, FLAG):
            self.add(prefix + name, value)
            if identifier not in (TOPIC_ALIAS, MAXIMUM_QOS):
                self.add("mqtt.prop_number", value)
        else:
            data = value.encode() if kind == TEXT else bytes.fromhex(value)
            self.add(prefix + name, shown_text(value) if kind == TEXT else value)
            if identifier != CONTENT_TYPE:
                self.add("mqtt.prop_string_len", len(data))
                self.add("mqtt.prop_string", shown_text(data.decode(errors="replace")))
            elif prefix != "mqtt.property.":
                self.add("mqtt.property.content_type", shown_text(value))


def _size_of_varint(number: int) -> int:
    return 1 + (number >= 1 << 7) + (number >= 1 << 14) + (number >= 1 << 21)


def _size_of_property(identifier: int, value: Any) -> int:
    """Bytes of a property on the wire (MQTT 5.0 section 2.2.2.2)."""
    kind = PROPERTIES[identifier][1]
    if kind == PAIR:
        return 5 + sum(len(half.encode()) for half in value)
    if kind in (TEXT, BINARY):
        return 3 + (len(value.encode()) if kind == TEXT else len(value) // 2)
    if identifier == 0x0B:
        return 1 + _size_of_varint(value)
    return 1 + {0x02: 4, 0x11: 4, 0x18: 4, 0x27: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x23: 2}.get(identifier, 1)


def _add_fixed_header(fields: _Fields, packet: Mapping[str, Any], length: int) -> None:
    kind, version = TYPES.index(packet["type"]), packet["version"]
    is_publish = packet["type"] == "publish"
    is_request = packet["type"] in ("pubrel", "subscribe", "unsubscribe")
    dup = packet.get("dup", False)
    flags = (dup << 3 | packet["qos"] << 1 | packet["retain"]) if is_publish else (dup << 3 | 2) if is_request else 0
    fields.add_hex("mqtt.hdrflags", kind << 4 | flags)
    fields.add("mqtt.msgtype", kind)
    if is_publish or (is_request and version == 3):
        fields.add("mqtt.dupflag", dup)
        fields.add("mqtt.qos", packet["qos"] if is_publish else 1)
        fields.add("mqtt.retain" if is_publish else "mqtt.retain_reserved", int(packet.get("retain", False)))
    else:
        fields.add("mqtt.hdr_reserved", flags)
    remaining = next(length - 1 - size for size in (1, 2, 3, 4) if _size_of_varint(length - 1 - size) == size)
    fields.add("mqtt.len", remaining)


def _add_connect(fields: _Fields, packet: Mapping[str, Any]) -> None:
    will = packet["will"]
    user_name, password = packet["user_name"], packet["password"]
    fields.add_prefixed("mqtt.proto_len", "mqtt.protoname", packet["protocol"])
    fields.add("mqtt.ver", packet["level"])
    if packet["level"] & 0x80:
        fields.add("mqtt.ver.bridge", True)
        fields.add("mqtt.ver.level", packet["level"] & 0x7F)
    bits = {"uname": user_name is not None, "passwd": password is not None,
            "retain": will is not None and will["retain"], "qos": will["qos"] if will else 0,
            "willflag": will is not None, "cleansess": packet["clean"], "reserved": False}
    places = (7, 6, 5, 3, 2, 1, 0)
    fields.add_hex("mqtt.conflags", sum(value << place for value, place in zip(bits.values(), places)))
    for name, value in bits.items():
        fields.add(f"mqtt.conflag.{name}", value)
    fields.add("mqtt.kalive", packet["keep_alive"])
    fields.add_properties(packet["properties"] if packet["version"] == 5 else None)
    fields.add_prefixed("mqtt.clientid_len", "mqtt.clientid", packet["client_id"])
    if will is not None:
        fields.add_properties(will["properties"] if packet["version"] == 5 else None, in_will=True)
        fields.add_prefixed("mqtt.willtopic_len", "mqtt.willtopic", will["topic"], shows_empty=False)
        fields.add("mqtt.willmsg_len", len(will["payload"]) // 2)
        fields.add_payload("mqtt.willmsg", "mqtt.willmsg_text", will["payload"])
    if user_name is not None:
        fields.add_prefixed("mqtt.username_len", "mqtt.username", user_name)
    if password is not None:
        fields.add("mqtt.passwd_len", len(password) // 2)
        fields.add("mqtt.passwd.bytes", password)
        fields.add("mqtt.passwd", shown_text(bytes.fromhex(password).decode(errors="replace")))


def _add_connack(fields: _Fields, packet: Mapping[str, Any]) -> None:
    if packet["version"] == 3:
        fields.add("mqtt.conack.flags.reserved", False)
    else:
        fields.add_hex("mqtt.conack.flags", packet["session_present"])
        fields.add("mqtt.conack.flags.reserved", False)
        fields.add("mqtt.conack.flags.sp", packet["session_present"])
    fields.add("mqtt.connack.reason_code" if packet["version"] == 5 else "mqtt.conack.val", packet["code"])


def _add_filters(fields: _Fields, packet: Mapping[str, Any]) -> None:
    for each in packet["filters"]:
        fields.add_prefixed("mqtt.topic_len", "mqtt.topic", each["topic"], shows_empty=False)
        if packet["type"] == "subscribe" and packet["version"] == 5:
            options = each["rh"] << 4 | each["rap"] << 3 | each["nl"] << 2 | each["qos"]
            fields.add_hex("mqtt.subscription_options", options)
            fields.add_hex("mqtt.subscription_options_reserved", 0)
            for name, value in (("retain", each["rh"]), ("rap", each["rap"]), ("nl", each["nl"]), ("qos", each["qos"])):
                fields.add(f"mqtt.subscription_options_{name}", value)
        elif packet["type"] == "subscribe":
            fields.add("mqtt.sub.qos", each["qos"])


def expected_fields(packet: Mapping[str, Any], length: int, aliased_topic: str | None) -> Shown:
    """The fields of a packet that takes `length` bytes; `aliased_topic` is what its Topic Alias stands for, if it sends
    that in place of its topic."""
    fields = _Fields()
    kind, version = packet["type"], packet["version"]
    properties = packet.get("properties") if version == 5 else None
    fields.add("mqttscope.version", version)
    _add_fixed_header(fields, packet, length)
    if kind == "publish":
        fields.add_prefixed("mqtt.topic_len", "mqtt.topic", packet["topic"], shows_empty=False)
        if aliased_topic is not None:
            fields.add("mqtt.topic", shown_text(aliased_topic))
    fields.add("mqtt.msgid", packet.get("id"))
    if kind == "connect":
        _add_connect(fields, packet)
    elif kind == "connack":
        _add_connack(fields, packet)
    elif version == 5:
        fields.add(f"mqtt.{kind}.reason_code", packet.get("code"))
    if kind != "connect":
        fields.add_properties(properties)
    if kind == "publish":
        fields.add_payload("mqtt.msg", "mqtt.msg_text", packet["payload"])
    elif kind in ("subscribe", "unsubscribe"):
        _add_filters(fields, packet)
    for code in packet.get("codes") or ():
        fields.add(f"mqtt.{kind}.reason_code" if version == 5 else "mqtt.suback.qos", code)
    return fields.shown
