"""The sentences operations end with. Each says what happened and what did not; Proxmox's own words go to RTPs."""

import re

from vms.cluster import errors
from vms.cluster.errors import ClusterError
from vms.models import Operation
from vms.states import OperationKind

WARNED = "Proxmox noted warnings."
#: Proxmox's words for a job whose end it did not note.
LOST_RECORD = "unexpected status"
NOTHING = "Nothing was changed."

#: kind: (what Proxmox did not do, what was done)
VERBS: dict[str, tuple[str, str]] = {
    OperationKind.CREATE: ("create", "created"),
    OperationKind.START: ("start", "started"),
    OperationKind.SHUTDOWN: ("shut down", "shut down"),
    OperationKind.STOP: ("stop", "stopped"),
    OperationKind.REBOOT: ("reboot", "rebooted"),
    OperationKind.RESET: ("reset", "reset"),
    OperationKind.SUSPEND: ("pause", "paused"),
    OperationKind.RESUME: ("resume", "resumed"),
    OperationKind.DELETE: ("delete", "deleted"),
    OperationKind.RESIZE: ("change the size of", "changed in size"),
    OperationKind.AUTOSTART: ("change start at boot of", "changed"),
    OperationKind.ADD_DISK: ("add a disk to", "given the disk"),
    OperationKind.GROW_DISK: ("grow the disk of", "given the larger disk"),
    OperationKind.DETACH_DISK: ("detach the disk of", "changed"),
    OperationKind.DROP_DISK: ("delete the disk of", "changed"),
    OperationKind.ADD_NIC: ("add a network card to", "given the network card"),
    OperationKind.SET_NIC: ("change the network card of", "changed"),
    OperationKind.DROP_NIC: ("remove the network card of", "changed"),
    OperationKind.ADD_DRIVE: ("add a CD drive to", "given the CD drive"),
    OperationKind.DROP_DRIVE: ("remove the CD drive of", "changed"),
    OperationKind.MOUNT: ("insert the ISO into", "given the ISO"),
    OperationKind.EJECT: ("eject the ISO of", "changed"),
    OperationKind.BOOT_ORDER: ("change the boot order of", "changed"),
    OperationKind.DISPLAY: ("change the display of", "changed"),
    OperationKind.AGENT: ("change the guest agent of", "changed"),
    OperationKind.RENAME: ("rename", "renamed"),
    OperationKind.NOTES: ("change the notes of", "changed"),
    OperationKind.TAGS: ("change the tags of", "changed"),
    OperationKind.UNDO: ("take back the waiting changes of", "changed"),
    OperationKind.APPLY: ("restart", "restarted"),
    OperationKind.SNAPSHOT: ("take a snapshot of", "kept as a snapshot"),
    OperationKind.ROLL_BACK: ("roll back", "rolled back"),
    OperationKind.DROP_SNAPSHOT: ("delete the snapshot of", "changed"),
    OperationKind.MOVE: ("move", "moved"),
    OperationKind.TRASH: ("throw away", "put into the trash"),
    OperationKind.RESTORE: ("restore", "restored"),
}

#: Proxmox's words and ours. The first that fits counts.
REASONS: tuple[tuple[str, str], ...] = (
    (r"is locked \((\w+)\)", "Another job of the cluster works on it ({0})."),
    (r"still in use \(snapshot", "A snapshot still uses it."),
    (r"hotplug problem", "The running guest does not let go of it."),
    (r"can't lock file", "The cluster was busy with it for too long."),
    (r"powerdown failed|got timeout$", "The guest did not answer in time."),
    (r"MAX (\d+) vcpus", "Its node has only {0} cores."),
    (r"no quorum", "The cluster is read-only right now."),
    (r"not enough (space|free)|no space left|out of space|insufficient", "The storage is full."),
    (r"protection mode", "It is protected against deletion."),
    (r"storage '[^']*' does not exist|no such storage", "A storage it needs is missing."),
    (r"iso|cdrom|volume '[^']*' does not exist|no such (file|volume)", "An image it needs is missing."),
    (r"bridge|start failed: QEMU exited", "The node could not start it with its present hardware."),
    (r"cannot allocate memory|out of memory", "Its node has not enough memory."),
    (r"not running", "It is not running."),
    (r"is paused", "It is paused."),
    (r"unexpected status", "The cluster does not know how the job ended."),
)


def reason(text: str) -> str:
    """A member's sentence for Proxmox's; empty where we have no better word than "it did not say why"."""
    for pattern, sentence in REASONS:
        if match := re.search(pattern, text, re.IGNORECASE):
            return sentence.format(*match.groups())
    return ""


def has_begun(op: Operation) -> bool:
    """True when any step was done or any task was started: "nothing was changed" would not be true."""
    return any(row.get("upids") or (row["state"] == "done" and row["name"] != "limits") for row in op.steps)


