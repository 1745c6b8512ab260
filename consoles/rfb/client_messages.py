"""The browser's messages (RFC 6143 section 7.5): split, checked against a list, rewritten where needed.

Everything not on the list ends the conversation. Update requests can be held back: while the browser does not read,
a forwarded request would only fill the node's memory.
"""

import struct

from consoles.rfb.buffer import ByteBuffer
from consoles.rfb.constants import (
    ALLOWED_ENCODINGS,
    CUT_TEXT,
    CUT_TEXT_HEAD_BYTES,
    EXTENDED_BUTTONS_BIT,
    EXTENDED_FLAGS_BYTES,
    FIXED_BYTES,
    KEY_EVENT,
    MAX_CUT_TEXT_BYTES,
    MAX_ENCODINGS,
    POINTER_EVENT,
    QEMU_KEY_BYTES,
    QEMU_KEY_EVENT,
    QEMU_MESSAGE,
    SET_ENCODINGS,
    SET_ENCODINGS_HEAD_BYTES,
    UPDATE_REQUEST,
)
from consoles.rfb.errors import BrowserBroke

#: One message under way and what one read may bring beside it.
MAX_WAITING_BYTES = MAX_CUT_TEXT_BYTES + CUT_TEXT_HEAD_BYTES + 1024 * 1024
SIGN_BIT = 0x80
INPUT = frozenset({KEY_EVENT, POINTER_EVENT, CUT_TEXT, QEMU_MESSAGE})
_REQUEST = struct.Struct(">BBHHHH")
KEEP_ALIVE = _REQUEST.pack(UPDATE_REQUEST, 1, 0, 0, 1, 1)


class ClientMessages:
    """Turns the browser's bytes into those the node gets."""

    def __init__(self, *, view_only: bool = False) -> None:
        """`view_only` drops keys, pointer and clipboard."""
        self.view_only = view_only
        self.inputs = 0
        self._in = ByteBuffer(MAX_WAITING_BYTES, BrowserBroke)
        self._holding = False
        self._held: bytes | None = None

    def receive(self, data: bytes) -> bytes:
        """The whole messages now complete, as the node is to get them. Raises BrowserBroke."""
        self._in.put(data)
        out = bytearray()
        while (length := self._next_length()) is not None:
            message = self._in.take(length)
            if message is None:
                break
            out += self._pass_on(message)
        return bytes(out)

    def hold_requests(self) -> None:
        """From now on update requests wait; one that covers all of them is kept."""
        self._holding = True

    def release_requests(self) -> bytes:
        """Requests flow again; the one kept, if any."""
        self._holding = False
        held, self._held = self._held, None
        return held or b""

    def _next_length(self) -> int | None:
        """Whole length of the message at the front, as far as it can be told; None when more bytes are needed."""
        head = self._in.peek(1)
        if head is None:
            return None
        if (fixed := FIXED_BYTES.get(head[0])) is not None:
            return fixed
        if head[0] == SET_ENCODINGS:
            return self._encodings_length()
        if head[0] == CUT_TEXT:
            return self._cut_text_length()
        if head[0] == QEMU_MESSAGE:
            return self._qemu_length()
        raise BrowserBroke(f"message type {head[0]} is not allowed")

    def _encodings_length(self) -> int | None:
        head = self._in.peek(SET_ENCODINGS_HEAD_BYTES)
        if head is None:
            return None
        count = int.from_bytes(head[2:4])
        if count > MAX_ENCODINGS:
            raise BrowserBroke(f"{count} encodings where {MAX_ENCODINGS} may be")
        return SET_ENCODINGS_HEAD_BYTES + 4 * count

    def _cut_text_length(self) -> int | None:
        head = self._in.peek(CUT_TEXT_HEAD_BYTES)
        if head is None:
            return None
        length = int.from_bytes(head[4:8], signed=True)
        if abs(length) > MAX_CUT_TEXT_BYTES or -EXTENDED_FLAGS_BYTES < length < 0:
            raise BrowserBroke(f"a clipboard of {length} bytes where 0 to {MAX_CUT_TEXT_BYTES} may be")
        return CUT_TEXT_HEAD_BYTES + abs(length)

    def _qemu_length(self) -> int | None:
        head = self._in.peek(2)
        if head is None:
            return None
        if head[1] != QEMU_KEY_EVENT:
            raise BrowserBroke(f"QEMU message {head[1]} is not allowed")
        return QEMU_KEY_BYTES

    def _pass_on(self, message: bytes) -> bytes:
        """What the node gets for one whole message; may be nothing."""
        kind = message[0]
        if kind in INPUT:
            return self._input(message)
        if kind == UPDATE_REQUEST and self._holding:
            self._held = merged(self._held, message)
            return b""
        return without_unknown_encodings(message) if kind == SET_ENCODINGS else message

    def _input(self, message: bytes) -> bytes:
        if message[0] == POINTER_EVENT and message[1] & EXTENDED_BUTTONS_BIT:
            raise BrowserBroke("extended mouse buttons were not negotiated")
        # An extended clipboard message may be the program's own answer to the guest: nobody did anything.
        if message[0] != CUT_TEXT or not message[4] & SIGN_BIT:
            self.inputs += 1
        return b"" if self.view_only else message


def without_unknown_encodings(message: bytes) -> bytes:
    """The same SetEncodings with only the encodings we know, in their order (7.5.2: order is preference)."""
    count = (len(message) - SET_ENCODINGS_HEAD_BYTES) // 4
    asked = struct.unpack_from(f">{count}i", message, SET_ENCODINGS_HEAD_BYTES)
    kept = [number for number in asked if number in ALLOWED_ENCODINGS]
    return struct.pack(f">BBH{len(kept)}i", SET_ENCODINGS, 0, len(kept), *kept)


def merged(first: bytes | None, second: bytes) -> bytes:
    """One update request whose rectangle covers both; incremental only where both are (7.5.3)."""
    if first is None:
        return second
    _, inc_1, x_1, y_1, width_1, height_1 = _REQUEST.unpack(first)
    _, inc_2, x_2, y_2, width_2, height_2 = _REQUEST.unpack(second)
    left, top = min(x_1, x_2), min(y_1, y_2)
    width = min(max(x_1 + width_1, x_2 + width_2) - left, 0xFFFF)
    height = min(max(y_1 + height_1, y_2 + height_2) - top, 0xFFFF)
    return _REQUEST.pack(UPDATE_REQUEST, 1 if inc_1 and inc_2 else 0, left, top, width, height)
