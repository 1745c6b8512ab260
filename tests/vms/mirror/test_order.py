"""R-17: whatever order readings are written in, no row goes back in time."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.cast import Cast
from tests.factories import make_vm
from tests.figures import figure, scaled
from vms.cluster.types import ClusterReading, GuestConfig, GuestFacts, NodeFacts
from vms.mirror import apply
from vms.mirror.apply import record
from vms.mirror.diff import difference
from vms.mirror.facts import Difference, Reading
from vms.mirror.known import known_rows
from vms.models import VirtualMachine
from vms.states import Power

NODES = (NodeFacts("pve1", "online"), NodeFacts("pve2", "online"))


def reading_at(at: datetime, number: int, vm: VirtualMachine) -> Reading:
    """A reading whose every fact tells its number: the uptime is the number, the memory as well."""
    assert vm.vmid is not None
    guest = GuestFacts(
        vm.vmid, "pve1", "running", Power.RUNNING, "web", poolid="alice", uptime_s=number, cpu_load=0.5, cores=1
    )
    config = GuestConfig("pve1", vm.vmid, str(vm.smbios_uuid), f"{number}", "web", 1, number)
    listing = ClusterReading(nodes=NODES, guests=(guest,))
    return Reading(at, listing=listing, configs={vm.vmid: config}, is_complete=True)


def compared(reading: Reading) -> tuple[Reading, Difference]:
    """With the rows as they are now, which may be long before it is written."""
    return reading, difference(reading, known_rows(), {"alice"})


def shuffled(vm: VirtualMachine, count: int) -> tuple[int, int]:
    """Writes that many readings out of order, some of them partial: how often the row went back, or was missing."""
    rng, back, absent, newest = random.Random(17), 0, 0, 0
    start, waiting = timezone.now(), list[tuple[Reading, Difference]]()
    for number in sorted(range(1, count + 1), key=lambda number: number + rng.uniform(0, 40)):
        one = reading_at(start + timedelta(seconds=number), number, vm)
        if rng.random() < 0.2:
            one = replace(one, listing=ClusterReading(nodes=NODES), configs={}, is_complete=False)
        waiting.append(compared(one))
        if len(waiting) > 3:
            record(*waiting.pop(rng.randrange(len(waiting))))
        vm.refresh_from_db()
        back += vm.memory_mib < newest
        newest = max(newest, vm.memory_mib if vm.config_digest else 0)
        absent += vm.missing_since is not None
    assert newest > count - 60
    return back, absent


@pytest.mark.django_db
def test_readings_written_in_any_order_never_take_a_row_back(cast: Cast) -> None:
    count = scaled(500, 5000)
    back, absent = shuffled(make_vm(cast.alices, "web", last_seen=None), count)
    figure("R-17", "readings", count, "gone back", back, "absent from partial readings", absent)
    assert (back, absent) == (0, 0)


@pytest.mark.django_db
def test_without_the_guards_it_would_go_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "came_too_late", lambda _reading: False)
    monkeypatch.setattr(apply._Writing, "_still_holds", lambda *_: True)
    back, _absent = shuffled(make_vm(cast.alices, "web", last_seen=None), 100)
    assert back > 0


@pytest.mark.django_db
def test_what_an_operation_read_later_is_not_overwritten(cast: Cast) -> None:
    vm = make_vm(cast.alices, "web", power=Power.STOPPED)
    one = compared(reading_at(timezone.now() - timedelta(seconds=5), 700, vm))
    VirtualMachine.objects.filter(pk=vm.pk).update(last_seen=timezone.now(), memory_mib=900)
    record(*one)
    vm.refresh_from_db()
    assert (vm.memory_mib, vm.power) == (900, Power.STOPPED)


@pytest.mark.django_db
def test_a_clock_that_was_a_day_ahead_does_not_stop_the_mirror(cast: Cast) -> None:
    vm = make_vm(cast.alices, "web", last_seen=None)
    ahead = reading_at(timezone.now() + timedelta(days=1), 700, vm)
    record(*compared(ahead))
    record(*compared(reading_at(timezone.now(), 800, vm)))
    vm.refresh_from_db()
    assert vm.memory_mib == 800