def did_not(op: Operation, why: str, *, changed_nothing: bool = True) -> str:
    """'Proxmox did not start web-01. … Nothing was changed.'"""
    claim = NOTHING if changed_nothing and op.kind != OperationKind.CREATE and not has_begun(op) else ""
    parts = [f"Proxmox did not {VERBS[op.kind][0]} {op.vm.name}.", why, claim]
    return " ".join(part for part in parts if part)


def refusal(op: Operation, error: ClusterError) -> str:
    """For an error after which nothing was changed."""
    return did_not(op, cause(error))


def cause(error: ClusterError) -> str:  # noqa: PLR0911 (a table of sentences)
    """A member's sentence for what Proxmox answered; empty where we have no better word."""
    match error:
        case errors.Denied():
            return "The portal's access to the cluster lacks a right for it; an RTP has to look."
        case errors.NoSuchGuest():
            return "It does not find the machine."
        case errors.WrongMachine():
            return "Another machine is in its place now."
        case errors.NotBound():
            return "The machine is no longer in the pool it belongs to."
        case errors.GuestLocked() if error.lock and error.lock != "config":
            return f"Another job of the cluster works on it ({error.lock})."
        case errors.GuestLocked():
            return "The cluster was busy with it for too long."
        case _:
            return reason(error.sentence)


def task_failure(op: Operation, exit_text: str) -> str:
    """For a task that ended badly. It may have changed something before."""
    return did_not(op, reason(exit_text), changed_nothing=False)


def detail(error: ClusterError) -> str:
    """Proxmox's own words, for RTPs."""
    return f"{type(error).__name__}: {error.sentence or error}"[:2000]


def not_known(op: Operation) -> str:
    """For a lost answer."""
    once = {
        OperationKind.CREATE: " Do not create it a second time.",
        OperationKind.DELETE: "",
    }.get(OperationKind(op.kind), "")
    return (
        f"We do not know yet whether {op.vm.name} was {VERBS[op.kind][1]}. The connection broke after we asked. "
        f"We are checking; this page will tell.{once}"
    )


def needs_rtp(op: Operation) -> str:
    """For what could not be found out."""
    return (
        f"We could not find out whether {op.vm.name} was {VERBS[op.kind][1]}. An RTP has to look; until then the "
        f"portal does nothing more with it. Tell them {op.code}."
    )


def standstill(error: ClusterError) -> str:
    """Why it cannot go on now, as a sentence of its own; empty where Proxmox just does not answer."""
    match error:
        case errors.CertificateRefused():
            return "What answers in the cluster's place cannot prove to be it; an RTP has to look."
        case errors.Malformed():
            return "Proxmox answered with something that the portal does not understand; an RTP can see what."
        case errors.NotConfigured():
            return "The portal was given no access to the cluster; an RTP has to look."
        case errors.Unreachable():
            return ""
        case _:
            return f"Proxmox does not tell how it went. {cause(error) or 'It said no; an RTP can see its words.'}"


def our_fault(op: Operation) -> str:
    """For an error in the portal itself; the log has it under the operation's code."""
    return f"Something broke in the portal, not in Proxmox; an RTP has to look. Tell them {op.code}."


def waiting(why: str = "") -> str:
    """For what is tried again later: a cluster that does not answer, or `why` in a sentence."""
    return f"{why or 'Proxmox does not answer right now.'} We keep trying."


def gave_up(op: Operation, why: str = "") -> str:
    """For what was tried for long enough: a cluster that did not answer at all, or `why` in a sentence."""
    return did_not(op, why or "It did not answer.")


def kept_failing(op: Operation) -> str:
    """For a step that was sent many times, each time with proof that nothing had happened."""
    return did_not(op, "It was asked several times, and the connection broke or the slot was taken each time.")


def lost_right(op: Operation, *, begun: bool) -> str:
    """For a person whose right ended between the request and the call."""
    if "departed" in op.wish:
        return f"{op.vm.name} was not {VERBS[op.kind][1]}: it does not belong to somebody who left any more. {NOTHING}"
    if "lease_end" in op.wish or "trash_end" in op.wish:
        sentence = f"{op.vm.name} was not {VERBS[op.kind][1]}: its lease was renewed, or an RTP holds it."
        return sentence if begun else f"{sentence} {NOTHING}"
    who = op.actor_name if op.actor_id else "the person who asked"
    sentence = f"{op.vm.name} was not {VERBS[op.kind][1]}: {who} no longer has the right to do that."
    return sentence if begun else f"{sentence} {NOTHING}"


def with_notes(op: Operation, sentence: str) -> str:
    """The sentence, and that Proxmox warned where it did."""
    warned = any(row.get("note") == WARNED for row in op.steps)
    return f"{sentence} {WARNED}" if warned else sentence
