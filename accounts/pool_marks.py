"""What RTPs do to a pool itself: close it, open it again, hide it, spare its machines from leases."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import audit
from accounts.access import is_rtp
from accounts.models import Pool, User
from accounts.shared_pools import PoolRefused

LONGEST_REASON = Pool._meta.get_field("never_expires_reason").max_length or 200
NO_REASON = "Say why its machines never expire."
STILL_HERE = "A personal pool stays while its member is in the house."


def close(pool: Pool, *, by: User, address: str = "", now: datetime) -> Pool:
    """From now on nothing is made in it and nothing comes into it; what is there runs on. An RTP's act.

    A personal pool is closed only when its member left. Raises PermissionDenied or PoolRefused.
    """
    with transaction.atomic():
        locked = locked_for_rtp(pool, by)
        if not may_end(locked):
            raise PoolRefused(STILL_HERE)
        if locked.closed_at is not None:
            raise PoolRefused(f"{locked} is closed already.")
        locked.closed_at = now
        locked.save(update_fields=["closed_at"])
        record("pool.closed", locked, by, address)
    return locked


def reopen(pool: Pool, *, by: User, address: str = "") -> Pool:
    """Undoes the closing, unless the pool is being removed. Raises PermissionDenied or PoolRefused."""
    with transaction.atomic():
        locked = locked_for_rtp(pool, by)
        if locked.closed_at is None:
            raise PoolRefused(f"{locked} is open.")
        if locked.removal_asked_at is not None:
            raise PoolRefused(f"{locked} is being removed.")
        locked.closed_at, locked.successor, locked.removal_problem = None, None, ""
        locked.save(update_fields=["closed_at", "successor", "removal_problem"])
        record("pool.reopened", locked, by, address)
    return locked


def set_marks(pool: Pool, *, hidden: bool, never_expires: bool, reason: str, by: User, address: str = "") -> bool:
    """Sets the two marks; False where they were so already. *Never expires* takes a reason, which members read.

    Raises PermissionDenied or PoolRefused.
    """
    reason = " ".join(reason.split()) if never_expires else ""
    if never_expires and not reason:
        raise PoolRefused(NO_REASON)
    if len(reason) > LONGEST_REASON:
        raise PoolRefused(f"Say it in {LONGEST_REASON} characters.")
    with transaction.atomic():
        locked = locked_for_rtp(pool, by)
        before = locked.hidden, locked.never_expires, locked.never_expires_reason
        if before == (hidden, never_expires, reason):
            return False
        locked.hidden, locked.never_expires, locked.never_expires_reason = hidden, never_expires, reason
        locked.save(update_fields=["hidden", "never_expires", "never_expires_reason"])
        record("pool.marked", locked, by, address, hidden=hidden, never_expires=never_expires, reason=reason)
    return True


def locked_for_rtp(pool: Pool, by: User) -> Pool:
    """The pool under its row lock, for an RTP. Raises PermissionDenied, or PoolRefused where it is history."""
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP does this to a pool.")
    locked = Pool.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=pool.pk)
    if locked.removed_at is not None:
        raise PoolRefused(f"{locked} was removed. It is kept as history.")
    return locked


def may_end(pool: Pool) -> bool:
    """Shared pools, and personal ones whose member left."""
    owner = pool.owner
    return owner is None or owner.departed_at is not None or not owner.is_active


def record(verb: str, pool: Pool, by: User | None, address: str, **detail: Any) -> None:
    """One audit row about a pool."""
    audit.record(
        actor=by, verb=verb, pool=pool, address=address, target_kind="pool", target_id=pool.pk, target_name=pool.name,
        **detail,
    )  # fmt: skip
