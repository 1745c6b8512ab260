"""Deleting: gone only when that is proven."""

import pytest

from quotas.usage import figures
from tests.devcluster.api import Api
from tests.vms.operations.workshop import Workshop, state_of
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal
from vms.signals import vm_gone
from vms.states import Lifecycle, OperationKind, OperationState

S = OperationState


def test_a_deleted_machine_is_gone_and_its_room_is_free(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, OperationKind.DELETE)
    assert figures(shop.cast.alices).used.disk_gib == 4

    op = shop.work(op)

    assert (state_of(op), op.vm.lifecycle) == ((S.SUCCEEDED, "web-01 was deleted."), Lifecycle.GONE)
    assert (shop.made(), figures(shop.cast.alices).used.disk_gib) == ([], 0)


def test_consoles_are_told_when_it_is_gone(shop: Workshop, django_capture_on_commit_callbacks: object) -> None:
    told: list[int] = []

    def listen(vm_id: int, **_: object) -> None:
        told.append(vm_id)

    vm_gone.connect(listen)
    vm = shop.machine()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        shop.work(shop.ask(vm, OperationKind.DELETE))
    vm_gone.disconnect(listen)

    assert told == [vm.pk]


def test_its_name_is_free_only_when_it_is_gone(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.DELETE)
    with pytest.raises(Refusal, match="web-01 is in use"):
        shop.from_iso("web-01")

    shop.work(op)

    assert shop.from_iso("web-01").vm.name == "web-01"


def test_a_running_machine_is_shut_down_first(shop: Workshop) -> None:
    with pytest.raises(Refusal, match=r"web-01 cannot be deleted. Shut it down first."):
        shop.ask(shop.machine(status="running"), OperationKind.DELETE)


def test_a_refused_deletion_leaves_everything_as_it_was(shop: Workshop) -> None:
    vm = shop.machine(config={"protection": "1"})

    op = shop.work(shop.ask(vm, OperationKind.DELETE))

    sentence = "Proxmox did not delete web-01. It is protected against deletion. Nothing was changed."
    assert (state_of(op), op.vm.lifecycle) == ((S.FAILED, sentence), Lifecycle.READY)


def test_another_machine_in_its_slot_is_spared_and_the_row_is_closed(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, OperationKind.DELETE)
    shop.cluster.change(vm.vmid or 0, recreate=True)

    op = shop.work(op)

    assert (op.vm.lifecycle, op.steps[-1]["note"]) == (Lifecycle.GONE, "It was gone already.")
    assert len(shop.made()) == 1


def test_what_an_administrator_destroyed_is_proven_gone_by_the_node_s_tasks(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, OperationKind.DELETE)
    token = {"tokenid": "boss", "value": "secret-of-root"}
    shop.cluster.control("POST", "/users", {"userid": "root@pam", "tokens": [token]})
    with Api(shop.cluster, "PVEAPIToken=root@pam!boss=secret-of-root") as root:
        assert root.send("DELETE", f"/nodes/{vm.node}/qemu/{vm.vmid}").status == 200
    shop.cluster.wait_until(lambda state: str(vm.vmid) not in state["guests"], parts="guests")

    op = shop.work(op)

    assert (state_of(op), op.vm.lifecycle) == ((S.SUCCEEDED, "web-01 was deleted."), Lifecycle.GONE)
    assert op.steps[-1]["note"] == "It was gone already."


def test_what_cannot_be_read_is_not_taken_for_gone(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, OperationKind.DELETE)
    shop.cluster.change(vm.vmid or 0, pool=None)

    op = shop.work(op)

    assert (op.state, op.vm.lifecycle) == (S.FAILED, Lifecycle.READY)
    assert len(shop.made()) == 1
    assert VirtualMachine.objects.present().count() == Operation.objects.count() == 1


def test_a_free_slot_proves_a_machine_gone_that_left_no_task(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, OperationKind.DELETE)
    shop.cluster.control("DELETE", f"/guests/{vm.vmid}")

    op = shop.work(op)

    assert (state_of(op), op.vm.lifecycle) == ((S.SUCCEEDED, "web-01 was deleted."), Lifecycle.GONE)
    assert op.steps[-1]["note"] == "It was gone already."
