"""The one function that every path goes through which makes a machine take more.

Create, copy, start, resume, more cores or memory, a disk added or grown, a snapshot with memory, start at boot, a move
to another pool, a way back from the trash: each says what the machine is and what it would be. Under the pool's row
lock the difference is held, or nothing is written and the refusal says in numbers why.
"""

from dataclasses import dataclass

from accounts.models import Pool
from quotas.errors import UNLIMITED, cores, gib
from quotas.footprint import Caps, Footprint
from quotas.limits import limit_of
from quotas.models import Reservation
from vms.operations import requests
from vms.operations.errors import Refusal
from vms.usage import Shape

NOTHING = Footprint()


@dataclass(frozen=True)
class _Cap:
    """One limit of a single machine: where it stands, what it is compared with, how it is said."""

    cap: str
    part: str
    field: str
    sentence: str


CAPS = (
    _Cap("vm_cores", "cores", "cores", "One VM may have {most} here; this asks for {asked}."),
    _Cap("vm_memory_mib", "memory_mib", "memory_mib", "One VM may have {most} of memory here; this asks for {asked}."),
    _Cap("vm_disk_gib", "disk_gib", "disk_gib", "One VM may have {most} of disk here; this makes {asked}."),
    _Cap("disks_per_vm", "disks", "disk_gib", "One VM may have {most} here; this would be number {count}."),
    _Cap("snapshots_per_vm", "snapshots", "name", "One VM may have {most} here; this would be number {count}."),
)  # fmt: skip


def hold(pool: Pool, before: Shape | None, after: Shape, purpose: str) -> Reservation | None:
    """Holds what `after` takes more of `pool` than `before` (None: nothing was in this pool), in the caller's
    transaction and under the pool's row lock. None where it takes no more.

    Raises Refusal where one machine may not be so large, QuotaExceeded where the pool has not the room.
    """
    rule = limit_of(pool)
    refuse_too_large(rule.caps, before, after)
    was = before.counted(always=rule.counts_always) if before else NOTHING
    grows = (after.counted(always=rule.counts_always) - was).at_least_zero()
    if grows.is_nothing:
        return None
    return requests.reserve(pool, grows, purpose, rule)


def refuse_too_large(caps: Caps, before: Shape | None, after: Shape) -> None:
    """Raises Refusal where a limit of one machine is passed by what grows; what is too large already may stay so."""
    for cap in CAPS:
        most, wanted = getattr(caps, cap.cap), getattr(after, cap.part)
        if most < UNLIMITED and wanted > most and wanted > (getattr(before, cap.part) if before else 0):
            words = {"most": _words(cap.part, most), "asked": _words(cap.part, wanted), "count": wanted}
            raise Refusal(cap.sentence.format(**words), cap.field)


def _words(part: str, amount: int) -> str:
    match part:
        case "cores":
            return cores(amount)
        case "memory_mib":
            return gib(amount)
        case "disk_gib":
            return f"{amount} GiB"
        case _:
            return f"{amount} {part if amount != 1 else part.removesuffix('s')}"
