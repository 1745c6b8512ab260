"""Pools in numbers, for the RTPs' page and for whoever chooses a pool: use, reserved, limit and which rule says so."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import StringIO

from django.db.models import Count, F, Q

from accounts.models import Pool, User
from accounts.roles import PoolKind
from quotas.errors import UNLIMITED
from quotas.footprint import Footprint, Usage
from quotas.limits import Limit, limit_of_member, limits_of
from quotas.models import Reservation
from quotas.states import ReservationState
from vms.meters import Meter, meters
from vms.models import ClusterPool, VirtualMachine
from vms.usage import AWAKE, usages_of

#: What the page can be narrowed to, in its order: key and words.
SHOWS = (
    ("", "All pools"), ("over", "Over a limit"), ("personal", "Personal"), ("shared", "Shared"), ("hidden", "Hidden"),
    ("closed", "Closed"), ("unbound", "Not bound to Proxmox"), ("removed", "Removed"),
)  # fmt: skip
#: A cell that begins like this is taken for a formula by spreadsheets.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
RESOURCES = (("cores", "cores"), ("memory_mib", "memory MiB"), ("disk_gib", "disk GiB"))


@dataclass(frozen=True)
class PoolLine:
    """A pool in numbers. `machines` and `awake` count what is there, `usage` both ways, `held` is reserved."""

    pool: Pool
    machines: int
    awake: int
    usage: Usage
    held: Footprint
    rule: Limit

    @property
    def used(self) -> Footprint:
        """What its policy counts."""
        return self.usage.counted(always=self.rule.counts_always)

    @property
    def free(self) -> Footprint:
        """What is left."""
        return self.rule.footprint - self.used - self.held

    @property
    def meters(self) -> list[Meter]:
        """CPU, memory and disk with their limits."""
        return meters(used=self.used, held=self.held, limit=self.rule.footprint)

    @property
    def is_over(self) -> bool:
        """A limit was cut below the use."""
        return any(meter.free < 0 for meter in self.meters)

    @property
    def rules(self) -> str:
        """'the default', or each rule once where several hold."""
        return ", ".join(dict.fromkeys(self.rule.sources[name].sentence for name, _ in RESOURCES))

    @property
    def whose(self) -> str:
        """The member, or that it is shared."""
        return self.pool.owner.username if self.pool.owner else "shared"

    @property
    def marks(self) -> list[str]:
        """What is special about it, in words."""
        pool = self.pool
        found = [
            (pool.removed_at, "removed"), (pool.closed_at and not pool.removed_at, "closed"), (pool.hidden, "hidden"),
            (pool.never_expires, "never expires"), (not pool.proxmox_poolid and not pool.removed_at, "not bound"),
            (self.is_over, "over a limit"),
        ]  # fmt: skip
        return [words for holds, words in found if holds]


SORTS: dict[str, Callable[[PoolLine], object]] = {
    "name": lambda line: line.pool.name.lower(),
    "whose": lambda line: (line.pool.kind, line.whose, line.pool.name.lower()),
    "machines": lambda line: line.machines,
    "awake": lambda line: line.awake,
    "cores": lambda line: line.used.cores,
    "memory_mib": lambda line: line.used.memory_mib,
    "disk_gib": lambda line: line.used.disk_gib,
    "rule": lambda line: line.rules,
}
#: These begin with the most.
NUMBERS = frozenset({"machines", "awake", "cores", "memory_mib", "disk_gib"})


def lines_of(pools: Iterable[Pool]) -> list[PoolLine]:
    """The numbers of pools whose owner is loaded, in their order; as many queries for 3 as for 3,000."""
    found = list(pools)
    keys = [pool.pk for pool in found]
    usages, limits, held = usages_of(keys), limits_of(found), _held(keys)
    machines = VirtualMachine.objects.filter(pool_id__in=keys).counted().order_by().values("pool_id")
    counted = machines.annotate(machines=Count("pk"), awake=Count("pk", filter=AWAKE))
    counts = {line["pool_id"]: (line["machines"], line["awake"]) for line in counted}
    return [
        PoolLine(pool, *counts.get(pool.pk, (0, 0)), usages[pool.pk], held[pool.pk], limits[pool.pk]) for pool in found
    ]


def not_made_yet(user: User) -> PoolLine:
    """The person's own pool before its first need: a row that is not saved."""
    pool = Pool(kind=PoolKind.PERSONAL, owner=user, name=user.username)
    return PoolLine(pool, 0, 0, Usage(), Footprint(), limit_of_member(user))


def _held(keys: list[int]) -> dict[int, Footprint]:
    found = dict.fromkeys(keys, Footprint())
    for row in Reservation.objects.filter(pool_id__in=keys, state=ReservationState.HELD):
        found[row.pool_id] += row.footprint
    return found


def pools_in_numbers(words: str = "", show: str = "", sort: str = "name") -> list[PoolLine]:
    """Every pool that fits: `words` in its name, its owner or its pool of the cluster; `show` of SHOWS.

    `sort` is a key of SORTS, with a hyphen in front the other way round.
    """
    found = Pool.objects.select_related("owner")
    found = found.exclude(removed_at=None) if show == "removed" else found.living()
    if words:
        whose = Q(owner__username__icontains=words) | Q(proxmox_poolid__icontains=words)
        found = found.filter(Q(name__icontains=words) | whose)
    narrowed = {
        "personal": Q(kind=PoolKind.PERSONAL), "shared": Q(kind=PoolKind.SHARED), "hidden": Q(hidden=True),
        "closed": Q(closed_at__isnull=False), "unbound": Q(proxmox_poolid=None),
    }.get(show)  # fmt: skip
    lines = lines_of((found.filter(narrowed) if narrowed else found).order_by("name", "pk"))
    kept = [line for line in lines if line.is_over] if show == "over" else lines
    column, is_turned = sort.removeprefix("-"), sort.startswith("-")
    if column not in SORTS:
        return kept
    return sorted(kept, key=SORTS[column], reverse=is_turned != (column in NUMBERS))  # type: ignore[arg-type]


def as_csv(lines: Iterable[PoolLine]) -> str:
    """One line a pool, numbers without units; an empty limit is none. No cell can be taken for a formula."""
    out = StringIO()
    writer = csv.writer(out)
    numbers = [f"{words} {part}" for _, words in RESOURCES for part in ("used", "reserved", "limit")]
    writer.writerow(["pool", "whose", "Proxmox pool", "VMs", "running", *numbers, "rule", "marks"])
    for line in lines:
        cells = [line.pool.name, line.whose, line.pool.proxmox_poolid or "", line.machines, line.awake]
        cells += [number for name, _ in RESOURCES for number in _three(line, name)]
        writer.writerow([_cell(each) for each in [*cells, line.rules, ", ".join(line.marks)]])
    return out.getvalue()


def _three(line: PoolLine, name: str) -> tuple[int, int, int | str]:
    limit: int = getattr(line.rule.footprint, name)
    return getattr(line.used, name), getattr(line.held, name), "" if limit >= UNLIMITED else limit


def _cell(content: object) -> object:
    return f"'{content}" if isinstance(content, str) and content.startswith(FORMULA) else content


def unbound_in_cluster() -> list[ClusterPool]:
    """Pools of the cluster that the newest reading listed and no row binds."""
    bound = Pool.objects.bound().values("proxmox_poolid")
    return list(ClusterPool.objects.exclude(poolid__in=bound).order_by(F("machines").desc(), "poolid"))
