# casewire.py: turns a crafted case into a capture file, the same bytes each time.
# SPDX-License-Identifier: GPL-2.0-or-later
"""What travels: Ethernet, IPv4 or IPv6, TCP with right sequence numbers and checksums.

Nothing depends on the clock, on chance or on the machine: the first frame is
captured at a fixed time, each further one a millisecond later, and sequence
numbers, addresses and WebSocket masks are constants.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

from casefile import Again, Case, CaseError, Connection, Open, Send, Wait

START_SECONDS = 1_704_067_200
"""2024-01-01 00:00:00 UTC."""
FRAME_GAP_US = 1000
CLIENT_MAC, SERVER_MAC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")
CLIENT_ISN, SERVER_ISN = 1_000, 500_000
MASK = bytes.fromhex("37fa213d")
"""The masking key of every WebSocket frame from a client."""
SNAP_LENGTH = 262_144

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
SYN_OPTIONS = bytes.fromhex("020405b4 01 030307")
"""Maximum segment size 1460; window scale 7."""

UPGRADE_REQUEST = ("GET /mqtt HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Protocol: {protocol}\r\n\r\n")
UPGRADE_RESPONSE = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{choice}\r\n")


@dataclass
class Segment:
    """One TCP segment; `number` is its frame in the capture, None while it is not captured."""

    connection: Connection
    from_client: bool
    flags: int
    sequence: int
    acknowledged: int
    payload: bytes = b""
    number: int | None = None


@dataclass
class _Stream:
    """Next sequence number of each side of a connection, and where each of its segments began."""

    next_sequence: dict[bool, int] = field(default_factory=lambda: {True: CLIENT_ISN, False: SERVER_ISN})
    starts: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})
    unseen: int = 0
    """How many of the other end's latest segments the next segment does not acknowledge."""


@dataclass
class Capture:
    """A finished capture file and the frame numbers that its labels stand for."""

    data: bytes
    frames: int
    labels: dict[str, int | None]
    """Label to the frame number of its last segment; None: that segment was lost."""


# ---- Bytes of one frame --------------------------------------------------------------------

def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def frame_bytes(segment: Segment, identification: int) -> bytes:
    """The Ethernet frame that carries a segment; ValueError if the segment is too long for one."""
    connection = segment.connection
    source, destination = (connection.client, connection.server)[::1 if segment.from_client else -1]
    source_ip, destination_ip = ipaddress.ip_address(source[0]), ipaddress.ip_address(destination[0])
    options = SYN_OPTIONS if segment.flags & SYN else b""
    tcp = bytearray(struct.pack(">HHIIBBHHH", source[1], destination[1], segment.sequence & 0xFFFFFFFF,
                                segment.acknowledged & 0xFFFFFFFF if segment.flags & ACK else 0,
                                (20 + len(options)) // 4 << 4, segment.flags, 65535, 0, 0))
    tcp += options + segment.payload
    if len(tcp) > 65535 - 20:
        raise ValueError(f"{len(segment.payload)} bytes do not fit one segment: use [mss 1460] or [split ...]")
    if source_ip.version == 4:
        pseudo = source_ip.packed + destination_ip.packed + struct.pack(">BBH", 0, 6, len(tcp))
        ip = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), identification & 0xFFFF, 0x4000, 64, 6, 0,
                                   source_ip.packed, destination_ip.packed))
        ip[10:12] = struct.pack(">H", checksum(bytes(ip)))
    else:
        pseudo = source_ip.packed + destination_ip.packed + struct.pack(">II", len(tcp), 6)
        ip = bytearray(struct.pack(">IHBB16s16s", 6 << 28, len(tcp), 6, 64, source_ip.packed, destination_ip.packed))
    tcp[16:18] = struct.pack(">H", checksum(pseudo + bytes(tcp)))
    macs = SERVER_MAC + CLIENT_MAC if segment.from_client else CLIENT_MAC + SERVER_MAC
    return macs + struct.pack(">H", 0x0800 if source_ip.version == 4 else 0x86DD) + bytes(ip) + bytes(tcp)


