"""Used, held and free: counted afresh every time, never from a ledger that could drift."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.db.models import Sum
from django.utils.module_loading import import_string

from accounts.models import Pool
from quotas.footprint import Footprint, Usage
from quotas.limits import Limit, limit_of
from quotas.models import Reservation
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


def held(pool_id: int) -> Footprint:
    """What open reservations hold."""
    sums = Reservation.objects.filter(pool_id=pool_id, state=ReservationState.HELD).aggregate(
        cores=Sum("cores", default=0),
        memory_mib=Sum("memory_mib", default=0),
        disk_gib=Sum("disk_gib", default=0),
        vms=Sum("vms", default=0),
    )
    return Footprint(**sums)


def figures(pool: Pool) -> QuotaFigures:
    """The pool's figures for a page, or for a decision when its row is locked."""
    return QuotaFigures(rule=limit_of(pool), usage=usage(pool.pk), held=held(pool.pk))
