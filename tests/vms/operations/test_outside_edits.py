"""R-12 for hardware: somebody changes the cluster between a request and its work. Nothing meets another machine."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import figure
from tests.sign_in import sign_in
from tests.unwatched import nth_try
from tests.vms.operations.bench import SECOND_DISK, Bench
from tests.vms.operations.changes import CHANGES, prepare, request, rich
from tests.vms.operations.workshop import SHORT, Workshop
from vms.cluster.guard import Guard
from vms.models import Operation
from vms.states import OperationState

OTHER_UUID = "99999999-2222-4333-8444-555555555555"
Edit = Callable[[DevCluster, int], Any]

#: Another machine than the one meant is in the slot afterwards, or none, or one that is no longer the pool's.
ESTRANGING: dict[str, Edit] = {
    "destroyed": lambda pve, vmid: pve.destroy(vmid),
    "made anew in its slot": lambda pve, vmid: pve.change(vmid, recreate=True, config={"tags": "theirs"}),
    "given another identity": lambda pve, vmid: pve.change(vmid, uuid=OTHER_UUID),
    "moved to another pool": lambda pve, vmid: pve.change(vmid, pool="bob"),
    "taken out of its pool": lambda pve, vmid: pve.change(vmid, pool=None),
}
#: It is the same machine, and not as it was seen.
CHANGING: dict[str, Edit] = {
    "moved to another node": lambda pve, vmid: pve.change(vmid, node="pve2"),
    "locked by a backup": lambda pve, vmid: pve.change(vmid, lock="backup"),
    "switched off": lambda pve, vmid: pve.change(vmid, status="stopped"),
    "renamed and tagged": lambda pve, vmid: pve.change(vmid, name="theirs", config={"tags": "theirs"}),
    "given other devices": lambda pve, vmid: pve.change(
        vmid,
        config={"net1": "virtio=BC:24:11:99:99:99,bridge=vmbr0", "ide2": f"{SECOND_DISK}9,size=1G"},
        delete=["net0", "sata0", "scsi1", "unused0"],
    ),
    "protected": lambda pve, vmid: pve.change(vmid, config={"protection": "1"}),
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_edit_from_outside_makes_a_change_meet_another_machine(
    db: None, devcluster: DevCluster, settings: Settings
) -> None:
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    tried: Counter[str] = Counter()
    wrong: list[tuple[str, str, list[str]]] = []
    for edit, do in {**ESTRANGING, **CHANGING}.items():
        for kind in CHANGES:
            with nth_try(tried["tried"]), fresh(devcluster) as shop:
                found = attempt(shop, kind, do, is_strange=edit in ESTRANGING)
            wrong += [(edit, kind, found)] if found else []
            tried["tried"] += 1

    figure("R-12", "hardware", "edits", len(ESTRANGING | CHANGING), "actions", len(CHANGES), "tried", tried["tried"],
           "wrong", len(wrong))  # fmt: skip
    assert wrong == []


def attempt(shop: Workshop, kind: str, edit: Edit, *, is_strange: bool) -> list[str]:
    """What is wrong after a request, an edit from outside, and the work."""
    bench = rich(shop)
    prepare(bench, kind)
    op = request(bench, kind)
    edit(shop.cluster, bench.vm.vmid or 0)
    before = shop.cluster.all_guests().get(bench.vm.vmid or 0)
    op = shop.work(op)
    if not op.is_at_rest and is_strange:
        return [f"it rests as {op.state}: {op.sentence} {op.detail}"]
    if not op.is_at_rest:
        shop.cluster.change(bench.vm.vmid or 0, lock=None)
        op = shop.work(op)
    after = shop.cluster.all_guests().get(bench.vm.vmid or 0)
    wrong = ["it met another machine"] if is_strange and after != before else []
    wrong += ["it says that it was done"] if is_strange and op.state == OperationState.SUCCEEDED else []
    return wrong + lies(bench, op)


def lies(bench: Bench, op: Operation) -> list[str]:
    """An end without a sentence, one that does not stand on the page, and a page that fails."""
    page = sign_in(Client(raise_request_exception=False), bench.shop.cast.alice).get(f"/vms/{bench.vm.pk}/hardware/")
    found = [] if op.is_at_rest and op.sentence.endswith(".") else [f"it rests as {op.state}: {op.sentence!r}"]
    return found + ([] if page.status_code in {200, 404} else [f"the page answers {page.status_code}"])


@contextmanager
def fresh(cluster: DevCluster) -> Iterator[Workshop]:
    """Everything as at the beginning; the database forgets afterwards."""
    cluster.reset()
    with transaction.atomic():
        yield Workshop(make_cast(), cluster)
        transaction.set_rollback(True)


def test_without_the_guard_another_machine_would_be_changed(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with the comparison of uuid and pool taken away, the machine made anew gets the tags."""
    monkeypatch.setattr(Guard, "verified", lambda self, ref, **_: self.guest_config(ref.node, ref.vmid))

    found = attempt(shop, "add_nic", ESTRANGING["moved to another pool"], is_strange=True)

    assert "it met another machine" in found
