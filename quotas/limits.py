"""The limit of a pool, and which rule it comes from.

For each number apart: an allowance of the pool; else, for a personal pool, the best of its owner's groups; for a shared
one, its own policy; else the default policy; else the settings. An RTP's own pool is unlimited, and still counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from accounts.models import DirectoryMembership, Pool, User
from quotas.errors import DEFAULT, UNLIMITED
from quotas.footprint import Caps, Footprint
from quotas.models import Allowance, Policy
from quotas.prepared import Prepared

RESOURCES = tuple(field.name for field in fields(Footprint))
CAPS = tuple(field.name for field in fields(Caps))
OF_POLICY = ("id", "name", "is_default", "counts_always", *RESOURCES, *CAPS)
OF_ALLOWANCE = ("id", "reason", "until", *RESOURCES)


def _fitting(own: Q) -> QuerySet[Policy, tuple[Any, ...]]:
    return Policy.objects.filter(own | Q(is_default=True)).distinct().values_list(*OF_POLICY)


OF_OWNER = Prepared(lambda key: _fitting(Q(groups__people=key)))
OF_POOL = Prepared(lambda key: _fitting(Q(pools=key)))
OF_ALLOWANCES = Prepared(lambda key: Allowance.objects.filter(pool=key, ended_at=None).values_list(*OF_ALLOWANCE))


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
                return DEFAULT


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
    return _raised(found, _allowances(pool.pk, today or timezone.localdate()))


def limit_of_member(user: User) -> Limit:
    """The limit of a personal pool that is not made yet."""
    return without_limit() if user.has_rtp_power else _by_policy(user, None)


def without_limit() -> Limit:
    """An RTP's."""
    source = Source("rtp")
    return Limit(
        Footprint(*[UNLIMITED] * len(RESOURCES)), Caps(*[UNLIMITED] * len(CAPS)), dict.fromkeys(RESOURCES, source)
    )


def limits_of(pools: Iterable[Pool], today: date | None = None) -> dict[int, Limit]:
    """The limits of many pools, by their keys, with a number of queries that does not grow with theirs."""
    pools = list(pools)
    policies = list(Policy.objects.prefetch_related("groups", "pools"))
    groups: dict[int, set[int]] = defaultdict(set)
    for user_id, group_id in DirectoryMembership.objects.values_list("user_id", "group_id"):
        groups[user_id].add(group_id)
    raised: dict[int, list[Allowance]] = defaultdict(list)
    for allowance in Allowance.objects.in_force(today or timezone.localdate()):
        raised[allowance.pool_id].append(allowance)
    return {pool.pk: _of_many(pool, policies, groups, raised[pool.pk]) for pool in pools}


def _of_many(
    pool: Pool, policies: Iterable[Policy], groups: Mapping[int, set[int]], raised: Iterable[Allowance]
) -> Limit:
    owner = pool.owner
    if owner is not None and owner.has_rtp_power:
        return without_limit()
    mine = groups.get(owner.pk, set()) if owner is not None else set()
    fitting = [policy for policy in policies if policy.is_default or _is_for(policy, pool, mine)]
    return _raised(_best_of(fitting), raised)


def _is_for(policy: Policy, pool: Pool, groups: set[int]) -> bool:
    if pool.owner_id is None:
        return any(each.pk == pool.pk for each in policy.pools.all())
    return any(each.pk in groups for each in policy.groups.all())


def _by_policy(owner: User | None, pool: Pool | None) -> Limit:
    rows = OF_OWNER.rows(owner.pk) if owner is not None else OF_POOL.rows(pool.pk if pool else 0)
    return _best_of([Policy(**dict(zip(OF_POLICY, row, strict=True))) for row in rows])


def _allowances(pool_id: int, today: date) -> list[Allowance]:
    found = [Allowance(**dict(zip(OF_ALLOWANCE, row, strict=True))) for row in OF_ALLOWANCES.rows(pool_id)]
    for each in found:
        each.until = parse_date(each.until) if isinstance(each.until, str) else each.until
    return [each for each in found if each.until is None or each.until >= today]


def _best_of(policies: list[Policy]) -> Limit:
    """The best of those that are not the default; the default where there is none; the settings without any."""
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
