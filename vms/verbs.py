"""The words of what a person can ask for: on buttons, while it happens, when it is over. Plain Python."""

from dataclasses import dataclass

from vms.states import Action, OperationKind, OperationState


@dataclass(frozen=True)
class Verb:
    """One thing to ask for. `warning` is what gets lost; an empty one needs no confirmation."""

    label: str
    doing: str
    done: str
    failed: str
    warning: str = ""


def _change(label: str, doing: str, done: str, do: str) -> Verb:
    return Verb(label, doing, done, f"Could not {do}")


VERBS: dict[OperationKind, Verb] = {
    OperationKind.CREATE: Verb("Create", "Creating", "Created", "Could not create"),
    OperationKind.START: Verb("Start", "Starting", "Started", "Could not start"),
    OperationKind.SHUTDOWN: Verb("Shut down", "Shutting down", "Shut down", "Could not shut down"),
    OperationKind.STOP: Verb(
        "Force stop", "Stopping", "Force stopped", "Could not stop",
        "It loses power at once. Work that the guest has not saved is lost.",
    ),
    OperationKind.REBOOT: Verb("Reboot", "Rebooting", "Rebooted", "Could not reboot"),
    OperationKind.RESET: Verb(
        "Reset", "Resetting", "Reset", "Could not reset",
        "It restarts at once, as by its reset button. Work that the guest has not saved is lost.",
    ),
    OperationKind.SUSPEND: Verb("Pause", "Pausing", "Paused", "Could not pause"),
    OperationKind.RESUME: Verb("Resume", "Resuming", "Resumed", "Could not resume"),
    OperationKind.DELETE: Verb(
        "Delete for good", "Deleting", "Deleted", "Could not delete",
        "Its disks go with it. There is no way back.",
    ),
    OperationKind.RESIZE: _change("Change size", "Changing the size of", "Changed the size of", "change the size of"),
    OperationKind.AUTOSTART: _change(
        "Start at boot", "Changing start at boot of", "Changed start at boot of", "change start at boot of"
    ),
    OperationKind.ADD_DISK: _change("Add disk", "Adding a disk to", "Added a disk to", "add a disk to"),
    OperationKind.GROW_DISK: _change("Grow disk", "Growing a disk of", "Grew a disk of", "grow a disk of"),
    OperationKind.DETACH_DISK: _change("Detach disk", "Detaching a disk of", "Detached a disk of", "detach a disk of"),
    OperationKind.DROP_DISK: _change("Delete disk", "Deleting a disk of", "Deleted a disk of", "delete a disk of"),
    OperationKind.ADD_NIC: _change(
        "Add network card", "Adding a network card to", "Added a network card to", "add a network card to"
    ),
    OperationKind.SET_NIC: _change(
        "Change network card", "Changing a network card of", "Changed a network card of", "change a network card of"
    ),
    OperationKind.DROP_NIC: _change(
        "Remove network card", "Removing a network card of", "Removed a network card of", "remove a network card of"
    ),
    OperationKind.ADD_DRIVE: _change(
        "Add CD drive", "Adding a CD drive to", "Added a CD drive to", "add a CD drive to"
    ),
    OperationKind.DROP_DRIVE: _change(
        "Remove CD drive", "Removing a CD drive of", "Removed a CD drive of", "remove a CD drive of"
    ),
    OperationKind.MOUNT: _change("Insert ISO", "Inserting an ISO into", "Inserted an ISO into", "insert an ISO into"),
    OperationKind.EJECT: _change("Eject ISO", "Ejecting the ISO of", "Ejected the ISO of", "eject the ISO of"),
    OperationKind.BOOT_ORDER: _change(
        "Change boot order", "Changing the boot order of", "Changed the boot order of", "change the boot order of"
    ),
    OperationKind.DISPLAY: _change(
        "Change display", "Changing the display of", "Changed the display of", "change the display of"
    ),
    OperationKind.AGENT: _change(
        "Change guest agent", "Changing the guest agent of", "Changed the guest agent of", "change the guest agent of"
    ),
    OperationKind.RENAME: _change("Rename", "Renaming", "Renamed", "rename"),
    OperationKind.NOTES: _change(
        "Change notes", "Changing the notes of", "Changed the notes of", "change the notes of"
    ),
    OperationKind.TAGS: _change("Change tags", "Changing the tags of", "Changed the tags of", "change the tags of"),
    OperationKind.UNDO: _change(
        "Undo waiting changes", "Taking back what waits for", "Took back what waited for", "take back what waits for"
    ),
    OperationKind.APPLY: _change("Apply by restart", "Restarting", "Restarted", "restart"),
    OperationKind.SNAPSHOT: _change(
        "Take snapshot", "Taking a snapshot of", "Took a snapshot of", "take a snapshot of"
    ),
    OperationKind.ROLL_BACK: _change("Roll back", "Rolling back", "Rolled back", "roll back"),
    OperationKind.DROP_SNAPSHOT: _change(
        "Delete snapshot", "Deleting a snapshot of", "Deleted a snapshot of", "delete a snapshot of"
    ),
    OperationKind.MOVE: _change("Move to pool", "Moving", "Moved", "move"),
    OperationKind.TRASH: Verb("Delete", "Trashing", "Trashed", "Could not trash", "It goes into the trash."),
    OperationKind.RESTORE: _change("Restore", "Restoring", "Restored", "restore"),
}  # fmt: skip

#: The order of buttons and menus.
MENU: tuple[Action, ...] = (
    Action.START,
    Action.RESUME,
    Action.SHUTDOWN,
    Action.REBOOT,
    Action.SUSPEND,
    Action.RESET,
    Action.STOP,
    Action.RESTORE,
    Action.TRASH,
    Action.DELETE,
)


def verb(kind: str) -> Verb:
    """The words of an operation's kind or of an action that is one."""
    return VERBS[OperationKind(kind)]


def fact(kind: str, state: str, name: str) -> str:
    """What can truthfully be said of an operation: 'Started web-01', 'Starting web-01', 'Could not start web-01'."""
    words = verb(kind)
    match OperationState(state):
        case OperationState.SUCCEEDED:
            return f"{words.done} {name}"
        case OperationState.FAILED:
            return f"{words.failed} {name}"
        case OperationState.NEEDS_RTP:
            return f"{words.doing} {name}: an RTP has to look"
        case OperationState.UNCERTAIN:
            return f"{words.doing} {name}: finding out whether it happened"
        case _:
            return f"{words.doing} {name}"
