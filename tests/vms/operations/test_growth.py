"""The one function that takes room: what it holds of a difference, what it refuses, and in which words."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from quotas import locking
from quotas.errors import OutsideTransaction, QuotaExceeded
from quotas.footprint import Footprint
from quotas.models import Reservation
from quotas.usage import figures
from tests.cast import Cast
from tests.factories import make_vm
from tests.vms.operations.growing import allow
from vms.operations import Refusal, growth
from vms.states import Power
from vms.usage import Shape, shape_of

WEB = Shape(cores=2, memory_mib=1024, disk_gib=8)


def held(cast: Cast, before: Shape | None, after: Shape) -> Footprint | None:
    """What is held in alice's pool; None: nothing."""
    found = growth.hold(locking.lock_pool(cast.alices.pk), before, after, "test")
    return found.footprint if found is not None else None


def test_what_was_in_no_pool_is_held_whole(cast: Cast) -> None:
    assert held(cast, None, WEB) == Footprint(2, 1024, 8, 1)


def test_only_what_grows_is_held_though_something_else_shrinks(cast: Cast) -> None:
    assert held(cast, WEB, replace(WEB, cores=3, memory_mib=512)) == Footprint(cores=1)


def test_nothing_is_held_where_nothing_grows(cast: Cast) -> None:
    assert held(cast, WEB, replace(WEB, cores=1, disk_gib=8)) is None
    assert not Reservation.objects.exists()


def test_a_start_holds_cores_and_memory_and_nothing_that_counts_already(cast: Cast) -> None:
    asleep = replace(WEB, is_awake=False)

    assert held(cast, asleep, WEB) == Footprint(cores=2, memory_mib=1024)
    assert held(cast, WEB, WEB) is None


def test_where_the_policy_counts_always_a_start_takes_nothing_more(cast: Cast) -> None:
    allow(cores=8, counts_always=True)

    assert held(cast, replace(WEB, is_awake=False), WEB) is None
    assert held(cast, replace(WEB, is_awake=False), replace(WEB, cores=4, is_awake=False)) == Footprint(cores=2)


def test_a_way_back_from_the_trash_holds_a_machine_and_what_counts_of_it(cast: Cast) -> None:
    trashed = replace(WEB, is_awake=False, is_kept=False)

    assert held(cast, trashed, replace(trashed, is_kept=True)) == Footprint(vms=1)
    allow(counts_always=True)
    assert held(cast, trashed, replace(trashed, is_kept=True)) == Footprint(cores=2, memory_mib=1024, vms=1)


@pytest.mark.parametrize(
    ("columns", "counts"),
    [
        ({"power": Power.RUNNING}, (4, 2048)),
        ({"power": Power.PAUSED}, (4, 2048)),
        ({"power": Power.STOPPED}, (0, 0)),
        ({"power": Power.STOPPED, "start_at_boot": True}, (4, 2048)),
        ({"power": Power.UNKNOWN, "last_known_power": Power.UNKNOWN}, (4, 2048)),
        ({"power": Power.UNKNOWN, "last_known_power": Power.STOPPED}, (0, 0)),
        ({"power": Power.STOPPED, "trashed_at": timezone.now()}, (0, 0)),
        ({"power": Power.RUNNING, "trashed_at": timezone.now()}, (4, 2048)),
    ],
    ids=["running", "paused", "stopped", "at-boot", "never-seen", "silent-stopped", "trashed", "trashed-running"],
)
def test_a_row_and_the_sum_over_rows_count_the_larger_of_current_and_pending(
    cast: Cast, columns: dict[str, Any], counts: tuple[int, int]
) -> None:
    vm = make_vm(cast.alices, cores=2, memory_mib=2048, pending_cores=4, pending_memory_mib=1024, **columns)

    found = shape_of(vm).counted(always=False)
    assert (found.cores, found.memory_mib) == counts
    assert figures(cast.alices).used == found


@pytest.mark.parametrize(
    ("cap", "after", "sentence", "field"),
    [
        ("vm_cores", {"cores": 3}, "One VM may have 2 cores here; this asks for 3 cores.", "cores"),
        (
            "vm_memory_mib",
            {"memory_mib": 1536},
            "One VM may have 1 GiB of memory here; this asks for 1.5 GiB.",
            "memory_mib",
        ),
        ("vm_disk_gib", {"disk_gib": 9}, "One VM may have 2 GiB of disk here; this makes 9 GiB.", "disk_gib"),
        ("disks_per_vm", {"disks": 3}, "One VM may have 2 disks here; this would be number 3.", "disk_gib"),
        ("snapshots_per_vm", {"snapshots": 3}, "One VM may have 2 snapshots here; this would be number 3.", "name"),
    ],
    ids=["cores", "memory", "disk", "disks", "snapshots"],
)
def test_the_largest_single_machine_is_held_to_its_caps(
    cast: Cast, cap: str, after: dict[str, Any], sentence: str, field: str
) -> None:
    most = 1024 if cap == "vm_memory_mib" else 2
    allow(cores=None, memory_mib=None, disk_gib=None, **{cap: most})

    with pytest.raises(Refusal) as refusal:
        held(cast, WEB, replace(WEB, **after))

    assert (refusal.value.sentence, refusal.value.field) == (sentence, field)


def test_what_is_too_large_already_may_stay_so_and_shrink(cast: Cast) -> None:
    allow(cores=None, memory_mib=None, disk_gib=None, vm_cores=1)

    assert held(cast, replace(WEB, cores=8), replace(WEB, cores=4)) is None
    assert held(cast, WEB, replace(WEB, disk_gib=9)) == Footprint(disk_gib=1)


def test_a_limit_below_use_refuses_growth_and_nothing_else(cast: Cast) -> None:
    make_vm(cast.alices, power=Power.RUNNING, cores=4)
    allow(cores=2, memory_mib=None, disk_gib=None)

    with pytest.raises(QuotaExceeded, match="This needs 1 core; 0 of 2 are free"):
        held(cast, WEB, replace(WEB, cores=3))
    assert held(cast, WEB, replace(WEB, disk_gib=9)) == Footprint(disk_gib=1)
    assert held(cast, WEB, replace(WEB, cores=1)) is None


@pytest.mark.django_db(transaction=True)
def test_no_room_is_taken_outside_a_transaction(cast: Cast) -> None:
    with pytest.raises(OutsideTransaction):
        growth.hold(cast.alices, None, WEB, "test")
    assert not Reservation.objects.exists()
