"""The person's own clocks: hours, idleness, and the warning before either."""

import pytest

from consoles import close_codes
from consoles.bridge import Limits
from consoles.clocks import Clocks, NearEnd
from tests.consoles.rfb.conversations import KEY_A, request
from tests.consoles.streams import opened

HOUR = 3600


def clocks(max_s: float = 8 * HOUR, idle_s: float = 2 * HOUR) -> Clocks:
    return Clocks(1000.0, max_s=max_s, idle_s=idle_s, warn_s=60)


@pytest.mark.parametrize(
    ("at_s", "warning", "end"),
    [
        (2 * HOUR - 61, None, None),
        (2 * HOUR - 60, NearEnd("idle", 60), None),
        (2 * HOUR - 1, NearEnd("idle", 1), None),
        (2 * HOUR, NearEnd("idle", 1), close_codes.IDLE),
    ],
)
def test_idleness_is_warned_of_sixty_seconds_before(
    at_s: float, warning: NearEnd | None, end: close_codes.End | None
) -> None:
    known = clocks()

    assert (known.warning(1000 + at_s), known.end(1000 + at_s)) == (warning, end)


def test_a_key_or_a_word_begins_it_anew() -> None:
    known = clocks()
    known.used(1000 + 2 * HOUR - 5)

    assert known.warning(1000 + 2 * HOUR) is None
    assert known.end(1000 + 4 * HOUR - 6) is None
    assert known.end(1000 + 4 * HOUR - 5) == close_codes.IDLE


def test_hours_end_whoever_is_busy_too() -> None:
    known = clocks()
    for minute in range(0, 8 * 60, 30):
        known.used(1000 + 60 * minute)

    known.used(1000 + 8 * HOUR - 30)
    assert known.warning(1000 + 8 * HOUR - 30) == NearEnd("time_limit", 30)
    assert known.end(1000 + 8 * HOUR) == close_codes.TIME_LIMIT


def test_no_limit_is_no_end() -> None:
    known = clocks(0, 0)

    assert (known.warning(1e9), known.end(1e9)) == (None, None)


async def test_only_keys_pointer_and_stay_count_as_use_and_what_a_page_asks_by_itself_does_not() -> None:
    used = {"request": request(incremental=1), "key": KEY_A, "pointer": b"\x05\0\0\1\0\1"}
    seen = {}
    for name, data in used.items():
        bridge, _, _ = opened(Limits(idle_s=100, warn_s=10))
        before = bridge._session.inputs
        bridge.browser_bytes(data)
        seen[name] = bridge._session.inputs - before

    assert seen == {"request": 0, "key": 1, "pointer": 1}
