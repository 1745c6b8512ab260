"""A pool closes, empties, is removed in Proxmox and kept as history; a rename is exactly that with a new pool."""

import uuid
from datetime import datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import pool_marks
from accounts.access import role_in
from accounts.models import AuditEvent, Pool, User
from accounts.pools import find_personal_pool, personal_pool_for
from accounts.roles import PoolKind, Role
from accounts.shared_pools import PoolRefused, make_shared
from quotas.limits import limit_of
from quotas.models import Allowance, Policy
from tests.cast import Cast
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.operations import Refusal, pool_ends
from vms.states import OperationKind


def now() -> datetime:
    return timezone.now()


def close(shop: Workshop, pool: Pool) -> Pool:
    return pool_marks.close(pool, by=shop.cast.rita, now=now())


def remove(shop: Workshop, pool: Pool) -> None:
    pool_ends.request_removal(pool, by=shop.cast.rita, address="", now=now())


def poolids(shop: Workshop) -> set[str]:
    return set(shop.cluster.state("pools")["pools"])


def test_nothing_is_made_in_a_closed_pool_and_what_is_there_runs_on(shop: Workshop) -> None:
    vm = shop.machine(pool=shop.cast.shared)
    close(shop, shop.cast.shared)

    with pytest.raises(Refusal, match=r"web-02 cannot be created\. The pool ctf is closed"):
        shop.from_iso("web-02", pool=shop.cast.shared, by=shop.cast.alice)
    assert shop.work(shop.ask(vm, OperationKind.START)).sentence == "web-01 is running."
    pool_marks.reopen(shop.cast.shared, by=shop.cast.rita)
    assert shop.from_iso("web-02", pool=shop.cast.shared).vm.pool == shop.cast.shared


def test_all_machines_are_moved_each_on_its_own_and_those_that_stay_are_named(shop: Workshop) -> None:
    vms = [shop.machine(f"web-{n:02}", pool=shop.cast.shared) for n in range(1, 4)]
    shop.ask(vms[1], OperationKind.START)

    moved = pool_ends.move_all(shop.cast.shared, shop.cast.bobs, by=shop.cast.rita, address="", key=uuid.uuid4().hex)

    stays = "web-02 stays: Something else is being done with it. Wait until that has ended."
    assert moved.sentence == f"2 VMs are being moved. {stays}"
    shop.work_all()
    assert [vm.pool_id for vm in type(vms[0]).objects.order_by("name")] == [
        shop.cast.bobs.pk, shop.cast.shared.pk, shop.cast.bobs.pk,
    ]  # fmt: skip


def test_a_closed_empty_pool_goes_in_proxmox_and_its_row_is_history(shop: Workshop) -> None:
    close(shop, shop.cast.shared)
    remove(shop, shop.cast.shared)
    pool_ends.carry_out(now())

    old = Pool.objects.get(pk=shop.cast.shared.pk)
    assert (old.proxmox_poolid, old.name, "ctf" in poolids(shop)) == (None, f"ctf (removed {old.pk})", False)
    assert old.removed_at is not None
    assert make_shared("ctf", manager=None, by=shop.cast.rita).pk != old.pk
    assert AuditEvent.objects.filter(verb="pool.ended", pool=old).count() == 1


@pytest.mark.parametrize("way", ["open", "with a machine", "on its way", "stranger"])
def test_a_pool_that_is_not_closed_and_empty_stays(shop: Workshop, way: str) -> None:
    pool, by = shop.cast.shared, shop.cast.rita
    if way == "with a machine":
        shop.machine(pool=pool)
    if way == "on its way":
        pool_ends.move_all(shop.cast.alices, pool, by=by, address="", key=uuid.uuid4().hex)
        vm = shop.machine()
        pool_ends.move_all(shop.cast.alices, pool, by=by, address="", key=uuid.uuid4().hex)
        assert Operation.objects.get(vm=vm).pool == pool
    if way != "open":
        close(shop, pool)
    if way == "stranger":
        by = shop.cast.alice

    with pytest.raises((PoolRefused, PermissionDenied)):
        pool_ends.request_removal(pool, by=by, address="", now=now())
    pool_ends.carry_out(now())
    assert "ctf" in poolids(shop)


@pytest.mark.differs_from_cluster("a machine of the cluster is in no row")
def test_proxmox_is_believed_when_it_still_shows_a_machine(shop: Workshop) -> None:
    close(shop, shop.cast.shared)
    vmid = shop.cluster.guest(name="byhand", pool="ctf")["vmid"]
    remove(shop, shop.cast.shared)
    pool_ends.carry_out(now())

    pool = Pool.objects.get(pk=shop.cast.shared.pk)
    assert (pool.removed_at, pool.removal_asked_at) == (None, None)
    assert pool.removal_problem == f"Proxmox still shows machines in it: {vmid}."


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", ["lose_before", "lose_after", "cut_mid_answer"])
def test_a_lost_answer_is_asked_after(shop: Workshop, kind: str, times: int) -> None:
    close(shop, shop.cast.shared)
    remove(shop, shop.cast.shared)
    shop.cluster.control(
        "POST", "/faults", {"kind": kind, "times": times, "match": {"method": "DELETE", "path_regex": "/pools$"}}
    )

    looks = [pool_ends.carry_out(now()) for _ in range(4)]

    assert sum(looks) == 1
    assert ("ctf" in poolids(shop), Pool.objects.get(pk=shop.cast.shared.pk).proxmox_poolid) == (False, None)


