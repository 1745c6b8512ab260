"""What one pass over the cluster brought, what the rows knew before, and how the two differ. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vms.cluster.types import ClusterReading, GuestConfig, GuestFacts
from vms.states import Lifecycle


@dataclass(frozen=True, slots=True)
class Known:
    """One machine's row as far as a comparison needs it.

    `is_busy`: an operation of ours holds it. `poolid`: the Proxmox pool its own pool is bound to. `listed`: what the
    cluster's list told when its settings were last read (columns.signature). `read_at`: when they were last read.
    """

    pk: int
    vmid: int | None
    uuid: str
    name: str
    lifecycle: Lifecycle
    is_busy: bool = False
    node: str = ""
    power: str = "unknown"
    lock: str = ""
    poolid: str = ""
    seen_poolid: str = ""
    seen_poolid_readings: int = 0
    is_missing: bool = False
    missing_readings: int = 0
    listed: str = ""
    uptime_s: int | None = None
    cpu_load: float | None = None
    read_at: datetime | None = None
    last_seen: datetime | None = None
    is_trashed: bool = False
    snapshot_gib: int = 0

    @property
    def is_ours_to_judge(self) -> bool:
        """Whether the mirror may say that it is gone, replaced or moved; operations in flight see to their own."""
        return self.lifecycle == Lifecycle.READY and not self.is_busy


@dataclass(frozen=True, slots=True)
class Reading:
    """One pass over the cluster. `at` is when it began: nothing it says is newer.

    `configs`: settings that were read, by slot. `gone`: slots that Proxmox says are empty, asked one by one.
    `hidden`: machines that exist though the list leaves them out. `is_complete`: all nodes online, quorate, and the
    token still sees where the missing ones were. `is_usable`: the list is this cluster's. `alarm`: what RTPs must know.
    """

    at: datetime
    answered: bool = True
    listing: ClusterReading = field(default_factory=ClusterReading)
    configs: Mapping[int, GuestConfig] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    silent_nodes: tuple[str, ...] = ()
    is_complete: bool = False
    is_usable: bool = True
    may_remove: bool = False
    note: str = ""
    alarm: str = ""
    requests: int = 0


class Kind(StrEnum):
    """What a comparison can find about one machine."""

    APPEARED = "appeared"
    CHANGED = "changed"
    ABSENT = "absent"
    BACK = "back"
    REPLACED = "replaced"
    MOVED_POOL = "moved pool"
    LEFT_POOL = "left pool"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `pk` is None for a machine without a row; `columns` are observed columns to write.

    `was` is the row as it was compared: what is no longer so when it comes to writing is left for the next reading.
    """

    kind: Kind
    vmid: int | None
    name: str
    was: Known | None = None
    guest: GuestFacts | None = None
    config: GuestConfig | None = None
    columns: Mapping[str, object] = field(default_factory=dict)
    poolid: str = ""

    def __str__(self) -> str:
        what = ", ".join(sorted({*self.columns} | ({"settings"} if self.config else set())))
        where = f" {self.poolid}" if self.poolid else ""
        return f"{self.kind}: {self.name} ({self.vmid}){where}{f': {what}' if what else ''}"


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes of one reading. `load` holds (row, cpu load, uptime) of machines where only those moved on.

    `seen`: rows whose machine this reading showed. `frozen`: too many vanished at once, none is counted as absent.
    """

    changes: tuple[Change, ...] = ()
    load: tuple[tuple[int, float | None, int | None], ...] = ()
    seen: tuple[int, ...] = ()
    vanished: int = 0
    frozen: bool = False
