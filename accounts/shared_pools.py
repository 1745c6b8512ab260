"""Shared pools: making them, and who is in them with which role."""

import re

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.access import is_rtp, role_in
from accounts.errors import WithSentence
from accounts.models import Pool, PoolMembership, User
from accounts.pools import remove_member
from accounts.roles import PoolKind, Role
from accounts.signals import membership_removed
from accounts.standing import is_departed, may_be_signed_in

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,39}")
BAD_NAME = "A pool's name has 2 to 40 letters, digits, dots, hyphens or underscores, and starts with a letter or digit."
LAST_MANAGER = "This is the pool's last manager. Make somebody else a manager first, or ask an RTP."
NOT_SHARED = "A personal pool has its owner and nobody else."
FOUND = 10


class PoolRefused(WithSentence):
    """Something about a pool was not done; `sentence` says why."""


def may_manage(user: User, pool: Pool) -> bool:
    """Managers by their own role, and RTPs."""
    return is_rtp(user) or role_in(pool, user) == Role.MANAGER


def manages_by_power(user: User, pool: Pool) -> bool:
    """True for an RTP without the role: that takes a fresh proof."""
    return is_rtp(user) and role_in(pool, user) != Role.MANAGER


def make_shared(name: str, *, manager: User | None, by: User, address: str = "") -> Pool:
    """A new shared pool, with its first manager. Proxmox gets its pool with the first machine. An RTP's act."""
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP makes shared pools.")
    if not NAME.fullmatch(name):
        raise PoolRefused(BAD_NAME)
    try:
        with transaction.atomic():
            if Pool.objects.filter(name__iexact=name).exists():
                raise PoolRefused(f"There is a pool {name} already.")
            pool = Pool.objects.create(kind=PoolKind.SHARED, name=name)
            _record("pool.made", pool, by, address)
            if manager is not None:
                set_role(pool, manager, Role.MANAGER, by=by, address=address)
    except IntegrityError as error:
        raise PoolRefused(f"There is a pool {name} already.") from error
    return pool


def set_role(pool: Pool, user: User, role: Role, *, by: User, address: str = "") -> PoolMembership:
    """Takes a person in, or changes their role. Raises PermissionDenied or PoolRefused; nothing was written then."""
    with transaction.atomic():
        locked = _locked(pool, by)
        if is_departed(user) or not may_be_signed_in(user):
            raise PoolRefused(f"{user} has left the house or is locked.")
        if role != Role.MANAGER:
            _keep_a_manager(locked, user, by)
        found, made = PoolMembership.objects.get_or_create(pool=locked, user=user, defaults={"role": role})
        before = "" if made else found.role
        if before == role:
            return found
        PoolMembership.objects.filter(pk=found.pk).update(role=role)
        found.role = role
        _record("pool.role", locked, by, address, user=user, role=str(role), before=before)
        user_id, pool_id = user.pk, pool.pk
        # A lower role may end a console; a higher one is read anew all the same.
        transaction.on_commit(lambda: membership_removed.send(sender=Pool, user_id=user_id, pool_id=pool_id))
    return found


def take_out(pool: Pool, user: User, *, by: User, address: str = "") -> bool:
    """Ends the person's role; consoles end. False when there was none. Everybody may leave by themselves."""
    with transaction.atomic():
        locked = _locked(pool, by, leaving=user)
        _keep_a_manager(locked, user, by)
        return remove_member(locked, user, by=by, address=address)


def candidates(pool: Pool, words: str) -> QuerySet[User]:
    """People of the house who are not in the pool, found by name; none for fewer than two letters."""
    if len(words) < 2:
        return User.objects.none()
    named = Q(username__icontains=words) | Q(first_name__icontains=words) | Q(last_name__icontains=words)
    there = User.objects.filter(named, is_active=True, departed_at=None, locked_at=None)
    return there.exclude(memberships__pool=pool).order_by("username")[:FOUND]


def _locked(pool: Pool, by: User, *, leaving: User | None = None) -> Pool:
    """The pool under its row lock, so that two managers do not both leave; the right is read under it."""
    locked = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
    if locked.kind != PoolKind.SHARED:
        raise PoolRefused(NOT_SHARED)
    if not may_manage(by, locked) and (leaving is None or leaving.pk != by.pk):
        raise PermissionDenied("Only the pool's managers decide who is in it.")
    return locked


def _keep_a_manager(pool: Pool, user: User, by: User) -> None:
    managers = PoolMembership.objects.filter(pool=pool, role=Role.MANAGER)
    if not is_rtp(by) and managers.filter(user=user).exists() and not managers.exclude(user=user).exists():
        raise PoolRefused(LAST_MANAGER)


def _record(verb: str, pool: Pool, by: User, address: str, *, user: User | None = None, **detail: str) -> None:
    audit.record(
        actor=by, verb=verb, pool=pool, address=address, target_kind="user" if user else "pool",
        target_id=user.pk if user else pool.pk, target_name=user.username if user else pool.name, **detail,
    )  # fmt: skip