def test_a_cluster_that_is_silent_keeps_the_removal_waiting(shop: Workshop) -> None:
    close(shop, shop.cast.shared)
    remove(shop, shop.cast.shared)
    with shop.cluster.fault("lose_before", match={"method": "GET", "path_regex": "/pools"}):
        assert pool_ends.carry_out(now()) == 0

    assert Pool.objects.get(pk=shop.cast.shared.pk).removal_asked_at is not None
    assert pool_ends.carry_out(now()) == 1


def test_a_rename_makes_a_new_pool_moves_all_and_removes_the_old_one(shop: Workshop) -> None:
    vms = [shop.machine(f"web-{n:02}", pool=shop.cast.shared) for n in range(1, 4)]
    big = Policy.objects.create(name="big", cores=99, memory_mib=99 * 1024, disk_gib=999)
    big.pools.add(shop.cast.shared)
    Allowance.objects.create(pool=shop.cast.shared, disk_gib=1234, reason="thesis")

    new, moved = pool_ends.rename(
        shop.cast.shared, "robotics", by=shop.cast.rita, address="", key=uuid.uuid4().hex, now=now()
    )
    shop.work_all()
    pool_ends.carry_out(now())

    assert len(moved.asked) == 3
    assert {shop.cluster.all_guests()[vm.vmid or 0]["pool"] for vm in vms} == {"robotics"}
    assert (role_in(new, shop.cast.alice), role_in(new, shop.cast.carol)) == (Role.MANAGER, Role.OPERATOR)
    assert (limit_of(new).footprint.cores, limit_of(new).footprint.disk_gib) == (99, 1234)
    assert "ctf" not in poolids(shop)
    assert Pool.objects.get(pk=shop.cast.shared.pk).removed_at is not None


def test_a_rename_waits_for_what_could_not_move_and_goes_on(shop: Workshop) -> None:
    vm = shop.machine(pool=shop.cast.shared)
    shop.ask(vm, OperationKind.START)
    new, moved = pool_ends.rename(
        shop.cast.shared, "robotics", by=shop.cast.rita, address="", key=uuid.uuid4().hex, now=now()
    )
    shop.work_all()
    pool_ends.carry_out(now())
    assert (moved.asked, "ctf" in poolids(shop)) == ([], True)

    pool_ends.move_all(shop.cast.shared, new, by=shop.cast.rita, address="", key=uuid.uuid4().hex)
    shop.work_all()
    pool_ends.carry_out(now())

    assert "ctf" not in poolids(shop)


@pytest.mark.parametrize("name", ["ctf", "CTF", "alice", "", "-x", "a b"])
def test_a_taken_or_odd_new_name_changes_nothing(shop: Workshop, name: str) -> None:
    with pytest.raises(PoolRefused):
        pool_ends.rename(shop.cast.shared, name, by=shop.cast.rita, address="", key=uuid.uuid4().hex, now=now())
    assert Pool.objects.get(pk=shop.cast.shared.pk).closed_at is None


def test_a_personal_pool_ends_only_when_its_member_left_and_begins_anew_when_they_come_back(shop: Workshop) -> None:
    with pytest.raises(PoolRefused, match="stays while its member is in the house"):
        close(shop, shop.cast.bobs)
    User.objects.filter(pk=shop.cast.bob.pk).update(departed_at=now(), is_active=False)
    close(shop, shop.cast.bobs)
    remove(shop, shop.cast.bobs)
    pool_ends.carry_out(now())
    assert find_personal_pool(shop.cast.bob) is None
    User.objects.filter(pk=shop.cast.bob.pk).update(departed_at=None, is_active=True)

    again = personal_pool_for(User.objects.get(pk=shop.cast.bob.pk))

    assert (again.pk, again.name, again.closed_at, again.removed_at) == (shop.cast.bobs.pk, "bob", None, None)


def test_marks_take_an_rtp_and_never_expires_a_reason(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        pool_marks.set_marks(cast.shared, hidden=True, never_expires=False, reason="", by=cast.alice)
    with pytest.raises(PoolRefused, match="Say why"):
        pool_marks.set_marks(cast.shared, hidden=False, never_expires=True, reason=" ", by=cast.rita)

    assert pool_marks.set_marks(cast.shared, hidden=True, never_expires=True, reason="infra", by=cast.rita)
    assert not pool_marks.set_marks(cast.shared, hidden=True, never_expires=True, reason=" infra", by=cast.rita)
    found = Pool.objects.get(pk=cast.shared.pk)
    assert (found.hidden, found.never_expires_reason, found.kind) == (True, "infra", PoolKind.SHARED)
