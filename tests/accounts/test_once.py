"""Things that count once, also when they come many times at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import spent
from accounts.models import SpentToken

pytestmark = pytest.mark.django_db


def test_a_token_counts_once_until_its_time_is_over() -> None:
    now = timezone.now()
    first, second = (spent.spend_once("logout", "jti-1", for_s=60, now=now) for _ in range(2))
    later = spent.spend_once("logout", "jti-1", for_s=60, now=now + timedelta(seconds=61))

    assert (first, second, later) == (True, False, True)


def test_two_purposes_do_not_meet() -> None:
    now = timezone.now()

    assert spent.spend_once("logout", "same", for_s=60, now=now)
    assert spent.spend_once("totp", "same", for_s=60, now=now)


def test_only_a_hash_is_kept_and_forgotten_in_time() -> None:
    now = timezone.now()
    spent.spend_once("totp", "123456", for_s=60, now=now)

    assert not SpentToken.objects.filter(token_hash__contains="123456").exists()
    assert (spent.prune(now), spent.prune(now + timedelta(seconds=61))) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_counts() -> None:
    now = timezone.now()

    def spend(_: int) -> bool:
        try:
            return spent.spend_once("totp", "654321", for_s=60, now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(spend, range(48))) == 1
