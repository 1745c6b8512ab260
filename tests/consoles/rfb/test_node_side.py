"""The half towards the node: whole, byte-wise, cut everywhere."""

import struct

import pytest

from consoles.rfb.errors import NodeBroke, NoUsableSecurity, PasswordRefused
from consoles.rfb.node_side import NodeSide, NodeState
from consoles.rfb.vncauth import answer
from tests.consoles.rfb.conversations import (
    CHALLENGE,
    NODE_FAILED,
    NODE_HELLO,
    NODE_OK,
    NODE_TYPES,
    PASSWORD,
    REASON,
    cut_everywhere,
)

WHOLE = NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK


def said(side: NodeSide, pieces: list[bytes]) -> bytes:
    out = b""
    for piece in pieces:
        side.receive(piece)
        out += side.to_send()
    return out


@pytest.mark.parametrize("pieces", cut_everywhere(WHOLE + b"more"))
def test_the_handshake_is_the_same_however_it_is_cut(pieces: list[bytes]) -> None:
    side = NodeSide(PASSWORD)

    out = said(side, pieces)

    assert out == b"RFB 003.008\n" + b"\x02" + answer(CHALLENGE, PASSWORD)
    assert (side.state, side.left_over()) == (NodeState.READY, b"more")


def test_each_answer_waits_for_its_question() -> None:
    side = NodeSide(PASSWORD)

    assert side.to_send() == b""
    assert said(side, [NODE_HELLO[:11]]) == b""
    assert said(side, [NODE_HELLO[11:]]) == b"RFB 003.008\n"
    assert said(side, [NODE_TYPES]) == b"\x02"
    assert len(said(side, [CHALLENGE])) == 16


def test_vnc_authentication_is_preferred_and_none_is_taken_where_it_is_all_there_is() -> None:
    assert said(NodeSide(PASSWORD), [NODE_HELLO, b"\x03\x10\x01\x02"])[-1:] == b"\x02"
    open_node = NodeSide(PASSWORD)

    assert said(open_node, [NODE_HELLO, b"\x01\x01", NODE_OK]) == b"RFB 003.008\n\x01"

    assert open_node.state is NodeState.READY


@pytest.mark.parametrize("pieces", cut_everywhere(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_FAILED))
def test_a_refused_password_is_told_with_the_nodes_reason(pieces: list[bytes]) -> None:
    with pytest.raises(PasswordRefused, match=r"^Authentication failed$"):
        said(NodeSide(PASSWORD), pieces)


def test_a_node_without_a_security_type_gives_its_reason() -> None:
    with pytest.raises(NoUsableSecurity, match="Authentication failed"):
        said(NodeSide(PASSWORD), [NODE_HELLO, b"\0" + struct.pack(">I", len(REASON)) + REASON])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"RFB 003.003\n", "another version"),
        (b"HTTP/1.1 400", "another version"),
        (NODE_HELLO + b"\x02\x10\x13", "offers security types"),
        (NODE_HELLO + NODE_TYPES + CHALLENGE + b"\0\0\0\x01" + b"\xff" * 4, "4294967295 bytes"),
        (b"x" * 9000, "bytes wait"),
    ],
)
def test_what_a_node_may_not_say_is_named(data: bytes, words: str) -> None:
    with pytest.raises(NodeBroke, match=words):
        said(NodeSide(PASSWORD), [data])
