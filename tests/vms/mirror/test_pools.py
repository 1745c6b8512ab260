"""A pool is bound by a row, never by its name."""

import pytest

from accounts.models import AuditEvent, Pool
from accounts.roles import PoolKind
from tests.factories import make_operation
from tests.figures import figure
from tests.vms.mirror.house import House
from vms.mirror.binding import BindingRefused, bind, unbound
from vms.models import Operation
from vms.pool_numbers import unbound_in_cluster
from vms.states import OperationState


def test_a_pool_of_the_same_name_gives_nothing(house: House) -> None:
    Pool.objects.create(kind=PoolKind.SHARED, name="house-infra")
    vmid = house.machine(pool="house-infra")["vmid"]
    house.cycle(5)
    assert house.row(vmid).pool is None


def test_a_move_between_bound_pools_counts_after_two_readings(house: House) -> None:
    vm = house.adopted()
    house.devcluster.change(vm.vmid or 0, pool="bob")
    house.cycle()
    vm.refresh_from_db()
    assert vm.pool == house.cast.alices
    house.cycle()
    vm.refresh_from_db()
    assert vm.pool == house.cast.bobs
    assert AuditEvent.objects.get(verb="vm.moved").detail == {"to": "bob", "was": "alice"}


def test_a_move_waits_for_the_operation_in_flight(house: House) -> None:
    vm = house.adopted()
    op = make_operation(vm, house.cast.alice, state=OperationState.SUBMITTED)
    house.devcluster.change(vm.vmid or 0, pool="bob")
    house.cycle(5)
    vm.refresh_from_db()
    assert vm.pool == house.cast.alices
    Operation.objects.filter(pk=op.pk).update(state=OperationState.SUCCEEDED)
    house.cycle()
    vm.refresh_from_db()
    assert vm.pool == house.cast.bobs


def test_no_pool_shown_is_no_information(house: House) -> None:
    vm = house.adopted()
    with house.devcluster.fault("narrow_token", paths=["/pool"], privileges=["Pool.Audit"]):
        house.cycle(5)
    vm.refresh_from_db()
    assert (vm.pool, vm.missing_since) == (house.cast.alices, None)


def test_a_machine_that_left_to_an_unbound_pool_is_noted_and_stays(house: House) -> None:
    vm = house.adopted()
    house.devcluster.change(vm.vmid or 0, pool="house-infra")
    house.cycle(6)
    vm.refresh_from_db()
    assert (vm.pool, vm.seen_poolid) == (house.cast.alices, "house-infra")
    assert AuditEvent.objects.filter(verb="vm.left_pool").count() == 1


def test_binding_an_existing_pool_adopts_its_machines(house: House) -> None:
    vmid = house.machine(pool="old-team")["vmid"]
    house.cycle(2)
    assert [(pool.poolid, pool.machines) for pool in unbound(house.cluster.read())] == [("old-team", 1)]
    pool = bind("old-team", "team", by=house.cast.rita)
    house.cycle()
    assert (house.row(vmid).pool, pool.kind) == (pool, PoolKind.SHARED)
    assert (pool.never_expires, pool.never_expires_reason) == (True, "adopted")
    assert AuditEvent.objects.get(verb="pool.bound").actor == house.cast.rita


def test_pools_are_kept_as_last_listed_and_a_blind_token_forgets_none(house: House) -> None:
    house.machine(pool="old-team")
    house.devcluster.control("POST", "/pools", {"poolid": "empty-team"})
    house.cycle()
    found = {pool.poolid: pool.machines for pool in unbound_in_cluster()}
    with house.devcluster.fault("narrow_token", paths=["/pool"], privileges=["Pool.Audit"]):
        house.cycle(2)

    assert (found["old-team"], found["empty-team"], "alice" in found) == (1, 0, False)
    assert {pool.poolid: pool.machines for pool in unbound_in_cluster()} == found


@pytest.mark.parametrize(("poolid", "name"), [("alice", "team"), ("old-team", "alice"), ("old-team", "")])
def test_what_is_bound_is_not_bound_again(house: House, poolid: str, name: str) -> None:
    with pytest.raises(BindingRefused):
        bind(poolid, name, by=house.cast.rita)
    assert Pool.objects.get(name="alice").proxmox_poolid == "alice"
    assert not Pool.objects.filter(name="team").exists()


def test_manipulated_pools_give_nobody_access(house: House) -> None:
    """R-21: pools are made, filled, emptied and named like members; rights come from rows alone."""
    gained, tried = 0, 0
    for name in ("bob2", "carol", "rita", "alice/sub", "bob/sub", "ctf/x", "ALICE", "Bob", "alices", "house"):
        vmid = house.machine(pool=name, name=f"of-{name.replace('/', '-')}")["vmid"]
        house.cycle(3)
        tried += 1
        gained += house.row(vmid).pool is not None
    figure("R-21", "manipulations", tried, "access gained", gained)
    assert (tried >= 10, gained) == (True, 0)
