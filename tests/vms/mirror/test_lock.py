"""Never two at once, and whoever took too long writes nothing."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import Settings

from tests.figures import scaled
from tests.vms.mirror.house import House
from vms.mirror import lock, sync
from vms.models import MirrorRun, VirtualMachine


@pytest.mark.django_db
def test_one_holder_at_a_time() -> None:
    assert lock.take("mirror", "one", 60)
    assert not lock.take("mirror", "two", 60)
    lock.release("mirror", "two")
    assert not lock.take("mirror", "two", 60)
    lock.release("mirror", "one")
    assert lock.take("mirror", "two", 60)


@pytest.mark.django_db
def test_an_overdue_holder_loses_it() -> None:
    assert lock.take("mirror", "one", -1)
    assert lock.take("mirror", "two", 60)
    with pytest.raises(lock.LostLock):
        lock.require("mirror", "one")
    lock.require("mirror", "two")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_takes_it() -> None:
    rounds, workers, taken = scaled(10, 100), 8, list[int]()
    for number in range(rounds):
        name, gate = f"race {number}", Barrier(workers)

        def one(worker: int, name: str = name, gate: Barrier = gate) -> bool:
            gate.wait(20)
            try:
                return lock.take(name, f"worker {worker}", 60)
            finally:
                connection.close()

        with ThreadPoolExecutor(workers) as threads:
            taken.append(sum(threads.map(one, range(workers))))
    assert taken == [1] * rounds


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_hold_it_for_a_day() -> None:
    assert lock.take("mirror", "one", 86_400)
    assert lock.take("mirror", "two", 60)


def test_a_cycle_is_left_out_while_another_is_at_work(house: House) -> None:
    assert lock.take(sync.JOB, "somebody else", 60)
    assert sync.sync(house.cluster) is None
    assert not MirrorRun.objects.exists()


def test_a_worker_that_took_too_long_writes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.machine()
    monkeypatch.setattr(sync, "JOB_LASTS_S", -1.0)
    look = sync.look

    def slow_look(*args: object) -> object:
        found = look(*args)  # type: ignore[arg-type]
        assert lock.take(sync.JOB, "the next one", 60)
        return found

    monkeypatch.setattr(sync, "look", slow_look)
    assert sync.sync(house.cluster) is None
    assert not VirtualMachine.objects.exists()
    assert not lock.take(sync.JOB, "a third", 60)


def test_a_failed_cycle_gives_the_job_back(house: House, settings: Settings) -> None:
    settings.PROXMOX_HOSTS = (("127.0.0.1", 1),)
    for _ in range(3):
        assert not house.cycle().answered
