# damage.py: damages captures in the ways that capturing does, the same way each time.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures are lists of frames here. Many damaged variants of one capture go into one file, each
with IPv4 addresses and TCP sequence numbers of its own, so that one run of tshark looks at all of them.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ETHERNET = 1
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, ETHERNET)
IP_AT = 14
"""Where the IPv4 header of an Ethernet frame begins."""
TCP_AT = IP_AT + 20
TCP_PAYLOAD_LEAST = TCP_AT + 20
CLIENT, SERVER = IP_AT + 12, IP_AT + 16
"""Where the addresses of a frame from the client are; in one from the server it is the other way round."""
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Frame:
    """One frame: what was captured of it, how long it was, and when, in nanoseconds since the first one."""

    data: bytes
    length: int
    ns: int = 0

    @property
    def is_from_client(self) -> bool:
        """True if the server's port, the lower one, is where it goes to."""
        return self.data[TCP_AT:TCP_AT + 2] > self.data[TCP_AT + 2:TCP_AT + 4]

    @property
    def payload(self) -> bytes:
        """What TCP carries."""
        return self.data[TCP_AT + (self.data[TCP_AT + 12] >> 4) * 4:IP_AT + int.from_bytes(self.data[IP_AT + 2:IP_AT + 4])]

    def cut(self, captured: int) -> Frame:
        """The frame with a smaller snap length; its headers are always kept."""
        return replace(self, data=self.data[:max(captured, TCP_PAYLOAD_LEAST + 12)])


Frames = list[Frame]
Damage = Callable[[Frames, random.Random], Frames]


def read_frames(path: Path) -> Frames:
    """The frames of a pcap file; ValueError if it is not one of IPv4 over Ethernet."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    order = {0xA1B2C3D4: "<", 0xD4C3B2A1: ">", 0xA1B23C4D: "<", 0x4D3CB2A1: ">"}.get(magic)
    if order is None or struct.unpack_from(order + "I", data, 20)[0] != ETHERNET:
        raise ValueError(f"{path} is not a pcap file of Ethernet frames")
    fraction = 1 if magic in (0xA1B23C4D, 0x4D3CB2A1) else 1000
    frames, at = [], 24
    while at < len(data):
        seconds, part, captured, length = struct.unpack_from(order + "IIII", data, at)
        frames.append(Frame(data[at + 16:at + 16 + captured], length, seconds * SECOND + part * fraction))
        at += 16 + captured
    frames = [replace(frame, ns=frame.ns - frames[0].ns) for frame in frames]
    if any(frame.data[12:14] != b"\x08\x00" for frame in frames):
        raise ValueError(f"{path} holds more than IPv4")
    return frames


def is_usable(path: Path) -> bool:
    """True if the capture can be damaged here."""
    try:
        return bool(read_frames(path))
    except ValueError:
        return False


def moved(frame: Frame, by: int) -> Frame:
    """The frame with other sequence numbers, those of both ends moved by as much."""
    data = bytearray(frame.data)
    for at in (TCP_AT + 4, TCP_AT + 8):
        number, = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, number + by & 0xFFFFFFFF)
    return replace(frame, data=bytes(data))


def write_variants(path: Path, variants: list[Frames]) -> list[int]:
    """Writes the variants one after another, each at addresses of its own; returns the variant of each frame."""
    records, owners = [PCAP_HEADER], []
    begins = 1_704_067_200 * SECOND
    for number, frames in enumerate(variants):
        if not frames:  # a small capture may lose all
            continue
        begins -= min(frame.ns for frame in frames)
        for frame in frames:
            data = bytearray(moved(frame, number * 1_000_003).data)
            for address in (CLIENT, SERVER):
                data[address + 1:address + 3] = struct.pack(">H", number)
            seconds, part = divmod(begins + frame.ns, SECOND)
            records.append(struct.pack("<IIII", seconds, part // 1000, len(data), frame.length) + data)
            owners.append(number)
        begins += max(frame.ns for frame in frames) + SECOND
    path.write_bytes(b"".join(records))
    path.chmod(0o644)
    return owners


# ---- Damage that loses: nothing may be said against the traffic for it -----------------------

def lose_one(frames: Frames, chance: random.Random) -> Frames:
    """One frame was not captured."""
    lost = chance.randrange(len(frames))
    return frames[:lost] + frames[lost + 1:]


def lose_some(frames: Frames, chance: random.Random) -> Frames:
    """One frame in ten was not captured."""
    return [frame for frame in frames if chance.random() > 0.1]


def lose_a_run(frames: Frames, chance: random.Random) -> Frames:
    """Several frames in sequence were not captured."""
    first = chance.randrange(len(frames))
    return frames[:first] + frames[first + chance.randrange(2, 12):]


def begin_late(frames: Frames, chance: random.Random) -> Frames:
    """The capture began in the middle."""
    return frames[chance.randrange(len(frames)):]


def end_early(frames: Frames, chance: random.Random) -> Frames:
    """The capture ended in the middle."""
    return frames[:chance.randrange(1, len(frames) + 1)]


def lose_servers_side(frames: Frames, _: random.Random) -> Frames:
    """Only what clients send was captured."""
    return [frame for frame in frames if frame.is_from_client]


def lose_clients_side(frames: Frames, _: random.Random) -> Frames:
    """Only what servers send was captured."""
    return [frame for frame in frames if not frame.is_from_client]


def lose_connacks(frames: Frames, _: random.Random) -> Frames:
    """No CONNACK was captured, with whatever it granted, raised or took back; nor what shares its segment."""
    def is_connack(payload: bytes) -> bool:
        return payload[:1] == b"\x20" or (payload[:1] in b"\x81\x82" and payload[2:3] == b"\x20")

    return [frame for frame in frames if frame.is_from_client or not is_connack(frame.payload)]


def snap_all(frames: Frames, chance: random.Random) -> Frames:
    """A small snap length."""
    length = chance.randrange(66, 140)
    return [frame.cut(length) for frame in frames]


def snap_some(frames: Frames, chance: random.Random) -> Frames:
    """Frames cut at odd places, as when captures with different settings are merged."""
    return [frame.cut(chance.randrange(54, len(frame.data) + 1)) if chance.random() < 0.2 else frame
            for frame in frames]


def repeat_some(frames: Frames, chance: random.Random) -> Frames:
    """Frames captured twice, at once or later."""
    out: Frames = []
    for frame in frames:
        out.append(frame)
        if chance.random() < 0.1:
            out.append(frame)
        if len(out) > 8 and chance.random() < 0.05:
            out.append(out[-chance.randrange(2, 8)])
    return out


def _capture_twice(frames: Frames, copy: Callable[[Frame], Frame]) -> Frames:
    """Each frame and its copy, which lies behind a machine that the client's frames reach first."""
    out: Frames = []
    for frame in frames:
        out += (frame, copy(frame)) if frame.is_from_client else (copy(frame), frame)
    return out


