"""Makes pools and changes who is in them."""

from django.db import transaction

from accounts import audit
from accounts.models import Pool, PoolMembership, User
from accounts.roles import PoolKind
from accounts.signals import membership_removed


def find_personal_pool(user: User) -> Pool | None:
    """The person's own pool, if it was needed before. Safe on a GET."""
    return Pool.objects.living().filter(owner=user).first()


def personal_pool_for(user: User) -> Pool:
    """The person's own pool, made at first need; never called on a GET.

    A name taken by another pool gets a suffix: the name gives nobody a right.
    """
    with transaction.atomic():
        # The person's row is the lock, so that two first requests make one pool.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        found = find_personal_pool(user)
        if found:
            return found
        pool = _back_from_history(user) or Pool.objects.create(
            kind=PoolKind.PERSONAL, owner=user, name=_free_name(user.username)
        )
        audit.record(
            actor=user,
            verb="pool.made",
            pool=pool,
            target_kind="pool",
            target_id=pool.pk,
            target_name=pool.name,
        )
        return pool


def remove_member(pool: Pool, user: User, *, by: User | None, address: str = "") -> bool:
    """Takes the person's role away; consoles end. False when there was none."""
    with transaction.atomic():
        removed, _rows = PoolMembership.objects.filter(pool=pool, user=user).delete()
        if removed:
            audit.record(
                actor=by,
                verb="pool.removed",
                pool=pool,
                address=address,
                target_kind="user",
                target_id=user.pk,
                target_name=user.username,
            )
            user_id, pool_id = user.pk, pool.pk
            transaction.on_commit(lambda: membership_removed.send(sender=Pool, user_id=user_id, pool_id=pool_id))
        return bool(removed)


def _back_from_history(user: User) -> Pool | None:
    """The pool of somebody who left and came back, empty and open again; its history is theirs."""
    pool = Pool.objects.filter(owner=user).exclude(removed_at=None).first()
    if pool is not None:
        pool.name, pool.removed_at, pool.closed_at = _free_name(user.username), None, None
        pool.save(update_fields=["name", "removed_at", "closed_at"])
    return pool


def _free_name(wanted: str) -> str:
    name, n = wanted[:60], 1
    while Pool.objects.filter(name=name).exists():
        n += 1
        name = f"{wanted[:55]}-{n}"
    return name
