"""The small cast of every test: alice owns, bob is a stranger, carol shares a pool with alice, rita is RTP."""

from dataclasses import dataclass

from allauth.mfa.totp.internal.auth import TOTP

from accounts.models import Pool, PoolMembership, User
from accounts.roles import PoolKind, Role

PASSWORD = "correct horse battery staple"
FACTOR_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # base32, of the tests' RTP


@dataclass(frozen=True)
class Cast:
    """The people and their pools; all pools are bound to a pool of the cluster."""

    alice: User
    bob: User
    carol: User
    rita: User
    alices: Pool
    bobs: Pool
    shared: Pool


def person(name: str, *, is_rtp: bool = False) -> User:
    """A local account whose password is PASSWORD; an RTP has an authenticator app with FACTOR_SECRET."""
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD, is_rtp=is_rtp, is_staff=is_rtp)
    if is_rtp:
        TOTP.activate(user, FACTOR_SECRET)
    return user


def personal_pool(owner: User) -> Pool:
    """A bound personal pool."""
    return Pool.objects.create(kind=PoolKind.PERSONAL, name=owner.username, owner=owner, proxmox_poolid=owner.username)


def make_cast() -> Cast:
    """All four, alice's and bob's personal pools, and the pool that alice manages and carol operates."""
    alice, bob, carol = person("alice"), person("bob"), person("carol")
    rita = person("rita", is_rtp=True)
    shared = Pool.objects.create(kind=PoolKind.SHARED, name="ctf", proxmox_poolid="ctf")
    PoolMembership.objects.create(pool=shared, user=alice, role=Role.MANAGER)
    PoolMembership.objects.create(pool=shared, user=carol, role=Role.OPERATOR)
    return Cast(alice, bob, carol, rita, personal_pool(alice), personal_pool(bob), shared)