def websocket_frame(payload: bytes, opcode: int, final: bool, masked: bool) -> bytes:
    """One WebSocket frame (RFC 6455, 5.2)."""
    mask_bit = 0x80 if masked else 0
    header = bytes([opcode | (0x80 if final else 0)])
    if len(payload) < 126:
        header += bytes([mask_bit | len(payload)])
    elif len(payload) < 65536:
        header += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
    else:
        header += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return header + payload
    return header + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def _pieces(data: bytes, offsets: list[int]) -> list[bytes]:
    """The data cut at the offsets."""
    edges = [0, *offsets, len(data)]
    return [data[first:last] for first, last in zip(edges, edges[1:])]


def _on_the_wire(send: Send) -> bytes:
    """The bytes of a line as TCP carries them: as they stand, or in WebSocket frames."""
    options = send.options
    if send.connection.subprotocol is None or "raw" in options:
        return send.data
    opcode = 1 if "text" in options else 2
    if "fragments" in options:
        parts = _pieces(send.data, options["fragments"])
        return b"".join(websocket_frame(part, 0 if at else opcode, at == len(parts) - 1, send.from_client)
                        for at, part in enumerate(parts))
    return b"".join(websocket_frame(part, opcode, True, send.from_client)
                    for part in _pieces(send.data, options.get("messages", [])))


# ---- The whole capture ---------------------------------------------------------------------

