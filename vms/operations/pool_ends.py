"""The end of a pool: its machines are moved away, its pool in Proxmox is removed, its row becomes history.

Proxmox cannot rename a pool. A rename is exactly this: a new pool, all machines moved there, the old one removed.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from celery import current_app
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.access import is_rtp
from accounts.models import Pool, PoolMembership, User
from accounts.pool_marks import locked_for_rtp, may_end, record
from accounts.roles import PoolKind
from accounts.shared_pools import PoolRefused, make_shared
from quotas.errors import QuotaExceeded
from quotas.taking_over import take_over_limits
from vms.cluster import Cluster, cluster
from vms.cluster.errors import ClusterError, Denied, NotBound, OutcomeUnknown, Unreachable
from vms.models import Operation, VirtualMachine
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.operations.move import request_move

log = logging.getLogger(__name__)
END_POOLS = "vms.tasks.end_pools"


@dataclass
class Moved:
    """What came of moving many: names that are on their way, and (name, why) of those that stay."""

    asked: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """'2 are being moved. db stays: …'"""
        count = len(self.asked)
        parts = [f"{count} VM{' is' if count == 1 else 's are'} being moved."]
        return " ".join(parts + [f"{name} stays: {why}" for name, why in self.refused])


def move_all(pool: Pool, into: Pool, *, by: User, address: str, key: str) -> Moved:
    """One move for each machine of the pool, each on its own; those that cannot move are named. An RTP's act."""
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP moves all machines of a pool.")
    if pool.pk == into.pk:
        raise PoolRefused(f"They are in {pool} already.")
    found = Moved()
    for vm in VirtualMachine.objects.present().filter(pool=pool).select_related("pool").order_by("name", "pk"):
        try:
            request_move(vm, into=into, by=by, address=address, key=f"{key}-{vm.pk}")
            found.asked.append(vm.name)
        except (Refusal, QuotaExceeded) as refusal:
            found.refused.append((vm.name, refusal.sentence))
    return found


def rename(pool: Pool, name: str, *, by: User, address: str, key: str, now: datetime) -> tuple[Pool, Moved]:
    """A new shared pool of that name with the same people, limits and marks; all machines are sent there.

    The old pool is closed, and removed when it is empty. Raises PermissionDenied or PoolRefused.
    """

    def work() -> Pool:
        old = locked_for_rtp(pool, by)
        if old.kind != PoolKind.SHARED:
            raise PoolRefused("A personal pool is called as its member.")
        if old.closed_at is not None:
            raise PoolRefused(f"{old} is closed.")
        new = _twin(old, name, by, address)
        old.closed_at, old.successor = now, new
        old.save(update_fields=["closed_at", "successor"])
        record("pool.renamed", old, by, address, to=new.name)
        return new

    new = decide(work)
    moved = move_all(Pool.objects.get(pk=pool.pk), new, by=by, address=address, key=key)
    end_when_empty(now)
    return new, moved


def _twin(old: Pool, name: str, by: User, address: str) -> Pool:
    new = make_shared(name, manager=None, by=by, address=address)
    marks = ["hidden", "never_expires", "never_expires_reason"]
    for mark in marks:
        setattr(new, mark, getattr(old, mark))
    new.save(update_fields=marks)
    people = PoolMembership.objects.filter(pool=old).values_list("user_id", "role")
    PoolMembership.objects.bulk_create(PoolMembership(pool=new, user_id=user, role=role) for user, role in people)
    take_over_limits(old, new)
    return new


def what_keeps(pool: Pool) -> str:
    """Why the pool cannot be removed yet, in a sentence; empty where nothing of it is left."""
    held = VirtualMachine.objects.present().filter(pool=pool).order_by("name").values_list("name", flat=True)
    if names := list(held):
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return (
            f"{', '.join(names[:5])}{more} {'is' if len(names) == 1 else 'are'} still in it. Move or delete them first."
        )
    if Operation.objects.blocking().filter(pool=pool).exists():
        return "Something is still being done in it. Wait until that has ended."
    return ""


