import os
import struct

import pytest

from devcluster.websocket import Frame, FrameReader, FrameRefused, accept_key, frame

MASK = b"\x11\x22\x33\x44"


def client_frame(payload: bytes, first: int = 0x82, mask: bytes | None = MASK) -> bytes:
    masked = 0x80 if mask is not None else 0
    if len(payload) < 126:
        head = bytes((first, masked | len(payload)))
    elif len(payload) < 65_536:
        head = struct.pack("!BBH", first, masked | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, masked | 127, len(payload))
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


def test_the_accept_key_is_the_one_of_the_rfc() -> None:
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 131_072])
def test_a_masked_whole_frame_is_read(size: int) -> None:
    payload = os.urandom(size)

    assert FrameReader().feed(client_frame(payload)) == [Frame(2, payload)]


def test_frames_cut_at_every_byte_read_the_same() -> None:
    stream = client_frame(b"") + client_frame(b"key") + client_frame(b"x" * 200, first=0x89)
    reader, frames = FrameReader(), []

    for n in range(len(stream)):
        frames += reader.feed(stream[n : n + 1])

    assert frames == [Frame(2, b""), Frame(2, b"key"), Frame(9, b"x" * 200)]


@pytest.mark.parametrize(
    "broken",
    [
        client_frame(b"start", first=0x02),
        client_frame(b"rest", first=0x80),
        client_frame(b"bits", first=0xC2),
        client_frame(b"what", first=0x83),
        client_frame(b"plain", mask=None),
        client_frame(b"x" * 131_073),
    ],
    ids=["first fragment", "continuation", "reserved bit", "unknown opcode", "unmasked", "too long"],
)
def test_a_frame_the_real_proxy_does_not_survive_is_refused(broken: bytes) -> None:
    with pytest.raises(FrameRefused):
        FrameReader().feed(broken)


@pytest.mark.parametrize(("size", "head"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_a_frame_of_ours_is_binary_whole_and_unmasked(size: int, head: int) -> None:
    sent = frame(b"z" * size)

    assert (sent[0], sent[1] & 0x80, len(sent)) == (0x82, 0, head + size)
