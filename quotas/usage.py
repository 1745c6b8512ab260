"""Used, held and free: counted afresh every time, never from a ledger that could drift."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.db.models import Sum
from django.utils.module_loading import import_string

from accounts.models import Pool
from quotas.footprint import Footprint, Usage
from quotas.limits import RESOURCES, Limit, limit_of
from quotas.models import Reservation
from quotas.prepared import Prepared
from quotas.states import ReservationState


@dataclass(frozen=True)
class QuotaFigures:
    """A pool's limit, use and reservations at one moment. `used` is what its policy counts, `usage` both ways."""

    rule: Limit
    usage: Usage
    held: Footprint

    @property
    def limit(self) -> Footprint:
        """The most of each."""
        return self.rule.footprint

    @property
    def used(self) -> Footprint:
        """What counts against the limit."""
        return self.usage.counted(always=self.rule.counts_always)

    @property
    def free(self) -> Footprint:
        """limit - used - held; negative where a limit was cut below the use."""
        return self.limit - self.used - self.held


def usage(pool_id: int) -> Usage:
    """What the pool's machines use, by the counter that settings name."""
    counter = cast(Callable[[int], Usage], import_string(settings.QUOTA_USAGE_COUNTER))
    return counter(pool_id)


HELD = Prepared(
    lambda pool_id: (
        Reservation.objects.filter(pool_id=pool_id, state=ReservationState.HELD)
        .order_by()
        .values("pool_id")
        .annotate(*(Sum(name, default=0) for name in RESOURCES))
        .values_list(*(f"{name}__sum" for name in RESOURCES))
    )
)


def held(pool_id: int) -> Footprint:
    """What open reservations hold."""
    return next((Footprint(*map(int, row)) for row in HELD.rows(pool_id)), Footprint())


def figures(pool: Pool, rule: Limit | None = None) -> QuotaFigures:
    """The pool's figures for a page, or for a decision when its row is locked. `rule`: its limit, if known by now."""
    return QuotaFigures(rule=rule or limit_of(pool), usage=usage(pool.pk), held=held(pool.pk))
