"""One pass at a time, and none holds the database while the directory is asked."""

from hashlib import sha256

import pytest
from django.db import connection
from django.utils import timezone

from accounts.directory import lock
from accounts.identity import DirectoryReading
from accounts.models import DirectoryRun, SpentToken, User
from accounts.sync import run_pass
from tests.accounts.directory.house import house_of, later, reading


@pytest.mark.django_db(transaction=True)
def test_the_directory_is_asked_outside_any_transaction() -> None:
    seen: list[bool] = []

    def read() -> DirectoryReading:
        seen.append(connection.in_atomic_block)
        return reading(house_of(3))

    run_pass(read, now=timezone.now())

    assert seen == [False]


@pytest.mark.django_db
def test_a_second_pass_is_refused_while_one_is_under_way() -> None:
    refused: list[bool] = []

    def read() -> DirectoryReading:
        with pytest.raises(lock.PassUnderWay):
            run_pass(lambda: reading(house_of(9)), now=timezone.now())
        refused.append(True)
        return reading(house_of(3))

    run_pass(read, now=timezone.now())

    assert refused
    assert (DirectoryRun.objects.count(), User.objects.count()) == (1, 4)


@pytest.mark.django_db
def test_a_pass_that_took_too_long_writes_nothing() -> None:
    def read() -> DirectoryReading:
        run_pass(lambda: reading(house_of(1)), now=later(6))
        return reading(house_of(9))

    with pytest.raises(lock.PassUnderWay):
        run_pass(read, now=timezone.now())

    assert User.objects.count() == 2


@pytest.mark.django_db
def test_a_pass_that_broke_leaves_the_job_to_the_next() -> None:
    def broken() -> DirectoryReading:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_pass(broken, now=timezone.now())

    assert run_pass(lambda: reading(house_of(1)), now=later()).joined == 2


@pytest.mark.django_db
def test_a_job_taken_by_a_clock_that_was_set_back_is_free() -> None:
    end = later(24 * 60)
    SpentToken.objects.create(purpose=lock.PURPOSE, token_hash=sha256(b"pass").hexdigest(), expires_at=end)

    assert run_pass(lambda: reading(house_of(1)), now=timezone.now()).joined == 2
