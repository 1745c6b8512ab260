"""Role questions, one line per rule."""

from django.contrib.auth.models import AnonymousUser

from accounts.models import Pool, PoolMembership, PoolQuerySet, User
from accounts.roles import Role

Person = User | AnonymousUser


def is_rtp(user: Person) -> bool:
    """True for an RTP who is active, in the house and not locked."""
    return isinstance(user, User) and user.has_rtp_power


def role_in(pool: Pool, user: Person) -> Role | None:
    """The person's own role in the pool, read from the database; None for a stranger. RTP power is not a role.

    Whoever left the house keeps the own pool for a while, and nothing in shared ones.
    """
    if not isinstance(user, User) or not user.is_active or user.locked_at:
        return None
    if pool.owner_id == user.pk:
        return Role.MANAGER
    if user.departed_at:
        return None
    membership = PoolMembership.objects.filter(pool=pool, user=user).first()
    return Role(membership.role) if membership else None


def pools_managed_by(user: User) -> PoolQuerySet:
    """Open pools the person manages by an own role; none after leaving the house."""
    if user.departed_at or user.locked_at or not user.is_active:
        return Pool.objects.none()
    open_ones = Pool.objects.filter(closed_at=None)
    own = open_ones.filter(owner=user)
    shared = open_ones.filter(memberships__user=user, memberships__role=Role.MANAGER)
    return (own | shared).distinct()
