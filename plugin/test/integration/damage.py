# damage.py: damages captures in the ways that capturing does, the same way each time.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures are lists of frames here. Many damaged variants of one capture go into one file, each
with IPv4 addresses of its own, so that one run of tshark looks at all of them.
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
TCP_PAYLOAD_LEAST = 14 + 20 + 20


@dataclass(frozen=True)
class Frame:
    """One frame: what was captured of it and how long it was."""

    data: bytes
    length: int

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
    frames, at = [], 24
    while at < len(data):
        captured, length = struct.unpack_from(order + "II", data, at + 8)
        frames.append(Frame(data[at + 16:at + 16 + captured], length))
        at += 16 + captured
    if any(frame.data[12:14] != b"\x08\x00" for frame in frames):
        raise ValueError(f"{path} holds more than IPv4")
    return frames


def is_usable(path: Path) -> bool:
    """True if the capture can be damaged here."""
    try:
        return bool(read_frames(path))
    except ValueError:
        return False


def write_variants(path: Path, variants: list[Frames]) -> list[int]:
    """Writes the variants one after another, each at addresses of its own; returns the variant of each frame."""
    records, owners = [PCAP_HEADER], []
    for number, frames in enumerate(variants):
        for frame in frames:
            data = bytearray(frame.data)
            for address in (IP_AT + 12, IP_AT + 16):
                data[address + 1:address + 3] = struct.pack(">H", number)
            milliseconds = len(owners)
            records.append(struct.pack("<IIII", 1_704_067_200 + milliseconds // 1000, milliseconds % 1000 * 1000,
                                       len(data), frame.length) + data)
            owners.append(number)
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
    """A stretch of frames was not captured."""
    first = chance.randrange(len(frames))
    return frames[:first] + frames[first + chance.randrange(2, 12):]


def begin_late(frames: Frames, chance: random.Random) -> Frames:
    """The capture began in the middle."""
    return frames[chance.randrange(len(frames)):]


def end_early(frames: Frames, chance: random.Random) -> Frames:
    """The capture ended in the middle."""
    return frames[:chance.randrange(1, len(frames) + 1)]


def lose_one_direction(frames: Frames, chance: random.Random) -> Frames:
    """Only one direction was captured."""
    side = chance.randrange(2)
    return [frame for frame in frames
            if (frame.data[IP_AT + 20:IP_AT + 22] > frame.data[IP_AT + 22:IP_AT + 24]) == bool(side)]


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


LOSSES: dict[str, Damage] = {each.__name__: each for each in (
    lose_one, lose_some, lose_a_run, begin_late, end_early, lose_one_direction, snap_all, snap_some, repeat_some)}


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
