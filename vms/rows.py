"""One machine as a row or a heading shows it: its state, what can be asked for, and why not."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from accounts import departures
from accounts.models import Pool, PoolMembership, User
from accounts.roles import Role
from quotas.errors import cores, gib
from vms import restraints
from vms.access import NEEDED_ROLE
from vms.models import ClusterTask, Operation, VirtualMachine
from vms.operations.hardware import PROTECTED
from vms.shown import MIGRATE, Reading, Shown, shown
from vms.states import Action, Lifecycle, OperationState, Power, obstacle
from vms.verbs import MENU, verb


@dataclass(frozen=True)
class Button:
    """Something to ask for; `reason` says why it is not possible now."""

    action: Action
    label: str
    reason: str = ""
    needs_confirm: bool = False


@dataclass(frozen=True)
class Row:
    """A machine, ready to print."""

    vm: VirtualMachine
    state: Shown
    operation: Operation | None
    buttons: tuple[Button, ...]
    console_reason: str
    reason_to_wait: str = ""
    size: str = ""
    steps: list[dict[str, str]] = field(default_factory=list)
    can_move: bool = False
    can_renew: bool = False

    @property
    def is_moving(self) -> bool:
        """The row will change by itself soon."""
        return self.operation is not None and not self.operation.is_at_rest

    @property
    def step(self) -> str:
        """The step at work, in words."""
        if not self.is_moving:
            return ""
        return next((step["label"] for step in self.steps if step["state"] in {"running", "uncertain"}), "")

    @property
    def has_failed(self) -> bool:
        """A creation that came to nothing and was not put away yet."""
        return self.vm.lifecycle == Lifecycle.FAILED

    @property
    def lock(self) -> str:
        """That an RTP keeps it from running, for a list; empty where none does."""
        if self.vm.locked_at is not None:
            return "Locked by an RTP"
        return "Its member is locked" if self.vm.pool and restraints.of_owner(self.vm.pool) else ""

    @property
    def first(self) -> Button | None:
        """The one button beside the console: start, resume or shut down; in the trash the way back."""
        if self.vm.trashed_at is not None and self.vm.power == Power.STOPPED:
            return next((button for button in self.buttons if button.action == Action.RESTORE), None)
        wanted = {Power.RUNNING: Action.SHUTDOWN, Power.PAUSED: Action.RESUME, Power.STOPPED: Action.START}
        action = wanted.get(Power(self.vm.power), Action.SHUTDOWN)
        return next((button for button in self.buttons if button.action == action), None)

    @property
    def others(self) -> list[Button]:
        """The rest, possible ones first."""
        rest = [button for button in self.buttons if button is not self.first]
        return sorted(rest, key=lambda button: bool(button.reason))

    @property
    def possible(self) -> list[Button]:
        """What can be asked for now."""
        return [button for button in self.buttons if not button.reason]


class Rights:
    """The person's role in many pools, read once, so that a list asks the database the same for 3 and for 300 rows.

    For what is shown only: each act is checked again by vms.access.vm_for.
    """

    def __init__(self, user: User) -> None:
        self.user = user
        # Whoever left the house has the own pool only.
        found = PoolMembership.objects.none() if user.departed_at else PoolMembership.objects.filter(user=user)
        self.roles = dict(found.values_list("pool_id", "role"))

    def refusal(self, vm: VirtualMachine, action: Action) -> str:
        """Why this person may not do that to the machine at all; empty when they may."""
        if vm.pool is None or vm.pool.proxmox_poolid is None:
            return "It is in no pool of the portal yet."
        if self.user.has_rtp_power:
            return ""
        role = self.role_in(vm.pool)
        if role is not None and role.includes(NEEDED_ROLE[action]):
            return departures.short(self.user) if restraints.is_over_for(self.user, action) else ""
        return f"As {role or 'a stranger'} of {vm.pool.name} you cannot do this."

    def role_of(self, vm: VirtualMachine) -> Role | None:
        """The own role in the machine's pool."""
        return self.role_in(vm.pool) if vm.pool else None

    def role_in(self, pool: Pool) -> Role | None:
        """The own role in this pool."""
        if pool.owner_id == self.user.pk:
            return Role.MANAGER
        found = self.roles.get(pool.pk)
        return Role(found) if found else None


def rows(vms: Iterable[VirtualMachine], *, rights: Rights, now: datetime, outage: str = "") -> list[Row]:
    """Rows for machines whose pool is loaded; one query for all their operations."""
    machines = list(vms)
    waiting = Operation.objects.blocking().filter(vm__in=[vm.pk for vm in machines]).select_related("actor")
    operations = {operation.vm_id: operation for operation in waiting}
    targets = targets_of(machines)
    return [
        row(vm, operations.get(vm.pk), rights=rights, now=now, outage=outage, moving_to=targets.get(vm.pk, ""))
        for vm in machines
    ]


def targets_of(vms: Iterable[VirtualMachine]) -> dict[int, str]:
    """Where those go that are being migrated now, as the newest migration away from their node says; else not there.

    No query where none is being migrated.
    """
    moving = {vm.pk: vm.node for vm in vms if vm.lock == MIGRATE}
    if not moving:
        return {}
    tasks = ClusterTask.objects.migrations().filter(vm__in=moving).order_by("began_at", "pk")
    return {task.vm_id: task.target for task in tasks if task.upid.startswith(f"UPID:{moving[task.vm_id]}:")}


