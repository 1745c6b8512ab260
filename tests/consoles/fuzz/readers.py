"""What must hold for any bytes at all, one check for each of the readers that take a peer's bytes.

Each check takes bytes and raises AssertionError, or whatever the reader let out that it does not declare. The first two
bytes say where the rest is cut, so that the same bytes always make the same test.
"""

import random
import struct
from collections.abc import Callable, Iterable

from consoles import frames as frames_module
from consoles.frames import MAX_CONTROL_BYTES, MAX_RECEIVED_BYTES, FrameBroke, FrameSplitter, Opcode
from consoles.rfb.browser_side import BrowserSide
from consoles.rfb.client_messages import ClientMessages
from consoles.rfb.constants import ALLOWED_ENCODINGS, FIXED_BYTES, MAX_CUT_TEXT_BYTES, VERSION
from consoles.rfb.errors import BrowserBroke, NodeBroke
from consoles.rfb.node_side import NodeSide, NodeState

PASSWORD = b"s3cr3t!&"
GREETING = VERSION + b"\x01\x01" + bytes(4)
INPUT_KINDS = frozenset({4, 5, 6, 255})
HEAD_BYTES = 10


def pieces_of(data: bytes) -> tuple[bytes, list[bytes]]:
    """The stream, and the pieces it comes in."""
    stream, chance = data[2:], random.Random(data[:2])
    cuts = sorted(chance.randrange(len(stream) + 1) for _ in range(chance.randrange(6)))
    return stream, [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def one_by_one(stream: bytes) -> list[bytes]:
    """Byte by byte: nothing that came before a breach is lost with the breach."""
    return [stream[n : n + 1] for n in range(len(stream))]


def held_bytes(reader: object) -> int:
    """What a reader keeps."""
    kept = [value for value in vars(reader).values() if isinstance(value, bytes | bytearray)]
    deeper = [value for value in vars(reader).values() if type(value).__module__.startswith("consoles.rfb")]
    return sum(map(len, kept)) + sum(held_bytes(one) for one in deeper if hasattr(one, "__dict__"))


# frames of a node


def frames(data: bytes) -> None:
    """However a node's frames are cut, the same payload, ping, close and breach come out, and little is kept."""
    stream, pieces = pieces_of(data)
    expected = frames_by_the_book(stream)

    assert _split(one_by_one(stream)) == expected
    told = _split(pieces)
    if not expected[3]:
        assert told == expected
        return
    # What came in one piece with a breach is lost with it.
    assert told[3]
    assert expected[0].startswith(told[0])


def frames_by_the_book(stream: bytes) -> tuple[bytes, bytes | None, bool, bool]:
    """RFC 6455 section 5.2 read with the whole stream at hand: payload, newest ping, closed, broken."""
    payload, ping, at = b"", None, 0
    while len(stream) - at >= 2:
        first, size, head = stream[at], stream[at + 1] & 0x7F, 2
        head += {126: 2, 127: 8}.get(size, 0)
        if len(stream) - at < head:
            break
        size = int.from_bytes(stream[at + 2 : at + head]) if head > 2 else size
        kind = first & 0x0F
        if first & 0x70 or stream[at + 1] & 0x80 or kind not in {0, 1, 2, 8, 9, 10}:
            return payload, ping, False, True
        if size > (MAX_CONTROL_BYTES if kind >= Opcode.CLOSE else MAX_RECEIVED_BYTES):
            return payload, ping, False, True
        body, at = stream[at + head : at + head + size], at + head + size
        if kind < Opcode.CLOSE:
            payload += body
        elif len(body) == size and kind == Opcode.CLOSE:
            return payload, ping, True, False
        elif len(body) == size and kind == Opcode.PING:
            ping = body
    return payload, ping, False, False


def _split(pieces: Iterable[bytes]) -> tuple[bytes, bytes | None, bool, bool]:
    splitter, payload, ping = FrameSplitter(), b"", None
    for piece in pieces:
        try:
            payload += splitter.feed(memoryview(piece))
        except FrameBroke:
            return payload, ping, False, True
        newest = splitter.take_ping()
        ping = ping if newest is None else newest
        assert held_bytes(splitter) <= HEAD_BYTES + MAX_CONTROL_BYTES
    return payload, ping, splitter.is_closed, False


# both halves of the handshake


def node_side(data: bytes) -> None:
    """What we answer a node is the same however it is cut: a version, a type we speak, an answer, and no more."""
    stream, pieces = pieces_of(data)
    told = [_to_node(cut) for cut in ([stream], pieces, one_by_one(stream))]

    assert told[0] == told[1] == told[2]
    out = told[0][0]
    assert out.startswith(VERSION[: len(out)])
    assert len(out) <= 13 or out[12:13] == b"\x02"
    assert out[12:13] in {b"", b"\x01", b"\x02"}
    assert len(out) in {0, 12, 13, 29}


def _to_node(pieces: list[bytes]) -> tuple[bytes, NodeState, bytes, str]:
    side, out, broke = NodeSide(PASSWORD), b"", ""
    for piece in pieces:
        try:
            side.receive(piece)
        except NodeBroke as error:
            broke = f"{type(error).__name__} {error}"
        out += side.to_send()
        if broke:
            return out, side.state, b"", broke
    return out, side.state, side.left_over(), broke


def browser_side(data: bytes) -> None:
    """What we answer a browser is the same however it is cut, and always a beginning of the same 18 bytes."""
    stream, pieces = pieces_of(data)
    told = [_to_browser(cut) for cut in ([stream], pieces, one_by_one(stream))]

    assert told[0] == told[1] == told[2]
    assert GREETING.startswith(told[0][0])


def _to_browser(pieces: list[bytes]) -> tuple[bytes, str, bytes, str]:
    side = BrowserSide()
    out = side.to_send()
    for piece in pieces:
        try:
            side.receive(piece)
        except BrowserBroke as error:
            return out + side.to_send(), side.state, b"", str(error)
        out += side.to_send()
    return out, side.state, side.left_over(), ""


# what a browser sends


def client_messages(data: bytes) -> None:
    """A node gets whole messages that are on the list, however they were cut; from who only looks, none that acts."""
    stream, pieces = pieces_of(data)
    for view_only in (False, True):
        told, sent, broke = passed_on(one_by_one(stream), view_only=view_only)
        again, sent_again, broke_again = passed_on(pieces, view_only=view_only)

        kinds = kinds_of(told)
        assert broke == broke_again
        assert told.startswith(again)
        assert broke or (told, sent) == (again, sent_again)
        assert len(told) <= len(stream)
        assert not (view_only and INPUT_KINDS & set(kinds))
    _requests_are_held(pieces)


def passed_on(pieces: list[bytes], *, view_only: bool) -> tuple[bytes, int, str]:
    """What the node gets, how many inputs were counted, and the breach."""
    messages, out = ClientMessages(view_only=view_only), b""
    for piece in pieces:
        try:
            out += messages.receive(piece)
        except BrowserBroke as error:
            return out, messages.inputs, str(error)
    return out, messages.inputs, ""


def _requests_are_held(pieces: list[bytes]) -> None:
    """While a browser does not read, no request goes on, everything else does, and one request comes out after it."""
    held, free = ClientMessages(), ClientMessages()
    held.hold_requests()
    for piece in pieces:
        try:
            told, freely = held.receive(piece), free.receive(piece)
        except BrowserBroke:
            return
        assert told == b"".join(one for one in messages_of(freely) if one[0] != 3)
    assert len(held.release_requests()) in {0, 10}


def kinds_of(told: bytes) -> list[int]:
    """Kinds of messages that a node was sent; each must be whole and allowed."""
    return [message[0] for message in messages_of(told)]


def messages_of(told: bytes) -> list[bytes]:
    """The messages, taken apart by rules of their own (RFC 6143 section 7.5)."""
    found = []
    while told:
        size = _length(told)
        assert len(told) >= size
        found.append(told[:size])
        told = told[size:]
    return found


def _length(told: bytes) -> int:
    kind = told[0]
    if kind == 2:
        (count,) = struct.unpack_from(">H", told, 2)
        assert set(struct.unpack_from(f">{count}i", told, 4)) <= ALLOWED_ENCODINGS
        return 4 + 4 * int(count)
    if kind == 6:
        (size,) = struct.unpack_from(">i", told, 4)
        assert abs(size) <= MAX_CUT_TEXT_BYTES
        assert size >= 0 or size <= -4
        return 8 + abs(int(size))
    if kind == 255:
        assert told[1] == 0
        return 12
    assert kind != 5 or not told[1] & 0x80
    return FIXED_BYTES[kind]


def planted(data: bytes) -> None:
    """The check of frames, of a splitter that refuses pings of more than 60 bytes: the search must find it out."""
    frames_module.MAX_CONTROL_BYTES = 60
    frames(data)


READERS: dict[str, Callable[[bytes], None]] = {
    "frames": frames, "node_side": node_side, "browser_side": browser_side, "client_messages": client_messages,
    "planted": planted,
}  # fmt: skip
