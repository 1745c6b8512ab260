"""The words beside the screen: few from the browser and no other, few to it."""

import json

import pytest

from consoles import notices
from consoles.notices import Broke, NoticeBroke, Pace, Ping, Stay


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"stay", Stay()),
        (b"broke", Broke()),
        (b"ping 0", Ping(0)),
        (b"ping 17", Ping(17)),
        (b"ping 9999999999", Ping(9_999_999_999)),
    ],
)
def test_what_a_page_says_is_read(text: bytes, said: Ping | Stay | Broke) -> None:
    assert notices.read(text) == said


WRONG = [
    b"", b"ping", b"ping ", b"ping 01", b"ping -1", b"ping 1 ", b"ping 10000000000", b"ping 1\n", b"ping \xd9\xa1",
    b"STAY", b"stay ", b"broke\n", b"broken", b"\xff\xfe", b"{}", b"ping " + b"9" * 1000, "ping １".encode(),
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_every_other_text_is_a_breach(text: bytes) -> None:
    with pytest.raises(NoticeBroke):
        notices.read(text)


def test_a_notice_is_one_json_object_whatever_it_tells() -> None:
    told = {"by": "rita", "reason": 'node "pve1" goes down\u2028\n<b>'}

    assert json.loads(notices.write("ended", told)) == {"ended": told}


def test_a_page_is_never_too_fast_and_a_flood_is() -> None:
    page, flood = Pace(), Pace()

    assert all(page.take(1000 + n) for n in range(3600))
    assert [flood.take(1000.0) for _ in range(30)].count(True) == notices.MAX_BURST


def test_a_page_that_was_asleep_may_catch_up() -> None:
    pace = Pace()
    assert [pace.take(1000.0) for _ in range(21)].count(True) == 20
    assert [pace.take(1010.0) for _ in range(21)].count(True) >= 19