def row(
    vm: VirtualMachine, operation: Operation | None, *, rights: Rights, now: datetime, outage: str = "",
    moving_to: str | None = None,
) -> Row:  # fmt: skip
    """One machine with the operation that holds it, if any. `outage`: why nothing can be asked of Proxmox now.

    `moving_to`: as `targets_of` says; None looks it up.
    """
    if moving_to is None:
        moving_to = targets_of([vm]).get(vm.pk, "")
    held = _held_by(operation)
    return Row(
        vm=vm,
        state=shown(replace(reading_of(vm, operation, now), moving_to=moving_to)),
        operation=operation,
        buttons=tuple(_button(vm, action, held or outage, rights) for action in menu_of(vm)),
        console_reason=rights.refusal(vm, Action.CONSOLE)
        or restraints.of_console(rights.user, vm)
        or restraints.of_trash(vm, Action.CONSOLE)
        or _obstacle(vm, Action.CONSOLE),
        size=_size(vm, operation),
        steps=steps_of(operation) if operation else [],
        can_move=not (operation or vm.trashed_at or rights.refusal(vm, Action.MOVE)),
        can_renew=not rights.refusal(vm, Action.RENAME),
    )


def reading_of(vm: VirtualMachine, operation: Operation | None, now: datetime) -> Reading:
    """What the columns say, for `vms.shown`."""
    return Reading(
        lifecycle=vm.lifecycle,
        power=vm.power,
        lock=vm.lock,
        is_missing=vm.missing_since is not None,
        is_trashed=vm.trashed_at is not None,
        age_s=(now - vm.last_seen).total_seconds() if vm.last_seen else None,
        seen=clock(vm.missing_since or vm.last_seen, now),
        operation_kind=operation.kind if operation else "",
        operation_state=operation.state if operation else "",
    )


STEP_WORDS = {
    "waiting": "not yet", "running": "now", "done": "done", "failed": "failed", "uncertain": "not known yet",
}  # fmt: skip


def steps_of(operation: Operation) -> list[dict[str, str]]:
    """The operation's steps with the state in words."""
    return [
        {
            "label": str(step.get("label", "")),
            "state": str(step.get("state", "waiting")),
            "note": str(step.get("note", "")),
            "word": STEP_WORDS.get(str(step.get("state")), ""),
        }
        for step in operation.steps
    ]


def clock(at: datetime | None, now: datetime) -> str:
    """'14:02' today, '12 May 14:02' before."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localtime(now).date()
    return date_format(local, "H:i") if is_today else date_format(local, "j M H:i")


def sent_already(at: datetime, now: datetime) -> str:
    """For a form about many that comes once more."""
    return f"This was sent already at {clock(at, now)}. Nothing was done a second time."


def _size(vm: VirtualMachine, operation: Operation | None) -> str:
    """As last read; of a machine being made, as asked for."""
    if vm.cores:
        return f"{cores(vm.cores)} · {gib(vm.memory_mib)} · {vm.disk_gib} GiB"
    wish = operation.wish if operation else {}
    if vm.lifecycle == Lifecycle.CREATING and "cores" in wish:
        return f"{cores(wish['cores'])} · {gib(wish['memory_mib'])} · {wish['disk_gib']} GiB"
    return ""


def _held_by(operation: Operation | None) -> str:
    """Why nothing else can be asked for while this operation holds the machine."""
    if operation is None:
        return ""
    if operation.state == OperationState.NEEDS_RTP:
        return "An RTP has to look at the last action first."
    return f"{verb(operation.kind).doing} is under way; wait until that is over."


def button_of(vm: VirtualMachine, action: Action, operation: Operation | None, rights: Rights) -> Button:
    """One action of a machine's own page; `operation`: the one that holds the machine, if any."""
    return _button(vm, action, _held_by(operation), rights)


def _button(vm: VirtualMachine, action: Action, held: str, rights: Rights) -> Button:
    words = verb(action)
    reason = rights.refusal(vm, action) or restraints.of_lock(vm, action) or restraints.of_trash(vm, action)
    reason = reason or held or _protection(vm, action) or _obstacle(vm, action)
    return Button(action, words.label, reason, needs_confirm=bool(words.warning))


def menu_of(vm: VirtualMachine) -> tuple[Action, ...]:
    """What is offered: in the trash only what it leaves, outside no way back."""
    if vm.trashed_at is not None:
        return tuple(action for action in MENU if action in restraints.TRASH_LEAVES)
    return tuple(action for action in MENU if action != Action.RESTORE)


def _protection(vm: VirtualMachine, action: Action) -> str:
    is_protected = action in {Action.TRASH, Action.DELETE} and bool(vm.hardware.get("is_protected"))
    return PROTECTED if is_protected else ""


def _obstacle(vm: VirtualMachine, action: Action) -> str:
    if vm.missing_since and vm.lifecycle == Lifecycle.READY:
        return "Proxmox does not show it right now."
    return obstacle(action, Lifecycle(vm.lifecycle), Power(vm.power))
