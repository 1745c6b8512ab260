"""One list of what happened to machines: by the portal, to the portal's rows, and in Proxmox itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast

from accounts.models import AuditEvent, User
from vms.console_words import ended, lasted
from vms.models import ClusterTask, Operation, VirtualMachine
from vms.shown import Shown
from vms.states import OperationKind, OperationState

PAGE = 50
#: An operation stands for itself: its request and its end have audit rows, too.
OF_OPERATIONS = [
    verb for kind in OperationKind for verb in (f"vm.{kind}", *(f"vm.{kind}.{state}" for state in OperationState))
]
#: What a verb of the audit trail reads like, before the machine's name.
DEEDS = {
    "console.opened": "Opened the console of",
    "console.shared": "Made a link to the console of",
    "console.share_revoked": "Revoked a link to the console of",
    "console.share_taken": "Took a link to the console of",
    "console.share_used": "Used a link to the console of",
    "console.closed": "Was in the console of",
    "console.ended": "Ended a console of",
    "operation.adopt": "Said that it was done:",
    "operation.log_asked": "Asked for Proxmox's log of:",
    "operation.look_again": "Had the portal look again:",
    "operation.mark_not_done": "Said that it was not done:",
    "operation.retry": "Had it tried again:",
    "vm.adopted": "Shows in the portal since:",
    "vm.appeared": "Was first seen:",
    "vm.back": "Was found again:",
    "vm.dismissed": "Put away",
    "vm.lease_extended": "Extended the lease of",
    "vm.lease_spared": "Set the lease of",
    "vm.left_pool": "Left its pool in Proxmox:",
    "vm.locked": "Locked",
    "vm.missing": "Was not found any more:",
    "vm.moved": "Came into another pool:",
    "vm.renewed": "Renewed",
    "vm.replaced": "Was replaced in Proxmox:",
    "vm.settled_gone": "Said that it is gone:",
    "vm.unlocked": "Unlocked",
}
#: Proxmox's tasks: done, and as a thing that runs or failed.
TASKS = {
    "qmstart": ("Started", "Start of"),
    "qmstop": ("Force stopped", "Force stop of"),
    "qmshutdown": ("Shut down", "Shutdown of"),
    "qmreboot": ("Rebooted", "Reboot of"),
    "qmreset": ("Reset", "Reset of"),
    "qmsuspend": ("Paused", "Pause of"),
    "qmpause": ("Paused", "Pause of"),
    "qmresume": ("Resumed", "Resume of"),
    "qmsnapshot": ("Took a snapshot of", "Snapshot of"),
    "qmdelsnapshot": ("Deleted a snapshot of", "Deletion of a snapshot of"),
    "qmrollback": ("Rolled back", "Rollback of"),
    "qmclone": ("Copied", "Copy of"),
    "qmconfig": ("Changed settings of", "Change of settings of"),
    "qmcreate": ("Made", "Creation of"),
    "qmdestroy": ("Deleted", "Deletion of"),
    "qmigrate": ("Moved to another node:", "Move to another node:"),
    "hamigrate": ("Moved to another node:", "Move to another node:"),
    "hastart": ("Started", "Start of"),
    "hastop": ("Stopped", "Stop of"),
    "qmmove": ("Moved a disk of", "Move of a disk of"),
    "move_volume": ("Moved a disk of", "Move of a disk of"),
    "resize": ("Grew a disk of", "Growth of a disk of"),
    "qmrestore": ("Restored from a backup:", "Restore from a backup:"),
    "qmtemplate": ("Made a template of", "Making a template of"),
    "vzdump": ("Backed up", "Backup of"),
    "vncproxy": ("Opened the screen of", "Screen of"),
    "spiceproxy": ("Opened the screen of", "Screen of"),
    "termproxy": ("Opened the screen of", "Screen of"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line. An `operation` brings its own words; otherwise `what`, and `state` where it can fail.

    `details` are Proxmox's own words; `in_proxmox`: somebody did it there, beside the portal.
    """

    at: datetime
    who: str
    what: str
    vm: VirtualMachine | None
    note: str = ""
    state: Shown | None = None
    details: str = ""
    in_proxmox: bool = False
    operation: Operation | None = None


def of_machine(vm: VirtualMachine, page: str | None = None) -> Page[Any]:
    """What happened to one machine, newest first: a page of `Entry`."""
    return _page(VirtualMachine.objects.filter(pk=vm.pk), page)


