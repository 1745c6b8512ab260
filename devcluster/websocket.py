"""WebSocket frames as pveproxy understands them: it takes less than RFC 6455 allows, and so does this reader.

Bytes in, frames out; no socket. A client frame must be masked, whole (FIN set, no continuation), without reserved
bits and at most 131,072 bytes long. Anything else is what ends a real worker process.
"""

import base64
import hashlib
import struct
from dataclasses import dataclass

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_PAYLOAD_BYTES = 131_072
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KNOWN = frozenset({TEXT, BINARY, CLOSE, PING, PONG})


class FrameRefused(Exception):
    """A frame the real proxy does not survive."""


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes


def accept_key(key: bytes) -> bytes:
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key, RFC 6455 4.2.2."""
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """One unmasked frame, as a server sends it."""
    first, length = 0x80 | opcode, len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65_536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


def unmask(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


class FrameReader:
    """Feed it what arrives; it hands out every frame that is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Raises FrameRefused at the first frame that breaks a rule; frames before it in the same read are lost
        with it, because the process that held them is gone."""
        self._buffer += data
        frames: list[Frame] = []
        while (one := self._next()) is not None:
            frames.append(one)
        return frames

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode = _checked_opcode(buffer[0], buffer[1])
        head = _length(buffer)
        if head is None:
            return None
        length, start = head
        if length > MAX_PAYLOAD_BYTES:
            raise FrameRefused(f"{length} bytes in one frame, at most {MAX_PAYLOAD_BYTES}")
        end = start + 4 + length
        if len(buffer) < end:
            return None
        payload = unmask(bytes(buffer[start + 4 : end]), bytes(buffer[start : start + 4]))
        del buffer[:end]
        return Frame(opcode, payload)


def _checked_opcode(first: int, second: int) -> int:
    opcode = first & 0x0F
    if first & 0x70:
        raise FrameRefused("reserved bits are set")
    if not first & 0x80 or opcode == 0:
        raise FrameRefused("a fragment of a message")
    if opcode not in KNOWN:
        raise FrameRefused(f"unknown opcode {opcode}")
    if not second & 0x80:
        raise FrameRefused("not masked")
    return opcode


def _length(buffer: bytearray) -> tuple[int, int] | None:
    """Payload length and where the mask begins; None while the length has not arrived."""
    short = buffer[1] & 0x7F
    if short < 126:
        return short, 2
    size, form = (2, "!H") if short == 126 else (8, "!Q")
    if len(buffer) < 2 + size:
        return None
    return int(struct.unpack(form, buffer[2 : 2 + size])[0]), 2 + size
