"""What quotas refuse, in the words a member reads."""

from collections.abc import Mapping

from accounts.errors import WithSentence
from quotas.footprint import Footprint

UNLIMITED = 10**9
DEFAULT = "the default"


def gib(memory_mib: int) -> str:
    """Memory in GiB with at most one decimal: 1536 is '1.5 GiB'."""
    amount = f"{memory_mib / 1024:.2f}".rstrip("0").rstrip(".")
    return f"{amount} GiB"


def cores(count: int) -> str:
    """'1 core', '2 cores'."""
    return f"{count} core" if count == 1 else f"{count} cores"


class QuotaExceeded(Exception):
    """A reservation that does not fit. Attributes: asked, free, limit, missing (Footprints).

    `whose`: resource to the rule its limit comes from, such as {"cores": "the policy seniors"}.
    """

    def __init__(
        self, *, asked: Footprint, free: Footprint, limit: Footprint, whose: Mapping[str, str] | None = None
    ) -> None:
        self.asked, self.limit, self.whose = asked, limit, dict(whose or {})
        self.missing = asked.shortfall(free)
        self.free = free.at_least_zero()
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """What is missing, in numbers, and whose limit it is: 'This needs 4 cores; 2 of 8 are free.'"""
        return " ".join([*self._parts(), *self._rules()])

    def _rules(self) -> list[str]:
        """Where the limits that decided come from; the default goes without saying."""
        decided = [name for name in ("cores", "memory_mib", "disk_gib", "vms") if getattr(self.missing, name)]
        rules = dict.fromkeys(self.whose[name] for name in decided if name in self.whose)
        rules.pop(DEFAULT, None)
        return [f"The limit comes from {' and '.join(rules)}."] if rules else []

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


class Refused(WithSentence):
    """Something about limits was not done; the sentence says why."""


class OutsideTransaction(RuntimeError):
    """A lock was asked for outside a transaction, where it would hold nothing."""
