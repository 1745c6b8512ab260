"""Both halves together: in any order and cut, one console comes out."""

import random

import pytest

from consoles.rfb import NodeBroke, PasswordRefused, RfbError, RfbSession
from consoles.rfb.vncauth import answer
from tests.consoles.rfb.conversations import (
    BROWSER_HELLO,
    BROWSER_INIT,
    BROWSER_TYPE,
    CHALLENGE,
    KEY_A,
    NODE_FAILED,
    NODE_HELLO,
    NODE_OK,
    NODE_TYPES,
    PASSWORD,
    SERVER_INIT,
    byte_wise,
    cut_everywhere,
    fed,
    request,
)

NODE = NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK
BROWSER = BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT
TO_BROWSER = b"RFB 003.008\n\x01\x01\0\0\0\0"
TO_NODE = b"RFB 003.008\n\x02" + answer(CHALLENGE, PASSWORD) + b"\x01"


def started() -> tuple[RfbSession, bytes]:
    session = RfbSession()
    session.attach_node(PASSWORD)
    return session, session.greeting()


@pytest.mark.parametrize("pieces", cut_everywhere(NODE + SERVER_INIT))
def test_the_node_first_then_the_browser(pieces: list[bytes]) -> None:
    session, greeting = started()

    seen = greeting + fed(session.from_node, pieces) + fed(session.from_browser, byte_wise(BROWSER + KEY_A))

    assert seen == TO_BROWSER + SERVER_INIT
    assert (session.to_node(), session.is_open) == (TO_NODE + KEY_A, True)


@pytest.mark.parametrize("pieces", cut_everywhere(BROWSER + request() + KEY_A))
def test_the_browser_first_then_the_node(pieces: list[bytes]) -> None:
    session, greeting = started()

    seen = greeting + fed(session.from_browser, pieces) + fed(session.from_node, byte_wise(NODE + SERVER_INIT))

    assert seen == TO_BROWSER + SERVER_INIT
    assert session.to_node() == TO_NODE + request() + KEY_A


def test_any_interleaving_gives_the_same_console() -> None:
    chance = random.Random(8)
    for _ in range(300):
        session, seen = started()
        left, right = byte_wise(NODE + SERVER_INIT), byte_wise(BROWSER + KEY_A)
        while left or right:
            feed, queue = (
                (session.from_node, left)
                if right == [] or (left and chance.random() < 0.5)
                else (session.from_browser, right)
            )
            seen += feed(queue.pop(0))

        assert (seen, session.to_node()) == (TO_BROWSER + SERVER_INIT, TO_NODE + KEY_A)


def test_the_shared_flag_is_always_set_whatever_the_browser_asks() -> None:
    for asked in (b"\0", b"\x01", b"\xff"):
        session, _ = started()
        fed(session.from_node, [NODE])
        session.to_node()

        session.from_browser(BROWSER_HELLO + BROWSER_TYPE + asked)

        assert session.to_node() == b"\x01"


def test_a_lost_password_race_goes_on_with_another_node_and_the_browser_sees_nothing() -> None:
    session, greeting = started()
    seen = greeting + session.from_browser(BROWSER)
    with pytest.raises(PasswordRefused):
        session.from_node(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_FAILED)
    session.to_node()

    session.attach_node(b"another!")
    seen += session.from_node(NODE + SERVER_INIT)

    assert seen == TO_BROWSER + SERVER_INIT
    assert session.to_node() == b"RFB 003.008\n\x02" + answer(CHALLENGE, b"another!") + b"\x01"


def test_a_node_is_not_exchanged_under_an_open_console() -> None:
    session, _ = started()
    fed(session.from_node, [NODE])
    fed(session.from_browser, [BROWSER])

    with pytest.raises(NodeBroke, match="open console"):
        session.attach_node(PASSWORD)


def test_bytes_of_no_node_are_refused() -> None:
    with pytest.raises(NodeBroke, match="not attached"):
        RfbSession().from_node(b"RFB")


def test_the_keep_alive_asks_for_one_pixel_and_only_of_an_open_console() -> None:
    session, _ = started()
    session.keep_alive()
    assert session.to_node() == b""
    fed(session.from_node, [NODE])
    fed(session.from_browser, [BROWSER])
    session.to_node()

    session.keep_alive()

    assert session.to_node() == request(width=1, height=1)


def test_held_requests_go_out_as_one_when_the_browser_keeps_up_again() -> None:
    session, _ = started()
    fed(session.from_node, [NODE])
    fed(session.from_browser, [BROWSER])
    session.to_node()

    session.hold_requests()
    fed(session.from_browser, [request() * 50, KEY_A])
    assert session.to_node() == KEY_A
    session.release_requests()

    assert (session.to_node(), session.inputs) == (request(), 1)


def test_noise_from_either_side_is_refused_in_words() -> None:
    chance = random.Random(7)
    refused = 0
    for n in range(2000):
        session, _ = started()
        try:
            (session.from_node if n % 2 else session.from_browser)(chance.randbytes(chance.randrange(1, 200)))
        except RfbError as error:
            refused += bool(str(error))

    assert refused > 1700
