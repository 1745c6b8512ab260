"""The half towards the browser."""

import pytest

from consoles.rfb.browser_side import BrowserSide, BrowserState
from consoles.rfb.errors import BrowserBroke
from tests.consoles.rfb.conversations import BROWSER_HELLO, BROWSER_INIT, BROWSER_TYPE, cut_everywhere


def test_the_greeting_comes_first_and_each_answer_waits() -> None:
    side = BrowserSide()

    assert side.to_send() == b"RFB 003.008\n"
    side.receive(b"RFB 003.0")
    assert side.to_send() == b""
    side.receive(b"08\n")
    assert side.to_send() == b"\x01\x01"
    side.receive(b"\x01")
    assert (side.to_send(), side.state) == (b"\0\0\0\0", BrowserState.INIT)


@pytest.mark.parametrize("pieces", cut_everywhere(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT + b"\x03rest"))
def test_the_handshake_is_the_same_however_it_is_cut(pieces: list[bytes]) -> None:
    side, out = BrowserSide(), b""

    for piece in pieces:
        side.receive(piece)
        out += side.to_send()

    assert out == b"RFB 003.008\n\x01\x01\0\0\0\0"
    assert (side.state, side.left_over()) == (BrowserState.READY, b"\x03rest")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"RFB 003.889\n", "another version"),
        (b"GET / HTTP/1.1\r\n", "another version"),
        (BROWSER_HELLO + b"\x02", "security type 2"),
        (BROWSER_HELLO + BROWSER_TYPE + b"\x01" + b"x" * 70_000, "bytes wait"),
    ],
)
def test_what_a_browser_may_not_say_is_named(data: bytes, words: str) -> None:
    with pytest.raises(BrowserBroke, match=words):
        BrowserSide().receive(data)
