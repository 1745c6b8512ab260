"""States of machines and operations, their tables, and what may be done in which. Plain Python."""

from enum import StrEnum


class IllegalMove(Exception):
    """A state was to be changed in a way the table does not know; nothing was changed."""

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(f"{machine} in {state} cannot move to {event}")
        self.machine, self.state, self.event = machine, state, event


class Lifecycle(StrEnum):
    """Ours; moved by operations only.

    CREATING: an operation is making it. READY: it exists. DELETING: an operation is removing it, still counted.
    GONE: removed. FAILED: was never made; nothing exists on the cluster.
    """

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    GONE = "gone"
    FAILED = "failed"


LIFECYCLE_MOVES: dict[Lifecycle, frozenset[Lifecycle]] = {
    Lifecycle.CREATING: frozenset({Lifecycle.READY, Lifecycle.FAILED, Lifecycle.DELETING}),
    Lifecycle.READY: frozenset({Lifecycle.DELETING, Lifecycle.GONE}),
    Lifecycle.DELETING: frozenset({Lifecycle.GONE, Lifecycle.READY}),
    Lifecycle.GONE: frozenset(),
    Lifecycle.FAILED: frozenset(),
}


class Power(StrEnum):
    """Observed; the cluster decides, the mirror writes."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    UNKNOWN = "unknown"


class OperationState(StrEnum):
    """QUEUED: accepted. CLAIMED: a worker has it (lease). SUBMITTED: Proxmox works on it or the next step is due.

    UNCERTAIN: an answer was lost; being found out. NEEDS_RTP: could not be found out; an RTP settles it.
    """

    QUEUED = "queued"
    CLAIMED = "claimed"
    SUBMITTED = "submitted"
    UNCERTAIN = "uncertain"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEEDS_RTP = "needs_rtp"


_O = OperationState
OPERATION_MOVES: dict[OperationState, frozenset[OperationState]] = {
    _O.QUEUED: frozenset({_O.CLAIMED, _O.FAILED}),
    _O.CLAIMED: frozenset({_O.QUEUED, _O.SUBMITTED, _O.UNCERTAIN, _O.SUCCEEDED, _O.FAILED, _O.NEEDS_RTP}),
    _O.SUBMITTED: frozenset({_O.CLAIMED, _O.UNCERTAIN, _O.SUCCEEDED, _O.FAILED, _O.NEEDS_RTP}),
    _O.UNCERTAIN: frozenset({_O.CLAIMED, _O.SUBMITTED, _O.SUCCEEDED, _O.FAILED, _O.NEEDS_RTP}),
    _O.NEEDS_RTP: frozenset({_O.UNCERTAIN, _O.SUCCEEDED, _O.FAILED}),
    _O.SUCCEEDED: frozenset(),
    _O.FAILED: frozenset(),
}
AT_REST = frozenset({_O.SUCCEEDED, _O.FAILED, _O.NEEDS_RTP})
IN_FLIGHT = frozenset(set(_O) - AT_REST)
#: States in which a machine's next operation has to wait; NEEDS_RTP holds it until an RTP settled it.
BLOCKING = IN_FLIGHT | {_O.NEEDS_RTP}


class OperationKind(StrEnum):
    """What a person can ask for."""

    CREATE = "create"
    START = "start"
    SHUTDOWN = "shutdown"
    STOP = "stop"
    REBOOT = "reboot"
    RESET = "reset"
    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    RESIZE = "resize"
    AUTOSTART = "autostart"
    ADD_DISK = "add_disk"
    GROW_DISK = "grow_disk"
    DETACH_DISK = "detach_disk"
    DROP_DISK = "drop_disk"
    ADD_NIC = "add_nic"
    SET_NIC = "set_nic"
    DROP_NIC = "drop_nic"
    ADD_DRIVE = "add_drive"
    DROP_DRIVE = "drop_drive"
    MOUNT = "mount"
    EJECT = "eject"
    BOOT_ORDER = "boot_order"
    DISPLAY = "display"
    AGENT = "agent"
    RENAME = "rename"
    NOTES = "notes"
    TAGS = "tags"
    UNDO = "undo"
    APPLY = "apply"
    SNAPSHOT = "snapshot"
    ROLL_BACK = "roll_back"
    DROP_SNAPSHOT = "drop_snapshot"
    MOVE = "move"
    TRASH = "trash"
    RESTORE = "restore"


class Action(StrEnum):
    """What a right is asked for. Verbs that change are named as their operation.

    CONSOLE: to see the screen. CONTROL: that keys, pointer and clipboard reach it.
    """

    VIEW = "view"
    CONSOLE = "console"
    CONTROL = "control"
    START = "start"
    SHUTDOWN = "shutdown"
    STOP = "stop"
    REBOOT = "reboot"
    RESET = "reset"
    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    RESIZE = "resize"
    AUTOSTART = "autostart"
    ADD_DISK = "add_disk"
    GROW_DISK = "grow_disk"
    DETACH_DISK = "detach_disk"
    DROP_DISK = "drop_disk"
    ADD_NIC = "add_nic"
    SET_NIC = "set_nic"
    DROP_NIC = "drop_nic"
    ADD_DRIVE = "add_drive"
    DROP_DRIVE = "drop_drive"
    MOUNT = "mount"
    EJECT = "eject"
    BOOT_ORDER = "boot_order"
    DISPLAY = "display"
    AGENT = "agent"
    RENAME = "rename"
    NOTES = "notes"
    TAGS = "tags"
    UNDO = "undo"
    APPLY = "apply"
    SNAPSHOT = "snapshot"
    ROLL_BACK = "roll_back"
    DROP_SNAPSHOT = "drop_snapshot"
    MOVE = "move"
    TRASH = "trash"
    RESTORE = "restore"


#: What changes a machine's settings, disks or place; asked of a running and of a stopped one alike.
SETTINGS: frozenset[Action] = frozenset(
    set(Action)
    - {Action.VIEW, Action.CONSOLE, Action.CONTROL, Action.TRASH, Action.RESTORE, Action.APPLY}
    - {Action(each) for each in ("start", "shutdown", "stop", "reboot", "reset", "suspend", "resume", "delete")}
)

#: Shown state that allows an action; an unknown machine may still be stopped, because Proxmox is asked first.
ALLOWED_POWER: dict[Action, frozenset[Power]] = {
    Action.START: frozenset({Power.STOPPED}),
    Action.SHUTDOWN: frozenset({Power.RUNNING, Power.UNKNOWN}),
    Action.STOP: frozenset({Power.RUNNING, Power.PAUSED, Power.UNKNOWN}),
    Action.REBOOT: frozenset({Power.RUNNING}),
    Action.RESET: frozenset({Power.RUNNING, Power.PAUSED}),
    Action.SUSPEND: frozenset({Power.RUNNING}),
    Action.RESUME: frozenset({Power.PAUSED}),
    Action.DELETE: frozenset({Power.STOPPED}),
    Action.CONSOLE: frozenset({Power.RUNNING, Power.PAUSED, Power.UNKNOWN}),
    Action.CONTROL: frozenset({Power.RUNNING, Power.PAUSED, Power.UNKNOWN}),
    Action.VIEW: frozenset(Power),
    Action.TRASH: frozenset({Power.STOPPED}),
    Action.RESTORE: frozenset(Power),
    Action.APPLY: frozenset({Power.RUNNING}),
    **dict.fromkeys(SETTINGS, frozenset(Power)),
}


def obstacle(action: Action, lifecycle: Lifecycle, power: Power) -> str:
    """Why the action cannot be done now, in a sentence; empty when it can."""
    if action == Action.VIEW:
        return ""
    if lifecycle != Lifecycle.READY:
        return {
            Lifecycle.CREATING: "It is still being created.",
            Lifecycle.DELETING: "It is being deleted.",
            Lifecycle.GONE: "It was deleted.",
            Lifecycle.FAILED: "It could not be created.",
        }[lifecycle]
    if power in ALLOWED_POWER[action]:
        return ""
    return {
        Power.RUNNING: "Shut it down first." if action in {Action.DELETE, Action.TRASH} else "It is running.",
        Power.STOPPED: "It is stopped.",
        Power.PAUSED: "Resume or stop it first." if action != Action.START else "It is paused: resume it.",
        Power.UNKNOWN: "Its state is not known right now.",
    }[power]
