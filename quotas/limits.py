"""The limit of a pool, and which rule it comes from.

For each number apart: an allowance of the pool; else, for a personal pool, the best of its owner's groups; for a shared
one, its own policy; else the default policy; else the settings. An RTP's own pool is unlimited, and still counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import Pool, User
from quotas.errors import UNLIMITED
from quotas.footprint import Caps, Footprint
from quotas.models import Allowance, Policy

RESOURCES = tuple(field.name for field in fields(Footprint))
CAPS = tuple(field.name for field in fields(Caps))


@dataclass(frozen=True)
class Source:
    """Which rule a number comes from: `allowance`, `policy`, `default` or `rtp`."""

    kind: str
    name: str = ""
    until: date | None = None

    @property
    def sentence(self) -> str:
        """'an allowance until 1 February 2027', 'the policy Seniors', 'the default', 'no limit for RTPs'."""
        match self.kind:
            case "allowance":
                return f"an allowance until {self.until:%-d %B %Y}" if self.until else "an allowance"
            case "policy":
                return f"the policy {self.name}"
            case "rtp":
                return "no limit for RTPs"
            case _:
                return "the default"


@dataclass(frozen=True)
class Limit:
    """What a pool may use at most, each number with its source."""

    footprint: Footprint
    caps: Caps
    sources: Mapping[str, Source]
    counts_always: bool = False


def limit_of(pool: Pool, today: date | None = None) -> Limit:
    """The pool's limit today."""
    if pool.owner is not None and pool.owner.has_rtp_power:
        return without_limit()
    found = _by_policy(pool.owner, pool)
    return _raised(found, Allowance.objects.filter(pool=pool).in_force(today or timezone.localdate()))


def limit_of_member(user: User) -> Limit:
    """The limit of a personal pool that is not made yet."""
    return without_limit() if user.has_rtp_power else _by_policy(user, None)


def effective_limit(pool: Pool) -> Footprint:
    """What the pool may use at most."""
    return limit_of(pool).footprint


def without_limit() -> Limit:
    """An RTP's."""
    source = Source("rtp")
    return Limit(
        Footprint(*[UNLIMITED] * len(RESOURCES)), Caps(*[UNLIMITED] * len(CAPS)), dict.fromkeys(RESOURCES, source)
    )


def _by_policy(owner: User | None, pool: Pool | None) -> Limit:
    own = Q(groups__people=owner) if owner is not None else Q(pools=pool)
    policies = list(Policy.objects.filter(own | Q(is_default=True)).distinct())
    mine = [policy for policy in policies if not policy.is_default] or policies
    if not mine:
        return _by_settings()
    best = {name: max(mine, key=lambda policy, name=name: _number(policy, name)) for name in (*RESOURCES, *CAPS)}  # type: ignore[misc]
    return Limit(
        Footprint(**{name: _number(best[name], name) for name in RESOURCES}),
        Caps(**{name: _number(best[name], name) for name in CAPS}),
        {name: _source(best[name]) for name in (*RESOURCES, *CAPS)},
        counts_always=all(policy.counts_always for policy in mine),
    )


def _by_settings() -> Limit:
    numbers = Footprint(
        cores=settings.QUOTA_DEFAULT_CORES,
        memory_mib=settings.QUOTA_DEFAULT_MEMORY_MIB,
        disk_gib=settings.QUOTA_DEFAULT_DISK_GIB,
        vms=UNLIMITED,
    )
    return Limit(numbers, Caps(*[UNLIMITED] * len(CAPS)), dict.fromkeys((*RESOURCES, *CAPS), Source("default")))


def _raised(found: Limit, allowances: Iterable[Allowance]) -> Limit:
    """Each number that an allowance names is the limit; of several the newest names it."""
    numbers = {name: getattr(found.footprint, name) for name in RESOURCES}
    sources = dict(found.sources)
    for allowance in sorted(allowances, key=lambda each: each.pk):
        for name in RESOURCES:
            if (number := getattr(allowance, name)) is not None:
                numbers[name], sources[name] = number, Source("allowance", allowance.reason, allowance.until)
    return Limit(Footprint(**numbers), found.caps, sources, found.counts_always)


def _number(policy: Policy, name: str) -> int:
    number: int | None = getattr(policy, name)
    return UNLIMITED if number is None else number


def _source(policy: Policy) -> Source:
    return Source("default" if policy.is_default else "policy", policy.name)
