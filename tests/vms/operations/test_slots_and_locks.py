"""Small parts: slots, pool names and their seal, transactions that wait, reasons in our words."""

import pytest
from django.db import OperationalError
from pytest_django import Settings

from tests.cast import Cast
from tests.factories import make_vm
from vms import pools
from vms.cluster.types import PoolFacts
from vms.models import UsedVmid
from vms.operations import Busy, vmids, words
from vms.operations.database import decide
from vms.states import Lifecycle


def test_slots_are_taken_in_order_and_never_one_that_holds_a_machine(cast: Cast, settings: Settings) -> None:
    settings.PROXMOX_VMID_RANGE = (500, 510)
    make_vm(cast.alices, vmid=501)
    new = [make_vm(cast.alices, lifecycle=Lifecycle.CREATING, vmid=None, smbios_uuid=None) for _ in range(3)]

    assert [vmids.take(vm) for vm in new] == [500, 502, 503]


def test_without_a_fresh_slot_the_one_unused_longest_is_taken(cast: Cast, settings: Settings) -> None:
    settings.PROXMOX_VMID_RANGE = (500, 502)
    for vmid in (502, 500, 501):
        UsedVmid.objects.create(vmid=vmid)
    make_vm(cast.alices, vmid=502)

    assert vmids.take(make_vm(cast.alices, lifecycle=Lifecycle.CREATING, vmid=None, smbios_uuid=None)) == 500


def test_a_full_range_says_so(cast: Cast, settings: Settings) -> None:
    settings.PROXMOX_VMID_RANGE = (500, 500)
    make_vm(cast.alices, vmid=500)

    with pytest.raises(vmids.NoFreeSlot):
        vmids.take(make_vm(cast.alices, lifecycle=Lifecycle.CREATING, vmid=None, smbios_uuid=None))


def test_only_a_pool_we_made_under_that_very_name_is_ours(cast: Cast) -> None:
    comment = pools.comment_for(cast.alices, "alice")

    assert pools.is_ours(cast.alices, PoolFacts("alice", comment))
    assert not pools.is_ours(cast.alices, PoolFacts("alice-2", comment))
    assert not pools.is_ours(cast.bobs, PoolFacts("alice", comment))
    assert not pools.is_ours(cast.alices, PoolFacts("alice", "Made by VMPortal"))


@pytest.mark.parametrize(("name", "poolid"), [("robert", "robert"), ("Zoë & co", "Zo-co"), ("..", None), ("_x", "p_x")])
def test_a_pool_s_name_is_one_the_cluster_accepts(cast: Cast, name: str, poolid: str | None) -> None:
    cast.bobs.name = name
    cast.bobs.save(update_fields=["name"])

    assert pools.wanted_poolid(cast.bobs) == (poolid or f"pool-{cast.bobs.pk}")


def test_a_taken_pool_name_gets_the_next_suffix(cast: Cast) -> None:
    first = pools.wanted_poolid(cast.bobs)
    second = pools.next_poolid(cast.bobs, first)

    assert (first, second, pools.next_poolid(cast.bobs, second)) == ("bob", "bob-2", "bob-3")


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_is_tried_again_and_then_told_in_a_sentence() -> None:
    tries: list[int] = []

    def locked() -> None:
        tries.append(1)
        raise OperationalError("database is locked")

    with pytest.raises(Busy, match="Nothing was changed"):
        decide(locked, wait_s=0.3)
    assert len(tries) > 1


@pytest.mark.django_db(transaction=True)
def test_another_failure_of_the_database_is_not_repeated() -> None:
    def broken() -> None:
        raise OperationalError("no such table")

    with pytest.raises(OperationalError, match="no such table"):
        decide(broken, wait_s=5)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("VM is locked (backup)", "Another job of the cluster works on it (backup)."),
        ("MAX 8 vcpus allowed per VM on this node", "Its node has only 8 cores."),
        ("start failed: QEMU exited with code 1", "The node could not start it with its present hardware."),
        ("can't lock file '/var/lock/x' - got timeout", "The cluster was busy with it for too long."),
        ("something nobody ever saw", ""),
    ],
)
def test_proxmox_s_reasons_are_told_in_our_words(text: str, sentence: str) -> None:
    assert words.reason(text) == sentence
