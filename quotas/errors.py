"""What quotas refuse, in the words a member reads."""

from quotas.footprint import Footprint

UNLIMITED = 10**9


def gib(memory_mib: int) -> str:
    """Memory in GiB with at most one decimal: 1536 is '1.5 GiB'."""
    amount = f"{memory_mib / 1024:.2f}".rstrip("0").rstrip(".")
    return f"{amount} GiB"


def cores(count: int) -> str:
    """'1 core', '2 cores'."""
    return f"{count} core" if count == 1 else f"{count} cores"


class QuotaExceeded(Exception):
    """A reservation that does not fit. Attributes: asked, free, limit, missing (Footprints)."""

    def __init__(self, *, asked: Footprint, free: Footprint, limit: Footprint) -> None:
        self.asked, self.limit = asked, limit
        self.missing = asked.shortfall(free)
        self.free = free.at_least_zero()
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """What is missing, in numbers: 'This needs 4 cores; 2 of your 8 are free.'"""
        return " ".join(self._parts())

    def _parts(self) -> list[str]:
        parts = []
        if self.missing.cores:
            parts.append(f"This needs {cores(self.asked.cores)}; {self.free.cores} of {self.limit.cores} are free.")
        if self.missing.memory_mib:
            parts.append(
                f"This needs {gib(self.asked.memory_mib)} of memory; "
                f"{gib(self.free.memory_mib)} of {gib(self.limit.memory_mib)} are free."
            )
        if self.missing.disk_gib:
            parts.append(
                f"This needs {self.asked.disk_gib} GiB of disk; "
                f"{self.free.disk_gib} GiB of {self.limit.disk_gib} GiB are free."
            )
        if self.missing.vms:
            parts.append(f"{self.free.vms} of {self.limit.vms} machines are free.")
        return parts


class OutsideTransaction(RuntimeError):
    """A lock was asked for outside a transaction, where it would hold nothing."""
