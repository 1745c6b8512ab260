"""The extended clipboard (a registered extension of RFB), as QEMU speaks it: text in UTF-8, and only when asked for.

Who copies gives notice; the other side requests; the text is provided, packed by zlib.
"""

import struct
import zlib

#: Its number among the encodings.
EXTENDED = -1063131698
CAPS, REQUEST, NOTIFY, PROVIDE = 1 << 24, 1 << 25, 1 << 27, 1 << 28
ACTIONS, TEXT = 0xFF << 24, 1
CUT_TEXT = 3
MAX_BYTES = 8 << 20


def plain(text: str) -> bytes:
    """RFC 6143 section 7.6.4: Latin-1, sent unasked."""
    content = text.encode("latin-1", "replace")
    return struct.pack("!BxxxI", CUT_TEXT, len(content)) + content


def _message(flags: int, body: bytes = b"") -> bytes:
    return struct.pack("!BxxxiI", CUT_TEXT, -(4 + len(body)), flags) + body


def _action(message: bytes) -> int:
    """One; in a list of abilities there are several."""
    return int.from_bytes(message[:4]) & ACTIONS


def abilities() -> bytes:
    """What the server can: text, of any size."""
    return _message(CAPS | REQUEST | NOTIFY | PROVIDE | TEXT, struct.pack("!I", 0))


def notice() -> bytes:
    """Something was copied."""
    return _message(NOTIFY | TEXT)


def answer(message: bytes, copied: str) -> bytes:
    """What a client's notice or request is answered with; nothing to anything else."""
    if _action(message) == REQUEST:
        content = copied.encode() + b"\0"
        return _message(PROVIDE | TEXT, zlib.compress(struct.pack("!I", len(content)) + content))
    return _message(REQUEST | TEXT) if _action(message) == NOTIFY and message[3] & TEXT else b""


def provided(message: bytes) -> str | None:
    """The text that a client hands over; None in any other message."""
    if _action(message) != PROVIDE:
        return None
    content = zlib.decompressobj().decompress(message[4:], MAX_BYTES)
    return content[4:].removesuffix(b"\0").decode("utf-8", "replace")
