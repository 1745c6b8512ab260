"""What is counted, kept by hand: machines, limits and room held, in plain Python with sums of its own.

Nothing here asks the portal. tests/quotas/test_state_machine.py does the same things with both and compares.
"""

from dataclasses import dataclass, field

NO_LIMIT = 10**9
PARTS = ("cores", "memory_mib", "disk_gib", "vms")
Amount = tuple[int, int, int, int]
NONE: Amount = (0, 0, 0, 0)


def plus(one: Amount, other: Amount) -> Amount:
    """Part by part."""
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])


def growth(before: Amount, after: Amount) -> Amount:
    """What `after` takes more; nothing where it takes less."""
    more = [max(0, new - old) for old, new in zip(before, after, strict=True)]
    return (more[0], more[1], more[2], more[3])


@dataclass
class Kept:
    """A snapshot: what was set then, and what its memory takes."""

    cores: int
    memory_mib: int
    disks: dict[str, int]
    at_boot: bool
    memory_gib: int


@dataclass
class Machine:
    """A machine as the cluster has it. `pending_*` None: nothing waits. `pool` "" once it is gone."""

    pk: int
    pool: str
    cores: int
    memory_mib: int
    disks: dict[str, int]
    power: str = "running"
    pending_cores: int | None = None
    pending_memory_mib: int | None = None
    at_boot: bool = False
    was_at_boot: bool = False
    is_trashed: bool = False
    is_there: bool = False
    snapshots: dict[str, Kept] = field(default_factory=dict)
    op: "Op | None" = None

    def takes(self, *, always: bool) -> Amount:
        """What counts of it."""
        wakes = self.power != "stopped" or self.at_boot
        counts = wakes or (always and not self.is_trashed)
        cores = max(self.cores, self.pending_cores or 0) if counts else 0
        memory_mib = max(self.memory_mib, self.pending_memory_mib or 0) if counts else 0
        disk_gib = sum(self.disks.values()) + sum(one.memory_gib for one in self.snapshots.values())
        return (cores, memory_mib, disk_gib, 0 if self.is_trashed else 1)

    def switch_off(self) -> None:
        """What waited for it is in force then."""
        self.power = "stopped"
        self.take_over()

    def take_over(self) -> None:
        """What waited for the next start is in force."""
        self.cores, self.pending_cores = self.pending_cores or self.cores, None
        self.memory_mib, self.pending_memory_mib = self.pending_memory_mib or self.memory_mib, None


@dataclass
class Op:
    """What is under way with a machine: the row's key, the kind, the wish, and the room it holds in which pool."""

    pk: int
    kind: str
    wish: dict[str, object]
    by: str
    pool: str
    holds: Amount


@dataclass
class Policy:
    """None: no limit."""

    cores: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    vms: int | None = None
    counts_always: bool = False
    vm_cores: int | None = None
    vm_disk_gib: int | None = None
    snapshots_per_vm: int | None = None


@dataclass
class Allowance:
    """Raised parts of a pool's limit. `days_left` below 0: it is over; None: for good."""

    pk: int
    pool: str
    parts: dict[str, int]
    days_left: int | None
    is_ended: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is in force today."""
        return not self.is_ended and (self.days_left is None or self.days_left >= 0)


@dataclass
class Book:
    """Everything. `roles` of people by (pool, person); `policies` are "default", "seniors" and "ctf-own"."""

    policies: dict[str, Policy]
    roles: dict[tuple[str, str], str]
    has_senior: bool = False
    machines: list[Machine] = field(default_factory=list)
    allowances: list[Allowance] = field(default_factory=list)

    def rules_of(self, pool: str) -> list[Policy]:
        """The policies that are compared: own ones, or the default."""
        if pool == "alice" and self.has_senior:
            return [self.policies["seniors"]]
        return [self.policies["ctf-own" if pool == "ctf" else "default"]]

    def counts_always(self, pool: str) -> bool:
        """Whether machines that are off count, too."""
        return all(rule.counts_always for rule in self.rules_of(pool))

    def most(self, pool: str, name: str) -> int:
        """A limit by policy alone."""
        numbers = [getattr(rule, name) for rule in self.rules_of(pool)]
        return max(NO_LIMIT if number is None else number for number in numbers)

    def limit(self, pool: str) -> Amount:
        """What holds today: the newest allowance that names the part, else the policy."""
        found = {name: self.most(pool, name) for name in PARTS}
        for one in self.allowances:
            if one.pool == pool and one.holds:
                found |= one.parts
        return (found["cores"], found["memory_mib"], found["disk_gib"], found["vms"])

    def used(self, pool: str, *, always: bool) -> Amount:
        """The sum over the pool's machines."""
        total = NONE
        for machine in self.machines:
            if machine.pool == pool and machine.is_there:
                total = plus(total, machine.takes(always=always))
        return total

    def held(self, pool: str) -> Amount:
        """The sum over what is under way."""
        total = NONE
        for machine in self.machines:
            if machine.op and machine.op.pool == pool:
                total = plus(total, machine.op.holds)
        return total

    def taken(self, pool: str) -> Amount:
        """What is used and held, as the pool's rules count."""
        return plus(self.used(pool, always=self.counts_always(pool)), self.held(pool))

    def fits(self, pool: str, asked: Amount) -> bool:
        """Whether every part that is asked for is free."""
        together = zip(asked, self.limit(pool), self.taken(pool), strict=True)
        return all(part == 0 or part <= most - used for part, most, used in together)

    def may(self, who: str, pool: str, needed: str) -> bool:
        """By the role in the pool; rita may everything."""
        order = ("viewer", "operator", "manager")
        role = "manager" if who == pool else self.roles.get((pool, who))
        return who == "rita" or (role is not None and order.index(role) >= order.index(needed))