def of_person(user: User, page: str | None = None) -> Page[Any]:
    """What happened to every machine the person may look at; for an RTP to all."""
    return _page(VirtualMachine.objects.visible_to(user), page)


def of_member(member: User, page: str | None = None) -> Page[Any]:
    """What happened in a member's own pool."""
    return _page(VirtualMachine.objects.filter(pool__owner=member), page)


def _page(machines: QuerySet[VirtualMachine], number: str | None) -> Page[Any]:
    """The three sources are merged by the database by time alone; only the rows of one page are read whole."""
    names = machines.annotate(name_of_it=Cast("pk", CharField())).order_by().values("name_of_it")
    audits = AuditEvent.objects.filter(target_kind="vm", target_id__in=names).exclude(verb__in=OF_OPERATIONS)
    operations = Operation.objects.filter(vm__in=machines.order_by())
    tasks = ClusterTask.objects.filter(vm__in=machines.order_by())
    sources = (
        _times(operations, "operation", "created_at"),
        _times(audits, "audit", "at"),
        _times(tasks, "task", "began_at"),
    )
    found = sources[0].union(*sources[1:], all=True).order_by("-moment", "-number")
    page: Page[Any] = Paginator(found, PAGE).get_page(number)
    page.object_list = _entries(list(page.object_list))
    return page


def _times(rows: QuerySet[Any], source: str, column: str) -> Any:
    named = rows.order_by().annotate(moment=F(column), number=F("pk"), source=Value(source))
    return named.values_list("moment", "number", "source")


def _entries(keys: Iterable[tuple[datetime, int, str]]) -> list[Entry]:
    keys = list(keys)
    ids = {source: [pk for _, pk, kind in keys if kind == source] for source in ("operation", "audit", "task")}
    operations = Operation.objects.filter(pk__in=ids["operation"]).select_related("vm", "actor", "pool")
    audits = list(AuditEvent.objects.filter(pk__in=ids["audit"]))
    tasks = ClusterTask.objects.filter(pk__in=ids["task"]).select_related("vm")
    found = {("operation", op.pk): _of_operation(op) for op in operations}
    found |= {("task", task.pk): _of_task(task) for task in tasks}
    machines = VirtualMachine.objects.in_bulk([int(each.target_id) for each in audits])
    found |= {("audit", each.pk): _of_audit(each, machines.get(int(each.target_id))) for each in audits}
    return [found[source, pk] for _, pk, source in keys if (source, pk) in found]


def _of_operation(op: Operation) -> Entry:
    return Entry(op.created_at, op.actor_name, "", op.vm, note=op.sentence, operation=op)


def _of_audit(event: AuditEvent, vm: VirtualMachine | None) -> Entry:
    words = DEEDS.get(event.verb) or event.verb.partition(".")[2].replace("_", " ").capitalize()
    reason = str(event.detail.get("reason") or "")
    code = str(event.detail.get("operation") or "")
    note = console_note(event) if event.verb.startswith("console.") else reason or code
    return Entry(event.at, event.actor_name, f"{words} {event.target_name}", vm, note=note)


def console_note(event: AuditEvent) -> str:
    """'12 min. Ended by an RTP: node goes down'; how it was opened, for how long, whose it was, why it ended."""
    told = event.detail
    said = []
    if "seconds" in told:
        said = [lasted(int(told["seconds"])), *([ended(str(told["end"]))] if told.get("end") else [])]
    elif told.get("view_only") or told.get("mode") in {"view", "watch"}:  # before there were modes it was view_only
        said = ["Watches" if told.get("mode") == "watch" else "To look at only"]
    elif event.verb == "console.ended" and told.get("person") not in {None, event.actor_name}:
        said = [f"That of {told['person']}"]
    reason = str(told.get("reason") or "")
    return ". ".join(said) + (f": {reason}" if said and reason else reason)


def _of_task(task: ClusterTask) -> Entry:
    done, thing = TASKS.get(task.kind, ("Something was done to", "Something done to"))
    is_over, is_good = task.ended_at is not None, task.exit_text == "OK" or task.exit_text.startswith("WARNINGS")
    if not is_over:
        state = Shown("In progress", "box", "info")
    else:
        state = Shown("Done", "dot", "ok") if is_good else Shown("Failed", "up", "bad")
    what = f"{done if is_over and is_good else thing} {task.vm.name} in Proxmox"
    details = f"{task.kind}: {task.exit_text or 'running'}\n{task.upid}"
    return Entry(task.began_at, task.user, what, task.vm, state=state, details=details, in_proxmox=True)
