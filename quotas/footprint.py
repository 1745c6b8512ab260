"""How much something needs or takes: plain arithmetic, no Django."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Footprint:
    """Cores, memory in MiB, disk in GiB and a number of machines."""

    cores: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    vms: int = 0

    def __add__(self, other: "Footprint") -> "Footprint":
        return Footprint(*(mine + theirs for mine, theirs in self._pairs(other)))

    def __sub__(self, other: "Footprint") -> "Footprint":
        return Footprint(*(mine - theirs for mine, theirs in self._pairs(other)))

    def at_least_zero(self) -> "Footprint":
        """The same with negative parts set to zero, for showing what is free."""
        return Footprint(*(max(0, getattr(self, field.name)) for field in fields(self)))

    def shortfall(self, free: "Footprint") -> "Footprint":
        """What is missing in `free` for this to fit; only parts this asks for count, so that shrinking always fits."""
        return Footprint(*(max(0, mine - left) if mine > 0 else 0 for mine, left in self._pairs(free)))

    @property
    def is_nothing(self) -> bool:
        """True when every part is zero or less."""
        return all(getattr(self, field.name) <= 0 for field in fields(self))

    def _pairs(self, other: "Footprint") -> list[tuple[int, int]]:
        return [(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]


@dataclass(frozen=True)
class Usage:
    """What a pool's machines take, counted both ways: `running` counts CPU and memory of machines that run."""

    running: Footprint = Footprint()
    always: Footprint = Footprint()

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.running + other.running, self.always + other.always)

    def counted(self, *, always: bool) -> Footprint:
        """The figure that a policy compares with its limit."""
        return self.always if always else self.running


@dataclass(frozen=True)
class Caps:
    """The most of one machine: its cores, memory, disk, snapshots and disks."""

    vm_cores: int
    vm_memory_mib: int
    vm_disk_gib: int
    snapshots_per_vm: int
    disks_per_vm: int
