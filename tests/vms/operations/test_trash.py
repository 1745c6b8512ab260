"""Into the trash and back: what is switched off, what counts, who is refused, and when it goes for good."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from quotas.errors import QuotaExceeded
from quotas.models import Policy
from quotas.usage import figures
from tests.factories import make_reading
from tests.vms.operations.workshop import Workshop
from vms import lease_acts
from vms.models import VirtualMachine
from vms.operations import Refusal, request_power, request_restore, request_trash
from vms.states import Lifecycle, OperationKind, OperationState, Power

S = OperationState


def by(user: Any) -> dict[str, Any]:
    return {"by": user, "address": "192.0.2.7", "key": uuid.uuid4().hex}


def trashed(shop: Workshop, **asked: Any) -> VirtualMachine:
    """A machine of alice's that lies in the trash."""
    return shop.work(request_trash(shop.machine(**asked), **by(shop.cast.alice))).vm


def test_in_the_trash_the_disk_alone_counts(shop: Workshop) -> None:
    Policy.objects.create(name="all", is_default=True, cores=8, memory_mib=8192, disk_gib=50, vms=3, counts_always=True)
    vm = trashed(shop)

    used = figures(shop.cast.alices).used

    assert (used.cores, used.memory_mib, used.disk_gib, used.vms) == (0, 0, 4, 0)
    assert (vm.lifecycle, vm.trashed_by, vm.trash_until is not None) == (Lifecycle.READY, shop.cast.alice, True)


def test_the_way_back_needs_its_place_among_the_machines(shop: Workshop) -> None:
    Policy.objects.create(name="two", is_default=True, vms=1, cores=8, memory_mib=8192, disk_gib=50)
    vm = trashed(shop)
    shop.machine("other")

    with pytest.raises(QuotaExceeded, match="0 of 1 machines are free"):
        request_restore(vm, **by(shop.cast.alice))


def test_start_at_boot_goes_off_and_comes_back(shop: Workshop) -> None:
    vm = shop.machine()
    shop.cluster.change(vm.vmid or 0, config={"onboot": 1})
    VirtualMachine.objects.filter(pk=vm.pk).update(start_at_boot=True)
    vm.refresh_from_db()

    vm = shop.work(request_trash(vm, **by(shop.cast.alice))).vm
    off = vm.start_at_boot
    back = shop.work(request_restore(vm, **by(shop.cast.alice))).vm

    assert (off, back.start_at_boot, back.trashed_at) == (False, True, None)


def test_what_runs_is_not_put_away_by_hand_and_is_shut_down_by_the_portal(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    with pytest.raises(Refusal, match="Shut it down first"):
        request_trash(vm, **by(shop.cast.alice))

    VirtualMachine.objects.filter(pk=vm.pk).update(power=Power.STOPPED)
    op = shop.work(request_trash(vm, **by(shop.cast.alice)))

    assert (op.state, op.sentence) == (
        S.FAILED,
        "Proxmox did not throw away web-01. It is running. Shut it down first. Nothing was changed.",
    )


def test_nothing_starts_in_the_trash_and_only_managers_bring_it_back(shop: Workshop) -> None:
    vm = trashed(shop)

    with pytest.raises(Refusal, match="It is in the trash"):
        request_power(vm, OperationKind.START, **by(shop.cast.alice))
    with pytest.raises(PermissionDenied):
        request_restore(vm, **by(shop.cast.bob))


def test_a_protected_machine_and_a_closed_pool_say_so(shop: Workshop) -> None:
    vm, lying = shop.machine("kept"), trashed(shop)
    VirtualMachine.objects.filter(pk=vm.pk).update(hardware={"is_protected": True})
    shop.cast.alices.closed_at = timezone.now()
    shop.cast.alices.save()

    for act, machine, words in ((request_trash, vm, "It is protected"), (request_restore, lying, "is closed")):
        with pytest.raises(Refusal, match=words):
            act(machine, **by(shop.cast.alice))


@pytest.mark.parametrize("never_expires", [False, True])
def test_when_its_days_are_over_it_is_deleted_for_good(shop: Workshop, never_expires: bool) -> None:
    vm = trashed(shop)
    shop.cast.alices.never_expires = never_expires
    shop.cast.alices.save()
    VirtualMachine.objects.filter(pk=vm.pk).update(trash_until=timezone.now() - timedelta(minutes=1))
    make_reading()

    lease_acts.carry_out(timezone.now())
    shop.work_all()

    vm.refresh_from_db()
    assert (vm.lifecycle, shop.made()) == (Lifecycle.GONE, [])


def test_what_was_restored_in_the_last_second_stays(shop: Workshop) -> None:
    vm = trashed(shop)
    VirtualMachine.objects.filter(pk=vm.pk).update(trash_until=timezone.now() - timedelta(minutes=1))
    make_reading()
    lease_acts.carry_out(timezone.now())
    VirtualMachine.objects.filter(pk=vm.pk).update(trashed_at=None, trash_until=None)

    shop.work_all()

    assert len(shop.made()) == 1
