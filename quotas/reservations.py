"""The whole life of a reservation: reserve, settle, release."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Pool
from quotas.errors import OutsideTransaction, QuotaExceeded
from quotas.footprint import Footprint
from quotas.limits import Limit
from quotas.models import Reservation
from quotas.states import ReservationState
from quotas.usage import figures


def reserve(
    pool: Pool, asked: Footprint, *, purpose: str, now: datetime, held_for_s: float, rule: Limit | None = None
) -> Reservation:
    """Holds room for `asked` in the caller's transaction, in which lock_pool gave `pool`. `rule`: its limit.

    Raises QuotaExceeded with the figures that decided; nothing is written then.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction("reserve was called outside a transaction")
    found = figures(pool, rule)
    if not asked.shortfall(found.free).is_nothing:
        whose = {name: source.sentence for name, source in found.rule.sources.items()}
        raise QuotaExceeded(asked=asked, free=found.free, limit=found.limit, whose=whose)
    return Reservation.objects.create(
        pool=pool,
        purpose=purpose,
        held_until=now + timedelta(seconds=held_for_s),
        cores=max(0, asked.cores),
        memory_mib=max(0, asked.memory_mib),
        disk_gib=max(0, asked.disk_gib),
        vms=max(0, asked.vms),
    )


def settle(reservation_id: int | None) -> bool:
    """The room is counted from machine rows now. True for the one call that moved it."""
    return _move(reservation_id, ReservationState.SETTLED)


def release(reservation_id: int | None) -> bool:
    """The room is given back. True for the one call that moved it."""
    return _move(reservation_id, ReservationState.RELEASED)


def overdue(now: datetime) -> QuerySet[Reservation]:
    """Reservations held beyond their time."""
    return Reservation.objects.filter(state=ReservationState.HELD, held_until__lt=now)


def release_overdue(now: datetime, *, in_use: Collection[int]) -> int:
    """Gives back what is overdue and belongs to no operation in motion (`in_use`). Returns how many."""
    return overdue(now).exclude(pk__in=in_use).update(state=ReservationState.RELEASED)


def _move(reservation_id: int | None, to: ReservationState) -> bool:
    if reservation_id is None:
        return False
    return Reservation.objects.filter(pk=reservation_id, state=ReservationState.HELD).update(state=to) == 1
