"""Moving a machine to another pool: by who manages both, into room that is there, found again after a lost answer."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import AuditEvent, Pool, PoolMembership, User
from accounts.roles import PoolKind, Role
from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from quotas.models import Policy, Reservation
from quotas.usage import figures
from tests.factories import make_vm
from tests.figures import figure
from tests.vms.operations.workshop import Workshop, state_of
from vms.access import may
from vms.cluster import cluster
from vms.mirror import sync
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, engine, request_move, settle
from vms.signals import pool_changed
from vms.states import Action, OperationKind, OperationState, Power


def move(shop: Workshop, vm: VirtualMachine, into: Pool | None, *, by: User | None = None) -> Operation:
    return request_move(vm, into=into, by=by or shop.cast.alice, address="192.0.2.7", key=uuid.uuid4().hex)


def pool_in_proxmox(shop: Workshop, vm: VirtualMachine) -> str:
    return str(shop.cluster.all_guests()[vm.vmid or 0]["pool"])


def test_a_machine_goes_to_the_other_pool_and_so_does_what_it_takes(shop: Workshop) -> None:
    vm = shop.machine("web-01", status="running", cores=2, memory_mib=1024)
    VirtualMachine.objects.filter(pk=vm.pk).update(cores=2, memory_mib=1024)

    op = shop.work(move(shop, vm, shop.cast.shared))

    assert state_of(op) == (OperationState.SUCCEEDED, "web-01 is in ctf now.")
    assert (op.vm.pool, pool_in_proxmox(shop, vm)) == (shop.cast.shared, "ctf")
    assert figures(shop.cast.shared).used == Footprint(2, 1024, 4, 1)
    assert figures(shop.cast.alices).used == figures(shop.cast.alices).held == Footprint()


def test_the_receiver_gets_its_pool_in_proxmox_first_where_it_has_none(shop: Workshop) -> None:
    new = Pool.objects.create(kind=PoolKind.SHARED, name="robotics")
    PoolMembership.objects.create(pool=new, user=shop.cast.alice, role=Role.MANAGER)
    vm = shop.machine()

    op = shop.work(move(shop, vm, new))

    new.refresh_from_db()
    assert (op.state, new.proxmox_poolid, pool_in_proxmox(shop, vm)) == ("succeeded", "robotics", "robotics")


def test_a_taken_name_in_proxmox_gets_a_suffix_and_is_left_alone(shop: Workshop) -> None:
    shop.cluster.control("POST", "/pools", {"poolid": "robotics"})
    new = Pool.objects.create(kind=PoolKind.SHARED, name="robotics")
    PoolMembership.objects.create(pool=new, user=shop.cast.alice, role=Role.MANAGER)
    vm = shop.machine()

    shop.work(move(shop, vm, new))

    assert pool_in_proxmox(shop, vm) == "robotics-2"


def test_the_receiver_has_to_have_the_room_for_all_of_it(shop: Workshop) -> None:
    small = Policy.objects.create(name="small", cores=1, memory_mib=4096, disk_gib=100)
    small.pools.add(shop.cast.shared)
    vm = shop.machine(status="running", cores=2)
    VirtualMachine.objects.filter(pk=vm.pk).update(cores=2)

    with pytest.raises(QuotaExceeded, match="This needs 2 cores; 1 of 1 are free"):
        move(shop, vm, shop.cast.shared)
    assert not Operation.objects.exists()


def test_it_takes_a_manager_of_both_pools(shop: Workshop) -> None:
    mine, ours = shop.machine("web-01"), shop.machine("web-02", pool=shop.cast.shared)

    for vm, into, by in (
        (mine, shop.cast.bobs, shop.cast.alice),
        (ours, None, shop.cast.carol),
        (mine, shop.cast.bobs, shop.cast.bob),
    ):
        with pytest.raises(PermissionDenied):
            move(shop, vm, into, by=by)
    assert shop.work(move(shop, ours, None)).vm.pool == shop.cast.alices


def test_an_rtp_moves_between_any_two(shop: Workshop) -> None:
    op = shop.work(move(shop, shop.machine(), shop.cast.bobs, by=shop.cast.rita))

    assert (op.vm.pool, op.actor) == (shop.cast.bobs, shop.cast.rita)
    assert AuditEvent.objects.get(verb="vm.moved").detail["to"] == "bob"


def close(shop: Workshop) -> None:
    Pool.objects.filter(pk=shop.cast.shared.pk).update(closed_at=timezone.now())


def leave(shop: Workshop) -> None:
    User.objects.filter(pk=shop.cast.bob.pk).update(departed_at=timezone.now())


def name_it_the_same(shop: Workshop) -> None:
    make_vm(shop.cast.shared, "web-01")


@pytest.mark.differs_from_cluster("a row stands for a machine that is not there")
@pytest.mark.parametrize(
    ("before", "into", "sentence"),
    [
        (lambda shop: None, "alices", "web-01 is in alice already."),
        (close, "shared", "web-01 cannot be moved to ctf. The pool ctf is closed: nothing new is made in it."),
        (leave, "bobs", "web-01 cannot be moved to bob. bob left the house."),
        (name_it_the_same, "shared", "ctf has a VM called web-01 already. Rename one of them first."),
    ],
    ids=["own", "closed", "left", "name"],
)
def test_a_pool_that_takes_in_nothing_says_why(shop: Workshop, before: Any, into: str, sentence: str) -> None:
    vm = shop.machine("web-01")
    before(shop)

    with pytest.raises(Refusal) as refusal:
        move(shop, vm, getattr(shop.cast, into), by=shop.cast.rita)
    assert (refusal.value.sentence, refusal.value.field) == (sentence, "into")
    assert not Operation.objects.exists()


def test_two_of_one_name_on_their_way_do_not_meet(shop: Workshop) -> None:
    first, second = shop.machine("web-01"), shop.machine("web-01", pool=shop.cast.bobs)
    move(shop, first, shop.cast.shared)

    with pytest.raises(Refusal, match="has a VM called web-01 already"):
        move(shop, second, shop.cast.shared, by=shop.cast.rita)
    with pytest.raises(Refusal, match="web-01 is in use"):
        shop.from_iso("web-01", pool=shop.cast.shared)


def test_a_machine_is_moved_once_at_a_time(shop: Workshop) -> None:
    vm = shop.machine()
    move(shop, vm, shop.cast.shared)

    with pytest.raises(Refusal, match="Something else is being done with it"):
        move(shop, vm, shop.cast.bobs, by=shop.cast.rita)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", ["lose_before", "lose_after", "cut_mid_answer"])
@pytest.mark.parametrize("path", ["PUT /pools$", "POST /pools$"])
def test_a_lost_answer_is_found_out_by_the_pools_lists(shop: Workshop, path: str, kind: str, times: int) -> None:
    new = Pool.objects.create(kind=PoolKind.SHARED, name="robotics")
    method, path_regex = path.split(" ")
    shop.cluster.control("POST", "/faults", {"kind": kind, "times": times, "match": {
        "method": method, "path_regex": path_regex}})  # fmt: skip
    vm = shop.machine()

    op = shop.work(move(shop, vm, new, by=shop.cast.rita))

    assert (state_of(op)[0], pool_in_proxmox(shop, vm)) == (OperationState.SUCCEEDED, "robotics")
    assert not Reservation.objects.filter(state="held").exists()


def test_a_machine_moved_by_hand_meanwhile_arrives_or_stays_whole(shop: Workshop) -> None:
    there, elsewhere = shop.machine("web-01"), shop.machine("web-02")
    ops = [move(shop, vm, shop.cast.shared) for vm in (there, elsewhere)]
    shop.cluster.change(there.vmid or 0, pool="ctf")
    shop.cluster.change(elsewhere.vmid or 0, pool="bob")

    first, second = (shop.work(op) for op in ops)

    assert (first.state, first.vm.pool) == ("succeeded", shop.cast.shared)
    gone = "Proxmox did not move web-02. The machine is no longer in the pool it belongs to. Nothing was changed."
    assert (state_of(second), second.vm.pool) == ((OperationState.FAILED, gone), shop.cast.alices)
    shop.cluster.change(elsewhere.vmid or 0, pool="alice")


def test_the_mirror_leaves_a_moving_machine_alone_and_agrees_afterwards(shop: Workshop) -> None:
    vm = shop.machine()
    for _ in range(3):
        sync.sync(cluster())
    op = move(shop, vm, shop.cast.shared)
    shop.cluster.change(vm.vmid or 0, pool="ctf")
    for _ in range(3):
        sync.sync(cluster())
    vm.refresh_from_db()
    meanwhile = vm.pool
    shop.work(op)
    for _ in range(3):
        sync.sync(cluster())

    vm.refresh_from_db()
    assert (meanwhile, vm.pool) == (shop.cast.alices, shop.cast.shared)
    assert AuditEvent.objects.filter(verb="vm.moved").count() == 1


def test_rights_change_hands_with_the_machine_and_consoles_are_told(
    shop: Workshop, django_capture_on_commit_callbacks: Any
) -> None:
    told: list[int] = []

    def hear(sender: object, *, vm_id: int, **_: object) -> None:
        told.append(vm_id)

    pool_changed.connect(hear)
    vm = shop.machine(pool=shop.cast.shared)
    op = move(shop, vm, None)
    was = may(shop.cast.carol, vm, Action.CONSOLE)
    with django_capture_on_commit_callbacks(execute=True):
        vm = shop.work(op).vm
    pool_changed.disconnect(hear)

    assert (was, may(shop.cast.carol, vm, Action.CONSOLE), told) == (True, False, [vm.pk])


@pytest.mark.parametrize("whose", ["home", "receiver"])
def test_who_lost_either_pool_meanwhile_moves_nothing(shop: Workshop, whose: str) -> None:
    vm = shop.machine(pool=shop.cast.shared)
    second = Pool.objects.create(kind=PoolKind.SHARED, name="robotics")
    PoolMembership.objects.create(pool=second, user=shop.cast.alice, role=Role.MANAGER)
    op = move(shop, vm, second)
    lost = shop.cast.shared if whose == "home" else second
    PoolMembership.objects.filter(pool=lost, user=shop.cast.alice).update(role=Role.VIEWER)

    engine.run(op.pk)

    op.refresh_from_db()
    assert op.sentence == "web-01 was not moved: alice no longer has the right to do that. Nothing was changed."
    assert pool_in_proxmox(shop, vm) == "ctf"


def test_an_rtp_who_saw_that_it_moved_settles_it(shop: Workshop) -> None:
    op = move(shop, shop.machine(), shop.cast.shared)
    shop.cluster.change(op.vm.vmid or 0, pool="ctf")
    Operation.objects.filter(pk=op.pk).update(state=OperationState.NEEDS_RTP, step="move", intent={"step": "move"})

    settle.adopt(op, shop.cast.rita)
    op = shop.work(op)

    assert state_of(op) == (OperationState.SUCCEEDED, "web-01 was moved. rita looked.")
    assert (op.vm.pool, figures(shop.cast.shared).held) == (shop.cast.shared, Footprint())


def test_a_running_machine_that_is_moved_is_never_counted_twice_or_not_at_all(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    pools = [shop.cast.alices, shop.cast.shared]
    totals = []
    for n in range(6):
        op = move(shop, vm, pools[(n + 1) % 2], by=shop.cast.rita)
        totals.append([figures(pool).used.vms + figures(pool).held.vms for pool in pools])
        vm = shop.work(op).vm
        totals.append([figures(pool).used.vms + figures(pool).held.vms for pool in pools])

    moving, settled = totals[::2], totals[1::2]
    assert all(sum(each) == 2 for each in moving)
    assert all(sum(each) == 1 for each in settled)
    assert (vm.power, VirtualMachine.objects.get(pk=vm.pk).pool) == (Power.RUNNING, shop.cast.alices)
    assert Operation.objects.filter(kind=OperationKind.MOVE, state="succeeded").count() == 6
    figure("move-there-and-back", "moves", 6, "counted twice afterwards", 0)
