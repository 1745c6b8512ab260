"""Snapshots: taken, rolled back to, deleted; what counts, what is refused, and answers that are lost."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from quotas.errors import QuotaExceeded
from quotas.footprint import Caps
from tests.vms.operations.workshop import Workshop
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, request_drop_snapshot, request_roll_back, request_snapshot
from vms.states import OperationKind, OperationState, Power

ADDRESS = "192.0.2.7"


def take(shop: Workshop, vm: VirtualMachine, name: str = "clean", **asked: Any) -> Operation:
    """Alice asks for a snapshot, and it is worked on until it is at rest."""
    who = {"by": shop.cast.alice, "address": ADDRESS, "key": f"take-{name}-0001"}
    return shop.work(request_snapshot(vm, name=name, **(who | asked)))


def fresh(vm: VirtualMachine) -> VirtualMachine:
    """The row as it is now."""
    return VirtualMachine.objects.select_related("pool").get(pk=vm.pk)


def who(shop: Workshop, key: str = "the-key-0001") -> dict[str, Any]:
    """Alice."""
    return {"by": shop.cast.alice, "address": ADDRESS, "key": key}


def test_a_snapshot_is_taken_and_the_row_tells_of_it(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    op = take(shop, vm, note="before the   upgrade")
    assert (op.state, op.sentence) == (OperationState.SUCCEEDED, "web-01 was kept as snapshot clean.")
    row = fresh(vm).snapshots[0]
    assert (row["name"], row["note"], row["by"], row["with_memory"]) == ("clean", "before the upgrade", "alice", False)
    assert fresh(vm).snapshot_gib == 0


def test_memory_that_is_kept_counts_as_disk(shop: Workshop) -> None:
    vm = shop.machine(status="running", memory_mib=1500)
    op = take(shop, vm, with_memory=True)
    assert op.state == OperationState.SUCCEEDED, op.sentence
    assert (fresh(vm).snapshots[0]["memory_gib"], fresh(vm).snapshot_gib) == (2, 2)
