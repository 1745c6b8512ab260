"""Wrong passwords are counted for all processes together, and a stranger's tries do not keep the owner out for ever."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from io import StringIO
from itertools import chain

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import attempts
from accounts.adapter import PortalAccountAdapter
from tests.accounts.local.house import SIGN_IN, come_in, is_in
from tests.cast import PASSWORD, Cast, make_cast
from tests.figures import figure

PROCESSES, EACH = 4, 10
FORK = multiprocessing.get_context("fork")


def guess(number: int) -> list[bool]:
    """In a process of its own: which of these wrong passwords were looked at."""
    connection.close()  # the one of the process that forked
    pages = [Client().post(SIGN_IN, {"login": "alice", "password": f"{number} {n}"}) for n in range(EACH)]
    connection.close()
    return ["do not belong together" in page.content.decode() for page in pages]


def guesses() -> int:
    """How many of the guesses of all processes were looked at."""
    connection.close()
    with ProcessPoolExecutor(PROCESSES, mp_context=FORK) as pool:
        return sum(chain.from_iterable(pool.map(guess, range(PROCESSES))))


def test_several_processes_look_at_five_wrong_passwords_together(transactional_db: None) -> None:
    make_cast()

    looked_at = guesses()

    figure("sign-in", "processes", PROCESSES, "wrong passwords", PROCESSES * EACH, "looked at", looked_at)
    assert looked_at == attempts.FROM_HERE.tries


def test_counts_kept_in_each_process_let_more_through(
    transactional_db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cast()
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.ACCOUNT_RATE_LIMITS = {"login": None}
    monkeypatch.setattr(PortalAccountAdapter, "pre_authenticate", DefaultAccountAdapter.pre_authenticate)

    assert guesses() > attempts.FROM_HERE.tries


def test_after_five_the_right_password_waits_from_there_and_not_from_elsewhere(cast: Cast) -> None:
    for _ in range(5):
        come_in("alice", "wrong")

    here = Client().post(SIGN_IN, {"login": "alice", "password": PASSWORD})
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")

    assert "Wait five minutes, then try again." in here.content.decode()
    assert is_in(come_in("alice", client=elsewhere))


def test_the_name_is_free_again_when_its_time_is_over(db: None) -> None:
    now = timezone.now()
    limit = attempts.Limit("try.test", 2, 60)
    tries = [limit.take("alice", now) for _ in range(3)]

    assert (tries, limit.take("alice", now + timedelta(seconds=61))) == ([True, True, False], True)
    assert limit.take("bob", now)


def test_an_account_of_ones_own_is_no_way_to_more_tries(cast: Cast) -> None:
    now = timezone.now()
    for number in range(attempts.BY_ADDRESS.tries):
        attempts.may_try_password(f"name{number}", "192.0.2.1", now)
        if attempts.may_try_password("mallory", "192.0.2.1", now):
            attempts.password_was_right("mallory", "192.0.2.1")

    assert not attempts.may_try_password("alice", "192.0.2.1", now)


def test_a_household_of_ipv6_counts_as_one_address(db: None) -> None:
    now = timezone.now()
    tries = [attempts.may_try_password("alice", f"2001:db8::{number}", now) for number in range(1, 8)]

    assert tries.count(True) == attempts.FROM_HERE.tries
    assert attempts.may_try_password("alice", "2001:db8:0:1::1", now)


def test_the_administrator_lets_a_name_in_that_strangers_tried_too_often(cast: Cast) -> None:
    call_command("create_break_glass", "glass", stdout=StringIO())
    now = timezone.now()
    while attempts.BY_NAME.take("glass", now):
        pass

    call_command("create_break_glass", "glass", stdout=StringIO())

    assert attempts.may_try_password("glass", "192.0.2.1", now)