class _Builder:
    """Goes through the steps of a case and collects frames."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.streams: dict[str, _Stream] = {}
        self.labels: dict[str, list[Segment]] = {}
        self.records: list[bytes] = []
        self.late: list[tuple[int, Segment, int | None]] = []
        self.time_us = 0
        self.on_the_wire = 0

    def build(self) -> Capture:
        """The capture; CaseError where a line cannot be put on the wire."""
        joined: list[Send] = []
        for step in self.case.steps:
            try:
                if isinstance(step, Wait):
                    self.time_us += step.microseconds
                elif isinstance(step, Open):
                    self._open(step.connection)
                elif isinstance(step, Again):
                    self._again(step)
                elif step.joined:
                    joined.append(step)
                else:
                    self._send([*joined, step])
                    joined = []
            except ValueError as fault:
                raise CaseError(self.case.path, step.line, str(fault)) from None
        while self.late:
            self._capture(*self.late.pop(0)[1:])
        header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP_LENGTH, 1)
        labels = {label: segments[-1].number for label, segments in self.labels.items()}
        return Capture(header + b"".join(self.records), len(self.records), labels)

    def _open(self, connection: Connection) -> None:
        client_isn, server_isn = connection.isn or (CLIENT_ISN, SERVER_ISN)
        self.streams[connection.name] = _Stream({True: client_isn, False: server_isn})
        name = connection.name
        if connection.midstream:
            return
        self.labels[f"{name}.syn"] = [self._emit(connection, True, SYN)]
        if connection.refused:
            self.streams[name].next_sequence[False] = 0  # RFC 9293 section 3.10.7.1
            self.labels[f"{name}.rst"] = [self._emit(connection, False, RST | ACK)]
            return
        self.labels[f"{name}.synack"] = [self._emit(connection, False, SYN | ACK)]
        self.labels[f"{name}.ack"] = [self._emit(connection, True, ACK)]
        if connection.subprotocol is not None:
            choice = f"Sec-WebSocket-Protocol: {connection.chosen}\r\n" if connection.chosen != "-" else ""
            words = {"host": connection.server[0], "protocol": connection.subprotocol, "choice": choice}
            self.labels[f"{name}.upgrade"] = [
                self._emit(connection, True, PSH | ACK, UPGRADE_REQUEST.format(**words).encode())]
            self.labels[f"{name}.upgraded"] = [
                self._emit(connection, False, PSH | ACK, UPGRADE_RESPONSE.format(**words).encode())]

    def _send(self, lines: list[Send]) -> None:
        """Sends the lines of one segment; all but the last end with '+'."""
        send = lines[-1]
        options = send.options
        lost, snap = "lost" in options, options["snap"][0] if "snap" in options else None
        late = (options["late"] or [1])[0] if "late" in options else 0
        shift = options.get("seq", [0])[0]
        stream = self.streams[send.connection.name]
        stream.unseen = (options["crossed"] or [1])[0] if "crossed" in options else 0
        flags = {"FIN": FIN | ACK, "RST": RST | ACK}.get(send.flag or "", ACK)
        segments: list[Segment] = []
        if send.flag == "KEEPALIVE":
            segments.append(self._emit(send.connection, send.from_client, ACK, b"\0", lost, late, shift=-1))
        elif send.flag is not None:
            segments.append(self._emit(send.connection, send.from_client, flags, b"", lost, late))
        else:
            data = b"".join(_on_the_wire(line) for line in lines)
            if any(each >= len(data) for each in options.get("split", [])):
                raise ValueError(f"an offset of [split] is past the {len(data)} bytes on the wire")
            size = options.get("mss", [max(1, len(data))])[0]
            pieces = _pieces(data, options.get("split") or list(range(size, len(data), size)))
            for at, piece in enumerate(pieces):
                last = FIN if "fin" in options and at == len(pieces) - 1 else 0
                segments.append(self._emit(send.connection, send.from_client, PSH | ACK | last, piece,
                                           lost, late, shift, snap))
        for label in (line.label for line in lines if line.label):
            self.labels[label] = segments
            if "split" in options:
                self.labels |= {f"{label}.{at}": [each] for at, each in enumerate(segments, 1)}

    def _again(self, step: Again) -> None:
        """Sends the segments of a label once more, with the acknowledgement number of now."""
        repeated: list[Segment] = []
        for old in self.labels[step.original]:
            acknowledged = self.streams[old.connection.name].next_sequence[not old.from_client]
            segment = Segment(old.connection, old.from_client, old.flags, old.sequence, acknowledged, old.payload)
            self._capture(segment)
            repeated.append(segment)
        if step.label:
            self.labels[step.label] = repeated

    def _emit(self, connection: Connection, from_client: bool, flags: int, payload: bytes = b"", lost: bool = False,
              late: int = 0, shift: int = 0, snap: int | None = None) -> Segment:
        """Sends a segment at the sequence number that is due, moved by `shift`."""
        stream = self.streams[connection.name]
        following = stream.next_sequence
        arrived = [*stream.starts[not from_client], following[not from_client]]
        acknowledged = arrived[max(0, len(arrived) - 1 - stream.unseen)]
        segment = Segment(connection, from_client, flags, following[from_client] + shift, acknowledged, payload)
        stream.starts[from_client].append(following[from_client])
        end = segment.sequence + len(payload) + (1 if flags & (SYN | FIN) else 0)
        following[from_client] = max(following[from_client], end)
        if lost:
            frame_bytes(segment, 0)  # for its complaint about the length
            self.time_us += FRAME_GAP_US
        elif late:
            self.late.append((late, segment, snap))
        else:
            self._capture(segment, snap)
        return segment

    def _capture(self, segment: Segment, snap: int | None = None) -> None:
        """Writes a segment into the capture, then the late ones whose time has come."""
        frame = frame_bytes(segment, len(self.records) + 1)
        kept = frame if snap is None else frame[:len(frame) - len(segment.payload) + snap]
        if snap is not None and not 0 <= snap < len(segment.payload):
            raise ValueError(f"[snap {snap}] does not cut the {len(segment.payload)} bytes of the segment")
        seconds, microseconds = divmod(self.time_us, 1_000_000)
        self.records.append(struct.pack("<IIII", START_SECONDS + seconds, microseconds, len(kept), len(frame)) + kept)
        segment.number = len(self.records)
        self.time_us += FRAME_GAP_US
        waiting = [(left - 1, each, cut) for left, each, cut in self.late]
        self.late = [each for each in waiting if each[0] > 0]
        for _, each, cut in (each for each in waiting if each[0] == 0):
            self._capture(each, cut)


def build(case: Case) -> Capture:
    """The capture of a case; CaseError where it cannot be built or an assertion has no frame."""
    capture = _Builder(case).build()
    for assertion in case.assertions:
        if assertion.label not in capture.labels:
            raise CaseError(case.path, assertion.line, f"no line has the label @{assertion.label}")
        if capture.labels[assertion.label] is None:
            raise CaseError(case.path, assertion.line, f"@{assertion.label} is lost: the capture has no such frame")
    return capture
