"""Binds pools of the cluster to pools of the portal. An RTP's act, one row each; a name alone binds nothing."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import audit
from accounts.access import is_rtp
from accounts.models import Pool, User
from accounts.roles import PoolKind
from accounts.shared_pools import BAD_NAME, NAME
from vms.cluster.types import ClusterReading
from vms.mirror.known import bound_pools
from vms.models import ClusterPool

#: Machines of an adopted shared pool get their first lease from an RTP.
ADOPTED = {"never_expires": True, "never_expires_reason": "adopted"}


class BindingRefused(Exception):
    """Why a pool was not bound, in a sentence; nothing was changed."""


@dataclass(frozen=True)
class UnboundPool:
    """A pool of the cluster that no row binds, with how many machines the list shows in it."""

    poolid: str
    machines: int


def unbound(listing: ClusterReading) -> list[UnboundPool]:
    """Pools that the token sees and no row binds, by name."""
    bound = bound_pools()
    counts: dict[str, int] = {pool.poolid: 0 for pool in listing.pools}
    for guest in listing.guests:
        if guest.poolid and not guest.is_template:
            counts[guest.poolid] = counts.get(guest.poolid, 0) + 1
    return [UnboundPool(poolid, count) for poolid, count in sorted(counts.items()) if poolid not in bound]


def bind_listed(poolid: str, name: str, *, by: User, address: str) -> Pool:
    """An RTP's act on a page: binds a pool that the newest reading listed to a *shared* pool, made where there is none.

    Raises PermissionDenied, or BindingRefused; nothing was changed then.
    """
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP binds pools.")
    if not ClusterPool.objects.filter(poolid=poolid).exists():
        raise BindingRefused(f"The cluster shows no pool {poolid[:60]} any more.")
    holder = check(poolid, name)
    if holder is not None and holder.kind != PoolKind.SHARED:
        raise BindingRefused(f"{name} is somebody's own pool. Name a shared one.")
    if holder is None and not NAME.fullmatch(name):
        raise BindingRefused(BAD_NAME)
    return bind(poolid, name, by=by, address=address)


def check(poolid: str, name: str) -> Pool | None:
    """The pool of that name, or None when a shared one will be made. BindingRefused where it cannot be bound."""
    holder = Pool.objects.filter(proxmox_poolid=poolid).first()
    if holder is not None:
        raise BindingRefused(f"{poolid} is bound to the pool {holder.name} already.")
    pool = Pool.objects.filter(name=name).first()
    if pool is not None and pool.closed_at is not None:
        raise BindingRefused(f"The pool {name} is closed.")
    if pool is not None and pool.proxmox_poolid:
        raise BindingRefused(f"The pool {name} is bound to {pool.proxmox_poolid} already.")
    if not name or len(name) > 64:
        raise BindingRefused("A pool's name has 1 to 64 characters.")
    return pool


def bind(poolid: str, name: str, *, by: User | None, by_name: str = audit.PORTAL, address: str = "") -> Pool:
    """Binds the cluster's pool to the portal's pool of that name, made as a shared one where there is none.

    Its machines are adopted by the next readings. A shared pool begins as *never expires*: nobody was warned of a
    lease. BindingRefused where either is bound already.
    """
    with transaction.atomic():
        pool = check(poolid, name)
        if pool is None:
            pool = Pool.objects.create(kind=PoolKind.SHARED, name=name)
        spared = {} if pool.never_expires or pool.kind != PoolKind.SHARED else ADOPTED
        bound = Pool.objects.filter(pk=pool.pk, proxmox_poolid=None).update(proxmox_poolid=poolid, **spared)
        if not bound:
            raise BindingRefused(f"The pool {name} was bound a moment ago.")
        pool.refresh_from_db()
        audit.record(
            actor=by,
            by_name=by_name,
            verb="pool.bound",
            pool=pool,
            address=address,
            target_kind="pool",
            target_id=pool.pk,
            target_name=pool.name,
            proxmox_pool=poolid,
        )
        return pool
