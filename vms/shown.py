"""What is shown of a machine: one word, one shape, one hue, always together. Plain Python."""

from dataclasses import dataclass

from vms.states import Lifecycle, OperationState, Power
from vms.verbs import verb

#: Seconds after which a reading is marked with its age, and after which it no longer counts as now.
AGING_S = 30
OLD_S = 60

#: Proxmox's own lock of a machine that it moves.
MIGRATE = "migrate"
LOCK_WORDS = {
    "backup": "Backup running",
    "snapshot": "Snapshot running",
    "snapshot-delete": "Snapshot being removed",
    "rollback": "Rolling back",
    MIGRATE: "Moving to another node",
    "clone": "Being cloned",
    "suspending": "Hibernating",
    "suspended": "Hibernated",
    "create": "Being changed",
}


@dataclass(frozen=True)
class Shown:
    """Word, shape (a class of portal.css) and hue; `aside` is the age where it matters."""

    word: str
    mark: str
    hue: str
    aside: str = ""
    is_old: bool = False
    is_hollow: bool = False


@dataclass(frozen=True)
class Reading:
    """What is known of a machine. `seen` is the time of the last reading in words, such as 14:02."""

    lifecycle: str
    power: str
    lock: str = ""
    is_missing: bool = False
    is_trashed: bool = False
    age_s: float | None = None
    seen: str = ""
    operation_kind: str = ""
    operation_state: str = ""
    moving_to: str = ""


POWER_SHOWN: dict[Power, Shown] = {
    Power.RUNNING: Shown("Running", "dot", "ok"),
    Power.STOPPED: Shown("Stopped", "ring", "idle"),
    Power.PAUSED: Shown("Paused", "bars", "idle"),
}


def shown(reading: Reading) -> Shown:  # noqa: PLR0911 (one line for each kind of state)
    """The one state to show: an operation of ours first, then what the cluster says, with its age."""
    if reading.operation_kind:
        return _of_operation(reading)
    if reading.lifecycle != Lifecycle.READY:
        return _of_lifecycle(Lifecycle(reading.lifecycle))
    if reading.is_missing:
        return Shown("Not found in Proxmox", "gem", "warn", aside=f"since {reading.seen}" if reading.seen else "")
    if reading.is_trashed and reading.power == Power.STOPPED:
        return Shown("In the trash", "ring", "idle")
    if reading.power == Power.UNKNOWN or reading.age_s is None:
        return Shown(f"Unknown since {reading.seen}" if reading.seen else "Unknown", "up", "bad", is_hollow=True)
    if reading.lock:
        return Shown(f"{_of_lock(reading)} (Proxmox)", "lock", "info")
    return _aged(POWER_SHOWN[Power(reading.power)], reading)


def _of_lock(reading: Reading) -> str:
    """A migration's target is named only where it is known."""
    if reading.lock == MIGRATE and reading.moving_to:
        return f"Moving to {reading.moving_to}"
    return LOCK_WORDS.get(reading.lock, "Busy")


def _of_operation(reading: Reading) -> Shown:
    if reading.operation_state == OperationState.NEEDS_RTP:
        return Shown("Waits for an RTP", "up", "warn")
    if reading.operation_state == OperationState.UNCERTAIN:
        return Shown("Finding out", "up", "warn", is_hollow=True)
    return Shown(verb(reading.operation_kind).doing, "box", "info")


def _of_lifecycle(lifecycle: Lifecycle) -> Shown:
    return {
        Lifecycle.CREATING: Shown("Creating", "box", "info"),
        Lifecycle.DELETING: Shown("Deleting", "box", "info"),
        Lifecycle.FAILED: Shown("Could not create", "up", "bad"),
        Lifecycle.GONE: Shown("Deleted", "ring", "idle"),
    }[lifecycle]


def _aged(plain: Shown, reading: Reading) -> Shown:
    age_s = reading.age_s or 0
    if age_s <= AGING_S:
        return plain
    if age_s <= OLD_S:
        return Shown(plain.word, plain.mark, plain.hue, aside=f"{age_s:.0f} s ago")
    return Shown(plain.word, plain.mark, plain.hue, aside=f"as of {reading.seen}", is_old=True)
