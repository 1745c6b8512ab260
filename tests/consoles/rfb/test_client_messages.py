"""The browser's messages: an allow-list, rewritten encodings, requests held back."""

import random
import struct

import pytest

from consoles.rfb.client_messages import ClientMessages, merged
from consoles.rfb.constants import ALLOWED_ENCODINGS
from consoles.rfb.errors import BrowserBroke
from tests.consoles.rfb.conversations import (
    CLIPBOARD,
    KEY_A,
    PIXEL_FORMAT,
    POINTER,
    QEMU_KEY,
    byte_wise,
    cut_everywhere,
    encodings,
    fed,
    request,
)
from tests.figures import figure

#: What noVNC 1.7 asks for, in its order.
NOVNC = (
    1,
    7,
    -260,
    50,
    5,
    2,
    21,
    6,
    16,
    0,
    -26,
    -254,
    -223,
    -224,
    -258,
    -261,
    -308,
    -309,
    -312,
    -313,
    -307,
    -1063131698,
    0x574D5664,
    -239,
    -316,
)
STREAM = PIXEL_FORMAT + encodings(*NOVNC) + request(incremental=0) + KEY_A + POINTER + CLIPBOARD + QEMU_KEY + request()


def expected(*, view_only: bool = False) -> bytes:
    kept = encodings(*(number for number in NOVNC if number in ALLOWED_ENCODINGS))
    typed = b"" if view_only else KEY_A + POINTER + CLIPBOARD + QEMU_KEY
    return PIXEL_FORMAT + kept + request(incremental=0) + typed + request()


@pytest.mark.parametrize("pieces", cut_everywhere(STREAM))
def test_messages_are_the_same_however_they_are_cut(pieces: list[bytes]) -> None:
    assert fed(ClientMessages().receive, pieces) == expected()


def test_a_viewer_who_may_only_look_types_nothing_but_is_seen_to_be_there() -> None:
    messages = ClientMessages(view_only=True)

    assert fed(messages.receive, byte_wise(STREAM)) == expected(view_only=True)

    assert messages.inputs == 4


#: One of each kind a browser may send: (message, whether who may only look may send it).
KINDS = (
    (PIXEL_FORMAT, True), (encodings(5, 16), True), (request(), True),
    (KEY_A, False), (POINTER, False), (CLIPBOARD, False), (QEMU_KEY, False),
)  # fmt: skip


def talk(seed: int, messages: int) -> list[tuple[bytes, bool]]:
    """What a browser might send, in any order."""
    return random.Random(seed).choices(KINDS, k=messages)


def typed_through(*, view_only: bool, messages: int) -> int:
    """How many messages of the kinds that act reach the node, fed in pieces of any length."""
    said, rng = talk(7, messages), random.Random(8)
    stream, client = b"".join(message for message, _ in said), ClientMessages(view_only=view_only)
    passed, at = b"", 0
    while at < len(stream):
        step = rng.randint(1, 90)
        passed += client.receive(stream[at : at + step])
        at += step
    looking = b"".join(message for message, may_look in said if may_look)
    return 0 if passed == looking else (len(passed) - len(looking)) // len(KEY_A)


