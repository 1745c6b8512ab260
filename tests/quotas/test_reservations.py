"""Reservations hold room, and are settled or released exactly once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from quotas import reservations
from quotas.errors import OutsideTransaction, QuotaExceeded
from quotas.footprint import Footprint
from quotas.locking import lock_pool
from quotas.models import Policy
from quotas.usage import figures
from tests.cast import Cast
from tests.factories import make_vm
from vms.states import Lifecycle, Power

NOW = timezone.now()


def reserve(cast: Cast, **parts: int) -> int:
    asked = Footprint(**parts)
    return reservations.reserve(lock_pool(cast.alices.pk), asked, purpose="test", now=NOW, held_for_s=60).pk


def test_held_room_is_not_free(cast: Cast) -> None:
    reserve(cast, cores=3, memory_mib=1024, disk_gib=10, vms=1)

    assert figures(cast.alices).free.cores == 5
    with pytest.raises(QuotaExceeded):
        reserve(cast, cores=6)


def test_a_reservation_moves_once(cast: Cast) -> None:
    pk = reserve(cast, cores=1)

    assert [reservations.settle(pk), reservations.release(pk), reservations.settle(pk)] == [True, False, False]


def test_only_what_belongs_to_no_operation_is_released_when_overdue(cast: Cast) -> None:
    idle, busy = reserve(cast, cores=1), reserve(cast, cores=1)
    later = NOW + timedelta(seconds=61)

    assert reservations.release_overdue(NOW, in_use=[]) == 0
    assert reservations.release_overdue(later, in_use=[busy]) == 1
    assert reservations.settle(busy)
    assert not reservations.settle(idle)


@pytest.mark.parametrize(
    ("power", "at_boot", "counted"),
    [(Power.RUNNING, False, 2), (Power.PAUSED, False, 2), (Power.STOPPED, False, 0), (Power.STOPPED, True, 2)],
)
def test_cores_count_while_awake_and_disk_always(cast: Cast, power: Power, at_boot: bool, counted: int) -> None:
    make_vm(cast.alices, power=power, start_at_boot=at_boot, cores=2, disk_gib=7)

    assert figures(cast.alices).used == Footprint(cores=counted, memory_mib=256 * counted, disk_gib=7, vms=1)


def test_of_current_and_pending_the_larger_counts(cast: Cast) -> None:
    make_vm(cast.alices, power=Power.RUNNING, cores=2, pending_cores=4, memory_mib=2048, pending_memory_mib=1024)

    assert figures(cast.alices).used == Footprint(cores=4, memory_mib=2048, disk_gib=4, vms=1)


def test_a_machine_on_a_silent_node_counts_as_last_known(cast: Cast) -> None:
    make_vm(cast.alices, power=Power.UNKNOWN, last_known_power=Power.RUNNING, cores=2)
    make_vm(cast.alices, power=Power.UNKNOWN, last_known_power=Power.STOPPED, cores=3)

    assert figures(cast.alices).used.cores == 2


def test_a_machine_being_removed_counts_until_it_is_gone(cast: Cast) -> None:
    vm = make_vm(cast.alices, lifecycle=Lifecycle.DELETING)
    assert figures(cast.alices).used.disk_gib == 4

    vm.lifecycle = Lifecycle.GONE
    vm.save(update_fields=["lifecycle"])
    assert figures(cast.alices).used == Footprint()


def test_a_policy_of_the_rtps_replaces_the_default(cast: Cast) -> None:
    Policy.objects.create(name="house", is_default=True, cores=2, memory_mib=1024, disk_gib=None)

    limit = figures(cast.alices).limit

    assert (limit.cores, limit.memory_mib) == (2, 1024)
    assert limit.disk_gib > 10**6


def test_a_cut_limit_stops_growth_but_lets_shrink(cast: Cast) -> None:
    make_vm(cast.alices, power=Power.RUNNING, cores=4)
    Policy.objects.create(name="house", is_default=True, cores=2)

    with pytest.raises(QuotaExceeded):
        reserve(cast, cores=1)
    assert reserve(cast, cores=-1)


@pytest.mark.django_db(transaction=True)
def test_the_lock_is_refused_where_it_would_hold_nothing(cast: Cast) -> None:
    with pytest.raises(OutsideTransaction):
        lock_pool(cast.alices.pk)

    with transaction.atomic():
        assert lock_pool(cast.alices.pk) == cast.alices
