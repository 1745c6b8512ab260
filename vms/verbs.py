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
        "Delete", "Deleting", "Deleted", "Could not delete",
        "Its disks go with it. There is no way back.",
    ),
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