def _readdressed(frame: Frame, *addresses: int) -> Frame:
    data = bytearray(frame.data)
    for address in addresses:
        data[address if frame.is_from_client else CLIENT + SERVER - address] ^= 0x40
    return replace(frame, data=bytes(data))


def capture_translated(frames: Frames, chance: random.Random) -> Frames:
    """On all interfaces of a machine that translates the clients' addresses, or the servers'."""
    address = chance.choice((CLIENT, SERVER))
    return _capture_twice(frames, lambda frame: _readdressed(frame, address))


def capture_proxied(frames: Frames, _: random.Random) -> Frames:
    """On all interfaces of a machine with a port proxy."""
    return _capture_twice(frames, lambda frame: _readdressed(moved(frame, 77_777), CLIENT, SERVER))


def set_clock_back(frames: Frames, chance: random.Random) -> Frames:
    """The clock was set back while frames were captured."""
    at, by = chance.randrange(len(frames)), chance.randrange(1, 300) * SECOND
    return frames[:at] + [replace(frame, ns=frame.ns - by) for frame in frames[at:]]


def set_clocks_apart(frames: Frames, chance: random.Random) -> Frames:
    """What the servers send was captured on an interface with a clock of its own."""
    by = chance.choice((-1, 1)) * chance.randrange(1, 60) * SECOND
    return [frame if frame.is_from_client else replace(frame, ns=frame.ns + by) for frame in frames]


LOSSES: dict[str, Damage] = {each.__name__: each for each in (
    lose_one, lose_some, lose_a_run, begin_late, end_early, lose_servers_side, lose_clients_side, lose_connacks, snap_all,
    snap_some, repeat_some, capture_translated, capture_proxied, set_clock_back, set_clocks_apart)}
"""Those that harm the clock come last: they make it doubtful for all that follows in the file."""


# ---- Damage that changes what is said: nothing may break ------------------------------------

def swap_some(frames: Frames, chance: random.Random) -> Frames:
    """Neighbours in the wrong order."""
    out = list(frames)
    for at in range(len(out) - 1):
        if chance.random() < 0.1:
            out[at], out[at + 1] = out[at + 1], out[at]
    return out


def swap_directions(frames: Frames, _: random.Random) -> Frames:
    """Every frame goes the other way."""
    out = []
    for frame in frames:
        data = bytearray(frame.data)
        data[26:30], data[30:34] = frame.data[30:34], frame.data[26:30]
        data[34:36], data[36:38] = frame.data[36:38], frame.data[34:36]
        out.append(replace(frame, data=bytes(data)))
    return out


def change_bytes(frames: Frames, chance: random.Random) -> Frames:
    """Wrong bytes in TCP payloads."""
    out = []
    for frame in frames:
        data = bytearray(frame.data)
        start = IP_AT + 20 + (data[IP_AT + 32] >> 4) * 4
        for at in range(start, len(data)):
            if chance.random() < 0.02:
                data[at] = chance.choice((0, 0x7F, 0x80, 0xFF, data[at] ^ 1 << chance.randrange(8)))
        out.append(replace(frame, data=bytes(data)))
    return out


CHANGES: dict[str, Damage] = {each.__name__: each for each in (swap_some, swap_directions, change_bytes)}
