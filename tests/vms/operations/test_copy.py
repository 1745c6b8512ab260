"""Copies of machines: what comes along, what a copy takes, and which machines may be copied by whom."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import PoolMembership
from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from quotas.usage import figures
from tests.vms.operations.growing import allow, config, known
from tests.vms.operations.workshop import SMALL, Workshop
from vms.models import Operation, VirtualMachine
from vms.operations import FromMachine, FromTemplate, Refusal, Size, follow
from vms.states import Lifecycle, OperationState, Power

TWICE = Size(cores=2, memory_mib=1024, disk_gib=6)


def source(shop: Workshop, **asked: Any) -> VirtualMachine:
    """A machine of alice's that cloud-init has set up."""
    asked["config"] = {"ciuser": "alice", "sshkeys": "ssh-ed25519%20AAAA", "tags": "web"} | asked.get("config", {})
    vm = known(shop, name="db", description="vmportal:0\nthe shop's database", **asked)
    VirtualMachine.objects.filter(pk=vm.pk).update(login_user="alice")
    return vm


def copied(shop: Workshop, vm: VirtualMachine, size: Size = TWICE, **asked: Any) -> Operation:
    return shop.create(FromMachine(vm.pk), "web-01", size=size, **asked)


@pytest.mark.parametrize("status", ["stopped", "running"])
def test_a_copy_has_disks_of_its_own_and_what_was_set_up(shop: Workshop, status: str) -> None:
    vm = source(shop, status=status)

    op = shop.work(copied(shop, vm))

    assert (op.state, op.sentence) == (OperationState.SUCCEEDED, "web-01 was created and is running.")
    made = config(shop, op.vm)
    assert (made["name"], made["cores"], made["memory"], made["ciuser"]) == ("web-01", "2", "1024", "alice")
    assert f"vm-{op.vm.vmid}-disk" in made["scsi0"]
    assert "size=6G" in made["scsi0"]
    assert (op.vm.login_user, op.vm.source, op.vm.notes) == ("alice", "a copy of db", "the shop's database")


def test_a_copy_holds_all_it_takes_and_the_source_is_as_it_was(shop: Workshop) -> None:
    vm = source(shop)
    before = config(shop, vm)

    op = copied(shop, vm)
    held = figures(shop.cast.alices).held
    shop.work(op)

    assert held == Footprint(cores=2, memory_mib=1024, disk_gib=6, vms=1)
    assert config(shop, vm) == before
    assert figures(shop.cast.alices).used == Footprint(cores=2, memory_mib=1024, disk_gib=10, vms=2)


def test_a_copy_goes_into_another_pool_one_manages_and_counts_there(shop: Workshop) -> None:
    op = shop.work(copied(shop, source(shop), pool=shop.cast.shared))

    assert (op.vm.pool, shop.cluster.all_guests()[op.vm.vmid or 0]["pool"]) == (shop.cast.shared, "ctf")
    assert figures(shop.cast.shared).used.vms == 1


def test_a_copy_is_refused_where_the_receiver_has_no_room(shop: Workshop) -> None:
    vm = source(shop)
    allow(cores=None, memory_mib=None, disk_gib=9)

    with pytest.raises(QuotaExceeded, match="This needs 6 GiB of disk; 5 GiB of 9 GiB are free"):
        copied(shop, vm)


def test_a_copy_is_no_smaller_than_its_source(shop: Workshop) -> None:
    with pytest.raises(Refusal) as refusal:
        copied(shop, source(shop), Size(cores=1, memory_mib=512, disk_gib=3))

    assert (refusal.value.sentence, refusal.value.field) == ("The disks of db take at least 4 GiB.", "disk_gib")


def test_a_machine_of_others_looks_like_one_that_is_not_there(shop: Workshop) -> None:
    foreign = known(shop, name="bobs", pool=shop.cast.bobs)
    sentences = set()
    for vm_id in (foreign.pk, 10**6):
        with pytest.raises(Refusal) as refusal:
            shop.create(FromMachine(vm_id), "web-01", size=TWICE)
        sentences.add(refusal.value.sentence)

    assert sentences == {"The machine to copy is not there any more. Choose another."}


