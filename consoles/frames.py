"""WebSocket frames as Proxmox takes and sends them (RFC 6455 section 5.2), without I/O.

RFB is a stream of bytes, so frame borders need not survive: what one read brought is passed on, whole frame or not.
"""

from collections.abc import Iterator
from enum import IntEnum

#: pveproxy ends its worker, and every console on it, at a frame above 128 KiB or a fragmented one.
MAX_FRAME_BYTES = 64 * 1024
#: No server of ours sends more in one frame (131,072 is the most Proxmox does).
MAX_RECEIVED_BYTES = 16 * 1024 * 1024
MAX_CONTROL_BYTES = 125
#: A node's smallest messages fill a frame of some twenty bytes; more frames than this in one read say nothing.
MAX_FRAMES_A_READ = 8192


class Opcode(IntEnum):
    """Kinds of frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameBroke(Exception):
    """The server broke the framing; the connection cannot go on."""


def head(opcode: Opcode, length: int, mask: bytes) -> bytes:
    """The head of a final, masked client frame of `length` payload bytes."""
    first = bytes((0x80 | opcode,))
    if length < 126:
        return first + bytes((0x80 | length,)) + mask
    if length < 65536:
        return first + b"\xfe" + length.to_bytes(2) + mask
    return first + b"\xff" + length.to_bytes(8) + mask


def server_head(opcode: Opcode, length: int) -> bytes:
    """The head of a final server frame, which has no mask, of `length` payload bytes."""
    first = bytes((0x80 | opcode,))
    if length < 126:
        return first + bytes((length,))
    return first + (b"\x7e" + length.to_bytes(2) if length < 65536 else b"\x7f" + length.to_bytes(8))


def cut(data: bytes) -> Iterator[bytes]:
    """Pieces that each fit one frame."""
    if len(data) <= MAX_FRAME_BYTES:
        yield data
        return
    for start in range(0, len(data), MAX_FRAME_BYTES):
        yield data[start : start + MAX_FRAME_BYTES]


class FrameSplitter:
    """Takes a server's bytes, gives payload; the newest ping and a close frame are remembered."""

    def __init__(self) -> None:
        self.is_closed = False
        self._head = bytearray()
        self._left = self._frames = 0
        self._opcode = Opcode.BINARY
        self._control = bytearray()
        self._ping: bytes | None = None

    def feed(self, data: memoryview) -> bytes:
        """Payload that these bytes hold. Raises FrameBroke."""
        pieces: list[memoryview] = []
        at = self._frames = 0
        while at < len(data) and not self.is_closed:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._payload(piece, pieces)
            else:
                at += self._usual_head(data, at) or self._feed_head(data[at:])
        return b"".join(pieces)

    def take_ping(self) -> bytes | None:
        """Payload of the newest ping since the last call; one answer serves all before it (section 5.5.3)."""
        ping, self._ping = self._ping, None
        return ping

    def _payload(self, piece: memoryview, pieces: list[memoryview]) -> None:
        if self._opcode < Opcode.CLOSE:
            pieces.append(piece)
            return
        self._control += piece
        if not self._left:
            self._control_frame()

    def _usual_head(self, data: memoryview, at: int) -> int:
        """Takes the whole head of a final binary frame, as nearly all are; its bytes, 0 where it is another."""
        if self._head or len(data) - at < 10 or data[at] != 0x82 or self._frames >= MAX_FRAMES_A_READ:
            return 0
        length, end = data[at + 1], at + 2
        if length > 125:
            end += {126: 2, 127: 8}.get(length, 0)
            length = int.from_bytes(data[at + 2 : end]) if end > at + 2 else MAX_RECEIVED_BYTES + 1
        if length > MAX_RECEIVED_BYTES:
            return 0
        self._frames += 1
        self._opcode, self._left = Opcode.BINARY, length
        return end - at

    def _feed_head(self, data: memoryview) -> int:
        """Takes what the head still needs; how many bytes that was."""
        needed = self._head_bytes() - len(self._head)
        taken = data[:needed]
        self._head += taken
        if len(self._head) == self._head_bytes():
            self._begin()
        return len(taken)

    def _head_bytes(self) -> int:
        if len(self._head) < 2:
            return 2
        return 2 + {126: 2, 127: 8}.get(self._head[1] & 0x7F, 0)

    def _begin(self) -> None:
        """A head is whole: check it and expect its payload."""
        self._frames += 1
        if self._frames > MAX_FRAMES_A_READ:
            raise FrameBroke(f"more than {MAX_FRAMES_A_READ} frames came in one read")
        first, second = self._head[0], self._head[1]
        length = int.from_bytes(self._head[2:]) if second & 0x7F > 125 else second & 0x7F
        self._head.clear()
        if first & 0x70 or second & 0x80:
            raise FrameBroke("a frame with reserved bits or a mask came from the server")
        if first & 0x0F not in Opcode.__members__.values():
            raise FrameBroke(f"a frame of unknown kind {first & 0x0F} came")
        self._opcode = Opcode(first & 0x0F)
        limit = MAX_CONTROL_BYTES if self._opcode >= Opcode.CLOSE else MAX_RECEIVED_BYTES
        if length > limit:
            raise FrameBroke(f"a frame of {length} bytes where {limit} may be")
        self._left = length
        if not length and self._opcode >= Opcode.CLOSE:
            self._control_frame()

    def _control_frame(self) -> None:
        payload = bytes(self._control)
        self._control.clear()
        if self._opcode is Opcode.CLOSE:
            self.is_closed = True
        elif self._opcode is Opcode.PING:
            self._ping = payload
