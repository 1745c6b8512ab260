"""What a change of policies would do, tried and taken back: whose limits change, and who falls below their use."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Pool
from quotas.errors import UNLIMITED
from quotas.footprint import Footprint
from quotas.limits import limits_of
from quotas.shown import TITLES, WORDS
from quotas.usage import figures


@dataclass(frozen=True)
class Changed:
    """One pool: its limits before and after, and what it uses beyond the new ones."""

    pool: str
    before: str
    after: str
    below: str


class _TakenBack(Exception):
    """Ends the transaction in which a change was tried."""


def impact_of(change: Callable[[], object]) -> list[Changed]:
    """Tries `change` and takes it back. Those who fall below their use come first."""
    pools = list(Pool.objects.select_related("owner"))
    before = limits_of(pools)
    found: list[Changed] = []
    try:
        with transaction.atomic():
            change()
            after = limits_of(pools)
            differing = [pool for pool in pools if after[pool.pk].footprint != before[pool.pk].footprint]
            found = [_changed(pool, before[pool.pk].footprint) for pool in differing]
            raise _TakenBack
    except _TakenBack:
        pass
    return sorted(found, key=lambda each: (not each.below, each.pool))


def _changed(pool: Pool, before: Footprint) -> Changed:
    now = figures(pool)
    short = [name for name in TITLES if getattr(now.free, name) < 0]
    below = ", ".join(f"{WORDS[name](getattr(now.used, name) + getattr(now.held, name))} in use" for name in short)
    return Changed(pool.name, words_of(before), words_of(now.limit), below)


def words_of(limit: Footprint) -> str:
    """'8 cores, 8 GiB, 250 GiB disk'."""
    parts = [
        f"{WORDS[name](getattr(limit, name))}{' disk' if name == 'disk_gib' else ''}"
        if getattr(limit, name) < UNLIMITED
        else f"no limit of {TITLES[name]}"
        for name in TITLES
    ]
    return ", ".join(parts)
