"""Exactly n bytes, or nothing yet, and never more than may wait."""

import pytest

from consoles.rfb.buffer import ByteBuffer
from consoles.rfb.errors import BrowserBroke


def test_bytes_come_out_only_when_all_are_there() -> None:
    buffer = ByteBuffer(8, BrowserBroke)

    buffer.put(b"abc")

    taken = [buffer.take(4), buffer.peek(3), buffer.take(2), buffer.take(1)]
    assert (taken, len(buffer)) == ([None, b"abc", b"ab", b"c"], 0)


def test_more_than_may_wait_is_the_peers_fault() -> None:
    buffer = ByteBuffer(4, BrowserBroke)
    buffer.put(b"abcd")

    with pytest.raises(BrowserBroke, match="5 bytes wait where 4 may"):
        buffer.put(b"e")

    assert buffer.take_all() == b"abcd"
