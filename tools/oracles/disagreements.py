# disagreements.py: where mqtt-packet and the plugin judge a damaged packet differently, and why each may.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin calls malformed what cannot be read to its end. A value that the specification forbids can be read: that
is left to the rules, and the row names their subject. mqtt-packet refuses some of these values; on the other hand it
does not always look whether the fields fit into the packet and fill it. Sections are those of MQTT 5.0 unless another
version is named."""

from __future__ import annotations

import re
from dataclasses import dataclass

import spoil


@dataclass(frozen=True)
class Damaged:
    """A damaged packet, and what the decoder that refuses it says."""

    data: bytes
    version: int
    """Of the packet: a CONNECT names its own."""
    packet_type: str
    said: str
    other: str
    """What the other one makes of it: "packet" or "waits" (for more bytes)."""

    def remaining(self) -> int | None:
        """The Remaining Length."""
        header = spoil.split_fixed_header(self.data)
        return None if header is None else header[1]


@dataclass(frozen=True)
class Explained:
    """A kind of disagreement."""

    name: str
    said: str
    """A pattern of what the one that refuses says: mqtt-packet's error or the plugin's finding."""
    section: str
    reason: str
    versions: tuple[int, ...] = (3, 4, 5)
    types: str = r"\w+"
    """A pattern of the damaged packet's type."""
    other: str = "packet|waits"
    """A pattern of what the other one makes of the packet."""
    remaining: int | None = None
    """The Remaining Length, where only one explains it."""
    holds: bytes = b""
    """A pattern of bytes without which the packet is not explained."""

    def fits(self, damaged: Damaged) -> bool:
        """True if this row explains the disagreement."""
        return (damaged.version in self.versions and re.fullmatch(self.said, damaged.said) is not None
                and re.fullmatch(self.types, damaged.packet_type) is not None
                and re.fullmatch(self.other, damaged.other) is not None
                and self.remaining in (None, damaged.remaining())
                and re.search(self.holds, damaged.data, re.DOTALL) is not None)


LEFT = "left to the rules: "

TEXT = rb"\A[\x20-\x7E]{4}"
TEXT_REASON = ("a Server begins with CONNACK or AUTH, and neither has four printable characters there: the plugin takes it "
               "for another protocol")

REFUSED_BY_ORACLE_ONLY: tuple[Explained, ...] = (
    Explained("text at the beginning, refused", r".*", "3.2", TEXT_REASON, other="waits", holds=TEXT),
    Explained("beginning of a TLS record", r"Invalid header flag bits, must be 0x0 for connect packet", "2.1.3",
              "a connection that begins with 16 03 carries TLS; the plugin leaves it to others", types="connect",
              other="waits", holds=rb"\A\x16\x03"),
    Explained("flags of the fixed header", r"Invalid header flag bits, must be 0x\d for \w+ packet", "2.1.3",
              LEFT + "reserved flags of the fixed header", versions=(4, 5)),
    Explained("flags of the fixed header in 3.1", r"Invalid header flag bits, must be 0x\d for \w+ packet", "3.1: 2.1",
              "MQTT 3.1 gives these bits a meaning in requests and leaves them unused elsewhere; mqtt-packet demands "
              "what 3.1.1 does", versions=(3,)),
    Explained("QoS 3", r"Packet must not have both QoS bits set to 1", "3.3.1.2",
              LEFT + "QoS of a PUBLISH", types="publish"),
    Explained("Protocol Name", r"Invalid protocolId", "3.1.2.1", LEFT + "Protocol Name of a CONNECT", types="connect"),
    Explained("reserved Connect Flag", r"Connect flag bit 0 must be 0, but got 1", "3.1.2.3",
              LEFT + "reserved bit of the Connect Flags", types="connect"),
    Explained("Will QoS or Will Retain without a Will",
              r"Will (QoS|Retain Flag) must be set to zero when Will Flag is set to 0", "3.1.2.6, 3.1.2.7",
              LEFT + "Will QoS and Will Retain without a Will", types="connect"),
    Explained("no User Name or Password in 3.1", r"Cannot parse (username|password)", "3.1: 3.1",
              "MQTT 3.1 lets both be missing though their flags are set: the Remaining Length decides",
              versions=(3,), types="connect"),
    Explained("Connect Acknowledge Flags", r"Invalid connack flags, bits 7-1 must be set to 0", "3.2.2.1",
              LEFT + "reserved bits of the Connect Acknowledge Flags", versions=(4, 5), types="connack"),
    Explained("first byte of a CONNACK in 3.1", r"Invalid connack flags, bits 7-1 must be set to 0", "3.1: 3.2",
              "MQTT 3.1 has no flags there: the byte is reserved and not used", versions=(3,), types="connack"),
    Explained("Subscription Options",
              r"Invalid subscribe topic flag bits, bits 7-6 must be 0|Invalid subscribe QoS, must be <= 2|"
              r"Invalid retain handling, must be <= 2", "3.8.3.1",
              LEFT + "Subscription Options", versions=(5,), types="subscribe"),
    Explained("Requested QoS",
              r"Invalid subscribe topic flag bits, bits 7-2 must be 0|Invalid subscribe QoS, must be <= 2",
              "3.1.1: 3.8.3", LEFT + "Requested QoS and the reserved bits beside it", versions=(3, 4),
              types="subscribe"),
    Explained("SUBACK return codes", r"Invalid suback QoS, must be 0, 1, 2 or 128", "3.1.1: 3.9.3",
              LEFT + "return codes of a SUBACK", versions=(3, 4), types="suback"),
    Explained("AUTH without a Reason Code", r"Invalid auth reason code", "3.15.2.1",
              "mqtt-packet is wrong: an AUTH that ends there has Reason Code 0x00", versions=(5,), types="auth",
              remaining=0),
    Explained("Reason Codes", r"Invalid \w+ (reason )?code", "2.4",
              LEFT + "Reason Codes that the packet's table does not have", versions=(5,),
              types="puback|pubrec|pubrel|pubcomp|suback|unsuback|disconnect|auth"),
    Explained("AUTH before 5.0", r"Not supported auth packet for this version MQTT", "3.1.1: 2.2.1",
              LEFT + "packet type 15 before MQTT 5.0", versions=(3, 4), types="auth", remaining=0),
    Explained("Property Identifier of several bytes", r"Unknown property", "1.5.5",
              LEFT + "Variable Byte Integers longer than need be", versions=(5,),
              holds=rb"[\x81-\xaa]\x80{0,2}\x00"),
)

