"""A form's number tells when its page was made, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from vms.form_keys import made_at, new_key

NOON = datetime(2026, 11, 28, 12, 0, 0, 123_456, tzinfo=UTC)


def test_a_key_tells_its_millisecond() -> None:
    key = new_key(NOON)
    assert made_at(key) == NOON - timedelta(microseconds=456)
    assert (len(key), set(key) <= set("0123456789abcdef"), key[12]) == (32, True, "7")


def test_two_pages_of_one_millisecond_have_two_keys() -> None:
    assert len({new_key(NOON) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("key", ["", "a" * 32, "g" * 12 + "7" + "0" * 19, "f" * 12 + "7" + "0" * 19, "0" * 64])
def test_what_is_no_such_key_tells_nothing(key: str) -> None:
    assert made_at(key) is None
