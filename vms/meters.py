"""Used, reserved and free of one resource, in words and as shares of a bar. Plain Python."""

from collections.abc import Callable
from dataclasses import dataclass

from quotas.errors import UNLIMITED, cores, gib
from quotas.footprint import Footprint

#: Share of the limit from which a meter warns.
HIGH_PERCENT = 85


@dataclass(frozen=True)
class Meter:
    """One resource of a pool, ready to print."""

    name: str
    used: int
    held: int
    limit: int
    words: Callable[[int], str]

    @property
    def short(self) -> str:
        """'CPU' of 'CPU (running)'."""
        return self.name.partition(" (")[0]

    @property
    def is_unlimited(self) -> bool:
        """No limit holds."""
        return self.limit >= UNLIMITED

    @property
    def used_text(self) -> str:
        """'4' of '4 of 8 cores'."""
        return self.words(self.used).split(" ")[0]

    @property
    def of_text(self) -> str:
        """'of 8 cores', or the unit alone where there is no limit."""
        if self.is_unlimited:
            return self.words(self.used).split(" ", 1)[1]
        return f"of {self.words(self.limit)}"

    @property
    def used_percent(self) -> int:
        """Share of the bar that is used."""
        return self._percent(self.used)

    @property
    def held_percent(self) -> int:
        """Share that operations in flight hold."""
        return self.held_end_percent - self.used_percent

    @property
    def held_end_percent(self) -> int:
        """Where the held part ends."""
        return self._percent(self.used + self.held)

    @property
    def is_high(self) -> bool:
        """Little is left."""
        return not self.is_unlimited and self.held_end_percent >= HIGH_PERCENT

    @property
    def free(self) -> int:
        """What is left; negative where the limit was cut below the use."""
        return self.limit - self.used - self.held

    @property
    def held_text(self) -> str:
        """'2 cores' that operations in flight hold."""
        return self.words(self.held)

    @property
    def over_text(self) -> str:
        """'2 cores' beyond the limit."""
        return self.words(-self.free)

    @property
    def sentence(self) -> str:
        """'2 cores free · 2 cores reserved for what is being made'."""
        if self.is_unlimited:
            parts = ["No limit"]
        elif self.free < 0:
            parts = [f"{self.words(-self.free)} over the limit"]
        else:
            parts = [f"{self.words(self.free)} free"]
        if self.held > 0:
            parts.append(f"{self.words(self.held)} reserved for what is in progress")
        return " · ".join(parts)

    def _percent(self, amount: int) -> int:
        if self.is_unlimited or self.limit <= 0:
            return 0 if amount <= 0 or self.is_unlimited else 100
        return max(0, min(100, round(100 * amount / self.limit)))


def disk(size_gib: int) -> str:
    """Disk with its unit."""
    return f"{size_gib} GiB"


def meters(*, used: Footprint, held: Footprint, limit: Footprint) -> list[Meter]:
    """CPU, memory and disk of a pool."""
    return [
        Meter("CPU (running)", used.cores, held.cores, limit.cores, cores),
        Meter("Memory (running)", used.memory_mib, held.memory_mib, limit.memory_mib, gib),
        Meter("Disk", used.disk_gib, held.disk_gib, limit.disk_gib, disk),
    ]