def test_ten_thousand_messages_of_who_may_only_look_type_nothing() -> None:
    messages = 10_000
    through, control = (typed_through(view_only=view_only, messages=messages) for view_only in (True, False))

    figure("view-only", "messages", messages, "typed through", through, "without the filter", control)
    assert (through, control > messages // 2) == (0, True)


@pytest.mark.parametrize("pieces", cut_everywhere(STREAM))
def test_wherever_it_is_cut_nothing_typed_gets_through(pieces: list[bytes]) -> None:
    assert fed(ClientMessages(view_only=True).receive, pieces) == expected(view_only=True)


def test_nothing_that_changes_the_length_of_a_message_is_negotiated() -> None:
    dangerous = {-312, -313, -308, -309, -316, -257, -259}  # fence … QEMU audio

    assert ClientMessages().receive(encodings(*dangerous, 5)) == encodings(5)

    assert not dangerous & ALLOWED_ENCODINGS


@pytest.mark.parametrize("kind", sorted(set(range(256)) - {0, 2, 3, 4, 5, 6, 255}))
def test_every_other_message_type_ends_the_conversation(kind: int) -> None:
    with pytest.raises(BrowserBroke, match=f"type {kind} is not allowed"):
        ClientMessages().receive(bytes((kind,)) + bytes(20))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (struct.pack(">BBHH", 5, 0x80, 1, 1), "extended mouse buttons"),
        (struct.pack(">B3xi", 6, -3), "clipboard of -3 bytes"),
        (struct.pack(">B3xi", 6, -1024 * 1024 - 1), "clipboard of -1048577 bytes"),
        (struct.pack(">B3xi", 6, -(2**31)), "clipboard of -2147483648 bytes"),
        (struct.pack(">B3xi", 6, 1024 * 1024 + 1), "clipboard of 1048577 bytes"),
        (struct.pack(">B3xI", 6, 0xFFFFFFFF), "clipboard of -1 bytes"),
        (struct.pack(">BBH", 2, 0, 257), "257 encodings"),
        (b"\xff\x01\0\0", "QEMU message 1"),
    ],
)
def test_what_was_not_negotiated_or_is_too_large_is_named(data: bytes, words: str) -> None:
    with pytest.raises(BrowserBroke, match=words):
        ClientMessages().receive(data)


def test_an_extended_clipboard_passes_whole_and_is_nobodys_doing() -> None:
    told = struct.pack(">B3xiI", 6, -8, 1 << 24) + b"size"
    messages, looking = ClientMessages(), ClientMessages(view_only=True)

    passed = b"".join(messages.receive(told[at : at + 1]) for at in range(len(told)))

    assert (passed, messages.inputs) == (told, 0)
    assert looking.receive(told) == b""
    messages.receive(CLIPBOARD)
    assert messages.inputs == 1


def test_a_held_request_comes_out_once_and_covers_all_of_them() -> None:
    messages = ClientMessages()
    messages.hold_requests()

    assert messages.receive(request(x=10, y=20, width=5, height=5) + KEY_A) == KEY_A
    assert messages.receive(request(incremental=0, x=100, y=0, width=20, height=10)) == b""

    assert messages.release_requests() == request(incremental=0, x=10, y=0, width=110, height=25)
    assert (messages.release_requests(), messages.receive(request())) == (b"", request())


def test_merging_keeps_an_incremental_request_only_of_two() -> None:
    assert merged(request(), request()) == request()
    assert merged(request(incremental=0), request())[1] == 0
    assert merged(request(x=65_535, width=65_535), request())[6:8] == b"\xff\xff"


def message(chance: random.Random) -> bytes:
    kind = chance.randrange(7)
    if kind == 0:
        return encodings(*(chance.choice([*ALLOWED_ENCODINGS]) for _ in range(chance.randrange(9))))
    if kind == 1:
        text = chance.randbytes(chance.randrange(300))
        return struct.pack(">B3xI", 6, len(text)) + text
    return (PIXEL_FORMAT, KEY_A, POINTER, QEMU_KEY, request())[kind - 2]


def test_random_streams_cut_at_random_come_out_whole() -> None:
    chance = random.Random(6143)
    for _ in range(500):
        stream = b"".join(message(chance) for _ in range(chance.randrange(1, 20)))
        cuts = sorted(chance.randrange(len(stream) + 1) for _ in range(chance.randrange(8)))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

        assert fed(ClientMessages().receive, pieces) == stream


def test_noise_is_refused_in_words_and_never_breaks_us() -> None:
    chance = random.Random(34)
    refused = 0
    for _ in range(3000):
        try:
            ClientMessages().receive(chance.randbytes(chance.randrange(1, 400)))
        except BrowserBroke:
            refused += 1

    assert refused > 2500
