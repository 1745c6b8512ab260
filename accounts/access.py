"""Role questions, one line per rule."""

from django.contrib.auth.models import AnonymousUser

from accounts.models import Pool, PoolMembership, PoolQuerySet, User
from accounts.roles import Role

Person = User | AnonymousUser


def is_rtp(user: Person) -> bool:
    """True for an active RTP."""
    return isinstance(user, User) and user.is_active and user.is_rtp


def role_in(pool: Pool, user: Person) -> Role | None:
    """The person's own role in the pool, read from the database; None for a stranger. RTP power is not a role."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if pool.owner_id == user.pk:
        return Role.MANAGER
    membership = PoolMembership.objects.filter(pool=pool, user=user).first()
    return Role(membership.role) if membership else None


def pools_managed_by(user: User) -> PoolQuerySet:
    """Pools in which the person may create machines by an own role."""
    own = Pool.objects.filter(owner=user)
    shared = Pool.objects.filter(memberships__user=user, memberships__role=Role.MANAGER)
    return (own | shared).distinct()
