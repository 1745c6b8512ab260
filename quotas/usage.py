"""Used, held and free: counted afresh every time, never from a ledger that could drift."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.db.models import Sum
from django.utils.module_loading import import_string

from accounts.models import Pool
from quotas.footprint import Footprint
from quotas.limits import effective_limit
from quotas.models import Reservation
from quotas.states import ReservationState


@dataclass(frozen=True)
class QuotaFigures:
    """A pool's limit, use and reservations at one moment."""

    limit: Footprint
    used: Footprint
    held: Footprint

    @property
    def free(self) -> Footprint:
        """limit - used - held; negative where a limit was cut below the use."""
        return self.limit - self.used - self.held


def used(pool_id: int) -> Footprint:
    """What the pool's machines use, by the counter that settings name."""
    counter = cast(Callable[[int], Footprint], import_string(settings.QUOTA_USAGE_COUNTER))
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
    return QuotaFigures(limit=effective_limit(pool), used=used(pool.pk), held=held(pool.pk))
