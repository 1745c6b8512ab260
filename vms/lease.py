"""The rules of a lease: what is due, by the day. Plain Python; times are given, never read from a clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

#: Days before the end on which the owner is warned; after the end, every day.
WARNED = (10, 7, 3, 1, 0)
TRASH_AFTER_DAYS = 7
#: Nothing is stopped or deleted whose owner had fewer delivered warnings.
LEAST_WARNINGS = 3


@dataclass(frozen=True)
class Due:
    """What one look finds for one machine. `warn`: the stage to tell, or empty. `act`: "", "stop" or "trash"."""

    days_left: int
    warn: str = ""
    act: str = ""

    @property
    def act_stage(self) -> str:
        """One for each act and day, so that a machine that was started again is stopped again, once a day."""
        return f"{self.act}{self.days_left}" if self.act else ""


def days_left(lease_until: datetime, today: date) -> int:
    """Whole days from today to the day of the end; both in the house's zone."""
    return (lease_until.date() - today).days


def stage_of(left: int) -> str:
    """The warning that holds with so many days left: the last threshold that was passed, or the day after the end.

    A portal that slept past several tells the last one only. Empty while the end is far.
    """
    if left <= 0:
        return str(left)
    passed = [threshold for threshold in WARNED if threshold >= left]
    return str(min(passed)) if passed else ""


def due(lease_until: datetime, now: datetime, *, told: frozenset[str], acted: frozenset[str], runs: bool) -> Due:
    """What is due for a lease that ends at `lease_until` (both moments in the house's zone).

    `told` and `acted`: stages recorded for this end. `runs`: whether the machine is anything but off.
    """
    left = days_left(lease_until, now.date())
    stage = stage_of(left)
    act = act_at(lease_until, now, runs=runs)
    found = Due(left, "" if stage in told else stage, act)
    return Due(left, found.warn) if found.act_stage in acted else found


def act_at(lease_until: datetime, now: datetime, *, runs: bool) -> str:
    """ "trash" seven days after the end, "stop" for what runs after the end, else nothing."""
    if now < lease_until:
        return ""
    if now >= lease_until + timedelta(days=TRASH_AFTER_DAYS):
        return "trash"
    return "stop" if runs else ""


def told_in_words(left: int) -> str:
    """'expires in 3 days', 'expires today', 'expired yesterday', 'expired 4 days ago'."""
    match left:
        case 0:
            return "expires today"
        case 1:
            return "expires tomorrow"
        case -1:
            return "expired yesterday"
        case _:
            return f"expires in {left} days" if left > 0 else f"expired {-left} days ago"