def test_an_operator_of_the_source_may_not_copy_it(shop: Workshop) -> None:
    vm = known(shop, name="flag", pool=shop.cast.shared)

    with pytest.raises(PermissionDenied):
        shop.create(FromMachine(vm.pk), "web-01", size=TWICE, pool=None, by=shop.cast.carol)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"trashed_at": timezone.now}, "db cannot be copied. It is in the trash. Restore it first."),
        ({"missing_since": timezone.now}, "The cluster does not show db right now."),
        ({"lifecycle": lambda: Lifecycle.DELETING}, "db cannot be copied. It is being deleted."),
        ({"locked_at": timezone.now}, "db cannot be copied. An RTP locked this VM: "),
    ],
    ids=["trash", "missing", "deleting", "locked"],
)
@pytest.mark.differs_from_cluster("rows are put into states by hand")
def test_what_cannot_be_copied_is_refused(shop: Workshop, columns: dict[str, Any], why: str) -> None:
    vm = source(shop)
    VirtualMachine.objects.filter(pk=vm.pk).update(**{name: value() for name, value in columns.items()})

    with pytest.raises(Refusal) as refusal:
        copied(shop, vm)

    assert (refusal.value.sentence, refusal.value.field) == (why, "source")


def test_whoever_lost_the_source_before_the_copy_began_gets_none(shop: Workshop) -> None:
    vm = known(shop, name="flag", pool=shop.cast.shared)
    op = shop.create(FromMachine(vm.pk), "web-01", size=TWICE)
    PoolMembership.objects.filter(pool=shop.cast.shared, user=shop.cast.alice).delete()

    op = shop.work(op)

    assert op.sentence == (
        "web-01 was not created: alice no longer has the right to do that. Nothing was changed. Nothing is left of it."
    )
    assert shop.cluster.effects("clone") == []


def test_a_source_that_went_into_the_trash_meanwhile_is_not_copied(shop: Workshop) -> None:
    vm = source(shop)
    op = copied(shop, vm)
    VirtualMachine.objects.filter(pk=vm.pk).update(trashed_at=timezone.now())

    op = shop.work(op)

    assert op.state == OperationState.FAILED
    assert "It is in the trash." in op.sentence
    assert (shop.cluster.effects("clone"), figures(shop.cast.alices).held) == ([], Footprint())


@pytest.mark.parametrize("kind", ["lose_before", "lose_after", "cut_mid_answer"])
def test_a_lost_answer_makes_one_copy_and_no_more(shop: Workshop, kind: str) -> None:
    vm = source(shop)

    with shop.cluster.fault(kind, method="POST", path_regex=r"/clone$", times=1):
        op = shop.work(copied(shop, vm))

    assert (op.state, op.vm.power) == (OperationState.SUCCEEDED, Power.RUNNING)
    assert len(shop.cluster.effects("clone")) == 1


def test_a_source_that_moved_to_another_node_is_found(shop: Workshop) -> None:
    vm = source(shop)
    op = copied(shop, vm)
    shop.cluster.change(vm.vmid or 0, node="pve2")

    op = shop.work(op)
    follow.sweep(timezone.now())

    assert (op.state, op.vm.node) == (OperationState.SUCCEEDED, "pve2")


@pytest.mark.parametrize(
    ("least", "sentence", "field"),
    [
        ({"least_cores": 2}, "debian-12 takes at least 2 cores.", "cores"),
        ({"least_memory_mib": 1024}, "debian-12 takes at least 1 GiB of memory.", "memory_mib"),
        ({"least_disk_gib": 8}, "The disk of debian-12 takes at least 8 GiB.", "disk_gib"),
    ],
    ids=["cores", "memory", "disk"],
)
def test_a_template_says_how_much_it_takes_at_least(
    shop: Workshop, least: dict[str, int], sentence: str, field: str
) -> None:
    type(shop.template).objects.filter(pk=shop.template.pk).update(**least)

    with pytest.raises(Refusal) as refusal:
        shop.create(FromTemplate(shop.template.pk), "web-01", size=SMALL)

    assert (refusal.value.sentence, refusal.value.field) == (sentence, field)
