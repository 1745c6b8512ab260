"""The sizes the create page offers. Plain Python."""

from dataclasses import dataclass

from quotas.errors import cores, gib
from quotas.footprint import Footprint


@dataclass(frozen=True)
class Preset:
    """A named size. The disk is at least this large; a template with a larger one keeps its own."""

    key: str
    title: str
    cores: int
    memory_mib: int
    disk_gib: int

    def footprint(self, *, least_disk_gib: int = 0) -> Footprint:
        """What a machine of this size counts."""
        disk_gib = max(self.disk_gib, least_disk_gib)
        return Footprint(cores=self.cores, memory_mib=self.memory_mib, disk_gib=disk_gib, vms=1)

    @property
    def words(self) -> str:
        """'2 cores · 2 GiB · 20 GiB disk'."""
        return f"{cores(self.cores)} · {gib(self.memory_mib)} · {self.disk_gib} GiB disk"

    @property
    def size_words(self) -> str:
        """'2 cores · 2 GiB'."""
        return f"{cores(self.cores)} · {gib(self.memory_mib)}"


@dataclass(frozen=True)
class Offer:
    """A size as a page offers it; `reason`: why it does not fit, with the number."""

    preset: Preset
    reason: str
    is_chosen: bool
    words: str


PRESETS: tuple[Preset, ...] = (
    Preset("tiny", "Tiny", 1, 512, 5),
    Preset("small", "Small", 1, 1024, 10),
    Preset("medium", "Medium", 2, 2048, 20),
    Preset("large", "Large", 4, 4096, 40),
    Preset("huge", "Extra large", 8, 8192, 80),
)
BY_KEY: dict[str, Preset] = {preset.key: preset for preset in PRESETS}


def why_not(asked: Footprint, free: Footprint) -> str:
    """Why something does not fit, with the number that decides; empty when it fits."""
    missing = asked.shortfall(free)
    left = free.at_least_zero()
    if missing.cores:
        return f"Needs {cores(asked.cores)}; {left.cores} free."
    if missing.memory_mib:
        return f"Needs {gib(asked.memory_mib)} memory; {gib(left.memory_mib)} free."
    if missing.disk_gib:
        return f"Needs {asked.disk_gib} GiB disk; {left.disk_gib} GiB free."
    return "No machine is left of your limit." if missing.vms else ""