REFUSED_BY_PLUGIN_ONLY: tuple[Explained, ...] = (
    Explained("text at the beginning", r"", "3.2", TEXT_REASON, other="packet", holds=TEXT),
    Explained("unfinished packet of a type that the version lacks",
              r"Packet Type: expected 1 to \d+ in this version, found \d+", "2.1.2",
              "the plugin does not wait for the rest of what cannot be a packet", types="reserved|auth", other="waits"),
    Explained("Packet Identifier past the end",
              r"Packet Identifier needs 2 bytes, [01] left in the packet", "2.2.1",
              "mqtt-packet takes -1, its sign for bytes that are not there, for an identifier",
              types="publish|puback|pubrec|pubrel|pubcomp|subscribe|suback|unsubscribe|unsuback"),
    Explained("no Property Length", r"Property Length needs 1 byte, 0 left in the packet", "2.2.2.1",
              "mqtt-packet takes a missing Property Length for 0; only acknowledgements and DISCONNECT may leave it "
              "out",
              versions=(5,), types="connect|connack|publish|subscribe|suback|unsubscribe|unsuback|auth"),
    Explained("unfinished Property Length", r"Property Length needs 1 byte, 0 left in the packet",
              "1.5.5", "its last byte says that another follows, and mqtt-packet takes it for 0", versions=(5,),
              types="puback|pubrec|pubrel|pubcomp|disconnect", holds=rb"[\x80-\xff]\Z"),
    Explained("CONNACK of less than two bytes",
              r"(Connect Acknowledge Flags|Return Code|Reason Code) needs 1 byte, 0 left in the packet",
              "3.2.2", "mqtt-packet returns without an error", types="connack"),
    Explained("CONNACK 0x84 before 5.0", r"Property .* (is|needs|has|expected) .*|[\w ]+ needs .* within Property Length",
              "3.1.2.2", "so a Server of 5.0 answers a Client of 3.x, and the plugin reads it in the form of 5.0; "
              "mqtt-packet does not read on behind the code", versions=(3, 4), types="connack",
              holds=rb"\A\x20[\x03-\x7f].\x84|\A\x20[\x80-\xff]+[\x01-\x7f].\x84"),
    Explained("bytes behind the last field", r"\w+ ends after \d+ bytes, found \d+ more", "2.1.4",
              "the Remaining Length counts the bytes of the packet; mqtt-packet does not look whether its fields fill "
              "it",
              types="connect|connack|puback|pubrec|pubrel|pubcomp|pingreq|pingresp|disconnect|auth"),
    Explained("property past its block",
              r"[\w ]+ needs \d+ bytes?, \d+ left within Property Length", "2.2.2",
              "mqtt-packet reads on behind the end of the block, or takes the property for one without a value",
              versions=(5,)),
)


def explain(rows: tuple[Explained, ...], damaged: Damaged) -> Explained | None:
    """The row that explains a disagreement, None if there is none."""
    return next((row for row in rows if row.fits(damaged)), None)


def table() -> str:
    """All rows as text."""
    out = []
    for title, rows in (("mqtt-packet refuses, the plugin finds nothing malformed", REFUSED_BY_ORACLE_ONLY),
                        ("the plugin finds something malformed, mqtt-packet takes it", REFUSED_BY_PLUGIN_ONLY)):
        out.append(title)
        for row in rows:
            versions = ", ".join({3: "3.1", 4: "3.1.1", 5: "5.0"}[each] for each in row.versions)
            out += [f"  {row.name} ({versions}; section {row.section})", f"      {row.reason}"]
    return "\n".join(out)