def request_removal(pool: Pool, *, by: User | None, address: str, now: datetime) -> None:
    """Asks to remove a closed, empty pool; a worker asks Proxmox. `by` None: the portal itself, after a rename.

    Raises PermissionDenied or PoolRefused; nothing was written then.
    """

    def work() -> None:
        locked = locked_for_rtp(pool, by) if by is not None else Pool.objects.select_for_update(
            of=("self",), no_key=True
        ).select_related("owner").get(pk=pool.pk)  # fmt: skip
        if locked.closed_at is None or not may_end(locked):
            raise PoolRefused(f"{locked} is open. Close it first.")
        if why := what_keeps(locked):
            raise PoolRefused(f"{locked} cannot be removed. {why}")
        if locked.removal_asked_at is not None or locked.removed_at is not None:
            return
        locked.removal_asked_at, locked.removal_problem = now, ""
        locked.save(update_fields=["removal_asked_at", "removal_problem"])
        record("pool.removal", locked, by, address)
        transaction.on_commit(_wake)

    decide(work)


def end_when_empty(now: datetime) -> None:
    """Renamed pools whose last machine has moved are to be removed, without anybody asking again."""
    waiting = Pool.objects.living().exclude(successor=None).exclude(closed_at=None)
    for pool in waiting.filter(removal_asked_at=None, removal_problem=""):
        if not what_keeps(pool):
            request_removal(pool, by=None, address="", now=now)


def carry_out(now: datetime) -> int:
    """What a worker does: asks Proxmox for every removal that is due. Returns how many pools became history."""
    end_when_empty(now)
    return sum(_end(pool, now) for pool in Pool.objects.living().exclude(removal_asked_at=None))


def _end(pool: Pool, now: datetime) -> bool:
    try:
        why = _remove(cluster(), pool.proxmox_poolid) if pool.proxmox_poolid else ""
    except (Unreachable, OutcomeUnknown) as error:
        # The next look asks again: an empty pool can be asked to go any number of times.
        log.info("pool %s: %s", pool.pk, error.sentence)
        return False
    return decide(lambda: _keep(pool, why) if why else _history(pool, now))


def _remove(proxmox: Cluster, poolid: str) -> str:
    """Why it is still there; empty once Proxmox said that it does not exist. Raises where that is not known."""
    try:
        if members := proxmox.pool_members(poolid):
            listed = ", ".join(str(vmid) for vmid in sorted(members)[:5])
            return f"Proxmox still shows machines in it: {listed}."
        proxmox.delete_pool(poolid)
        proxmox.pool_members(poolid)
    except NotBound:
        return ""
    except (Unreachable, OutcomeUnknown):
        raise
    except Denied as error:
        return f"The portal's access to the cluster lacks a right for it. {error.sentence}"
    except ClusterError as error:
        return f"Proxmox did not remove it. {error.sentence}"
    return "Proxmox said that it was removed, and still shows it."


def _history(pool: Pool, now: datetime) -> bool:
    """The row is unbound and gives its name back; what happened in the pool stays told by it."""
    rows = Pool.objects.filter(pk=pool.pk, removed_at=None).exclude(removal_asked_at=None)
    name = f"{pool.name[:40]} (removed {pool.pk})"
    changed = rows.update(
        name=name, removed_at=now, removal_asked_at=None, removal_problem="", proxmox_poolid=None, wanted_poolid=""
    )
    if changed:
        record("pool.ended", pool, None, "", proxmox_pool=pool.proxmox_poolid or "")
    return bool(changed)


def _keep(pool: Pool, why: str) -> bool:
    Pool.objects.filter(pk=pool.pk, removed_at=None).update(removal_asked_at=None, removal_problem=why[:300])
    return False


def _wake() -> None:
    # The broker may be down, whatever its client raises then; the periodic job finds the row.
    try:
        current_app.send_task(END_POOLS)
    except Exception as error:
        log.warning("the broker was not told of a pool to remove (%s)", error)
