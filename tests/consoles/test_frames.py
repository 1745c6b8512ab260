"""Frames as Proxmox takes and sends them, whole, byte-wise, cut and broken."""

import random

import pytest

from consoles.frames import MAX_FRAME_BYTES, MAX_FRAMES_A_READ, FrameBroke, FrameSplitter, Opcode, cut, head
from tests.consoles.rfb.conversations import byte_wise, cut_everywhere


def frame(payload: bytes, first: int = 0x82) -> bytes:
    """A server's frame (RFC 6455 section 5.2)."""
    if len(payload) < 126:
        return bytes((first, len(payload))) + payload
    if len(payload) < 65536:
        return bytes((first, 126)) + len(payload).to_bytes(2) + payload
    return bytes((first, 127)) + len(payload).to_bytes(8) + payload


def split(pieces: list[bytes]) -> bytes:
    splitter = FrameSplitter()
    return b"".join(splitter.feed(memoryview(piece)) for piece in pieces)


@pytest.mark.parametrize("pieces", cut_everywhere(frame(b"abc") + frame(b"") + frame(b"d" * 126) + frame(b"e")))
def test_payload_is_the_same_however_frames_are_cut(pieces: list[bytes]) -> None:
    assert split(pieces) == b"abc" + b"d" * 126 + b"e"


def test_long_frames_are_passed_on_as_they_come() -> None:
    splitter, long = FrameSplitter(), frame(b"x" * 131_072)

    assert splitter.feed(memoryview(long[:1000])) == b"x" * 990

    assert len(splitter.feed(memoryview(long[1000:]))) == 131_072 - 990


def test_of_pings_between_payload_the_newest_is_kept_and_pongs_are_dropped() -> None:
    splitter = FrameSplitter()
    stream = frame(b"a") + frame(b"first", 0x89) + frame(b"hello", 0x89) + frame(b"pong", 0x8A) + frame(b"b")

    payload = b"".join(splitter.feed(memoryview(piece)) for piece in byte_wise(stream))

    assert (payload, splitter.take_ping(), splitter.take_ping()) == (b"ab", b"hello", None)


def test_nothing_counts_after_a_close_frame() -> None:
    splitter = FrameSplitter()

    assert splitter.feed(memoryview(frame(b"a") + frame(b"\x03\xe8", 0x88) + frame(b"b"))) == b"a"

    assert splitter.is_closed


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xc2\x01a", "reserved bits or a mask"),
        (b"\x82\x81\0\0\0\0a", "reserved bits or a mask"),
        (b"\x83\x01a", "unknown kind 3"),
        (b"\x82\x7f" + (2**63).to_bytes(8), "9223372036854775808 bytes"),
        (b"\x89\x7e\x01\x00", "256 bytes where 125"),
    ],
)
def test_what_a_server_may_not_send_is_named(data: bytes, words: str) -> None:
    with pytest.raises(FrameBroke, match=words):
        split(byte_wise(data))


def test_one_read_cannot_hold_us_up_with_empty_frames() -> None:
    splitter = FrameSplitter()
    for _ in range(3):
        splitter.feed(memoryview(frame(b"") * MAX_FRAMES_A_READ))

    with pytest.raises(FrameBroke, match="more than 8192 frames"):
        splitter.feed(memoryview(frame(b"") * (MAX_FRAMES_A_READ + 1)))


def test_noise_never_breaks_us() -> None:
    chance, refused = random.Random(6455), 0
    for _ in range(2000):
        try:
            split([chance.randbytes(chance.randrange(1, 300))])
        except FrameBroke:
            refused += 1

    assert refused > 1000


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 65_537, 200_000])
def test_what_we_send_is_cut_to_frames_of_64_kib(size: int) -> None:
    data = random.Random(size).randbytes(size)

    pieces = list(cut(data))

    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= MAX_FRAME_BYTES for piece in pieces)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(5, b"\x82\x85MASK"), (126, b"\x82\xfe\x00\x7eMASK"), (65_536, b"\x82\xff" + (65_536).to_bytes(8) + b"MASK")],
)
def test_heads_are_final_and_masked(length: int, expected: bytes) -> None:
    assert head(Opcode.BINARY, length, b"MASK") == expected
