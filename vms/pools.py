"""The pool of the cluster that belongs to a pool of ours: its name, the proof that we made it, the binding.

A pool is bound by a row, never by its name. One that exists already is never taken over: its name gets a suffix
instead. A pool the portal made carries a seal in its comment that only the portal can compute for that very name, so
that an answer that was lost can be found out, and two workers making the same pool come to the same one.
"""

import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import Pool
from vms.cluster.types import PoolFacts

SEAL = re.compile(r"Made by VMPortal, seal (?P<seal>[0-9a-f]{32})")
NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")
MOST_SUFFIX = 99


def comment_for(pool: Pool, poolid: str) -> str:
    """The comment of a pool the portal makes."""
    return f"Made by VMPortal, seal {_seal(pool, poolid)}"


def is_ours(pool: Pool, facts: PoolFacts) -> bool:
    """True when the portal made this pool of the cluster, for this pool of ours."""
    match = SEAL.search(facts.comment)
    return match is not None and constant_time_compare(match["seal"], _seal(pool, facts.poolid))


def wanted_poolid(pool: Pool) -> str:
    """The name to ask for. Saved before Proxmox is asked; the first worker's choice holds for all."""
    Pool.objects.filter(pk=pool.pk, wanted_poolid="").update(wanted_poolid=_name(pool, suffix=1))
    return Pool.objects.values_list("wanted_poolid", flat=True).get(pk=pool.pk)


def next_poolid(pool: Pool, taken: str) -> str:
    """Another name, because somebody else's pool has `taken`."""
    name = _name(pool, suffix=2)
    match = re.fullmatch(re.escape(_name(pool, suffix=1)) + r"-(\d{1,2})", taken)
    if match:
        name = _name(pool, suffix=int(match[1]) + 1)
    Pool.objects.filter(pk=pool.pk, wanted_poolid=taken).update(wanted_poolid=name)
    return Pool.objects.values_list("wanted_poolid", flat=True).get(pk=pool.pk)


def bind(pool: Pool, poolid: str) -> bool:
    """Binds a pool the portal made itself. False when it is bound already (perhaps to this very one)."""
    return Pool.objects.filter(pk=pool.pk, proxmox_poolid=None).update(proxmox_poolid=poolid, wanted_poolid="") == 1


def _name(pool: Pool, *, suffix: int) -> str:
    name = NOT_ALLOWED.sub("-", pool.name).strip("-.") or f"pool-{pool.pk}"
    if not name[0].isalnum():
        name = f"p{name}"
    if suffix > 1:
        name = f"{name}-{suffix}"
    return f"{settings.PROXMOX_POOL_PARENT}/{name}" if settings.PROXMOX_POOL_PARENT else name


def _seal(pool: Pool, poolid: str) -> str:
    return salted_hmac("vms.pools", f"{pool.pk}:{poolid}", algorithm="sha256").hexdigest()[:32]
