"""The trash: a machine that is off, whose disk still counts, and that its managers can restore until its last day."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from vms import leasing
from vms.cluster import Cluster
from vms.cluster.errors import Denied, NoSuchGuest, WrongMachine
from vms.cluster.types import GuestConfig, TaskStatus, Upid
from vms.models import Operation, VirtualMachine
from vms.operations import ends, finding, words
from vms.operations.changing import Change, request_change
from vms.operations.create_steps import OnMachine
from vms.operations.edits import ChangeVerb
from vms.operations.errors import Refusal
from vms.operations.hardware import PROTECTED, Who
from vms.operations.power import PowerStep
from vms.operations.resize import Autostart
from vms.operations.rights import still_allowed
from vms.operations.steps import Broken, DidNotHappen, Finding, Step, Verdict
from vms.signals import vm_trashed
from vms.states import OperationKind, Power
from vms.usage import shape_of


class SwitchOff(PowerStep):
    """The portal's own: whoever puts a machine into the trash by hand has shut it down before."""

    def __init__(self) -> None:
        super().__init__(OperationKind.SHUTDOWN, "Shut it down")

    def is_needed(self, op: Operation) -> bool:
        """Where it ran when it was asked for."""
        return bool(op.wish.get("force"))


class Remember(Autostart):
    """Start at boot goes off in the trash and comes back with the machine."""

    name = "autostart"

    def is_needed(self, op: Operation) -> bool:
        """Only where it was on."""
        return bool(op.wish.get("autostart"))


class SeeThatItIsOff(OnMachine):
    """Asks Proxmox, because the row may be seconds old: what runs is not put into the trash."""

    name = "look"
    label = "See that it is off"

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Reads only."""
        finding.facts_of(op, cluster)
        return None

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Reading twice does no harm."""
        return DidNotHappen(is_safe=True)

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Off, or left where it is."""
        _config, status = finding.facts_of(op, cluster)
        if Power(status.power) != Power.STOPPED:
            return Broken(words.did_not(op, "It is running. Shut it down first."))
        return super().after(op, cluster, end)


class SeeThatItIsThere(SeeThatItIsOff):
    """Before a way back: what is not there any more cannot be restored."""

    name = "look"
    label = "See that it is there"

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """It was read."""
        return OnMachine.after(self, op, cluster, end)


class Renewed(Exception):
    """The lease was renewed, or the right ended, while the machine was on its way into the trash."""


class Trash(ChangeVerb):
    """Off, not started by its node, and marked."""

    steps: ClassVar[tuple[Step, ...]] = (SwitchOff(), Remember(), SeeThatItIsOff())

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """In the trash from now on, for TRASH_DAYS. Under the pool's lock it is read once more: a renewal wins."""
        until = timezone.now() + timedelta(days=settings.TRASH_DAYS)

        def mark(now: datetime) -> None:
            if not still_allowed(op):
                raise Renewed
            mine = VirtualMachine.objects.filter(pk=op.vm_id)
            mine.update(trashed_at=now, trashed_by_id=op.actor_id, trash_until=until)
            vm_id = op.vm_id
            transaction.on_commit(lambda: vm_trashed.send(sender=VirtualMachine, vm_id=vm_id))

        facts = seen(op, cluster)
        if isinstance(facts, Broken):
            self.fail(op, cluster, facts)
            return
        try:
            ends.succeed(op, told(op, until), facts, also=mark)
        except Renewed:
            ends.fail(op, words.lost_right(op, begun=True), "", facts)

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """Not used: the end has its own."""
        return f"{op.vm.name} is in the trash."


class Restore(ChangeVerb):
    """Out of the trash, as it was."""

    steps: ClassVar[tuple[Step, ...]] = (SeeThatItIsThere(), Remember())

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """It counts as before."""

        def unmark(now: datetime) -> None:
            mine = VirtualMachine.objects.filter(pk=op.vm_id)
            mine.update(trashed_at=None, trashed_by=None, trash_until=None)
            op.vm.refresh_from_db(fields=["lease_until"])
            if op.vm.lease_until is None or op.vm.lease_until <= now:
                leasing.begin(op.vm, now)

        facts = seen(op, cluster, may_run=True)
        if isinstance(facts, Broken):
            self.fail(op, cluster, facts)
            return
        sentence = f"{op.vm.name} is back." if facts[1].power != Power.STOPPED else f"{op.vm.name} is back. It is off."
        ends.succeed(op, sentence, facts, also=unmark)

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """Not used: the end has its own."""
        return f"{op.vm.name} is back."


def seen(op: Operation, cluster: Cluster, *, may_run: bool = False) -> ends.Facts | Broken:
    """The machine as it is at the very end, or why this must not be written: it is gone, or somebody started it."""
    try:
        facts = finding.facts_of(op, cluster)
    except (NoSuchGuest, WrongMachine, Denied) as error:
        return Broken(words.did_not(op, "It is not found any more.", changed_nothing=False), words.detail(error))
    if may_run or Power(facts[1].power) == Power.STOPPED:
        return facts
    return Broken(words.did_not(op, "It was started meanwhile.", changed_nothing=False))


TRASHING: dict[OperationKind, ChangeVerb] = {OperationKind.TRASH: Trash(), OperationKind.RESTORE: Restore()}


def told(op: Operation, until: datetime) -> str:
    """That it is there, and how long it can come back."""
    return f"{op.vm.name} is in the trash. It can be restored until {timezone.localtime(until):%-d %B %Y, %H:%M}."


def request_trash(vm: VirtualMachine, *, lease_end: str = "", **who: Unpack[Who]) -> Operation:
    """Asks to put a stopped machine into the trash.

    By the portal (`by` None) a running one is shut down first, hard after SHUTDOWN_WAIT_S; `lease_end` (ISO) is the end
    of the lease that it stands for, read again at the moment of use.
    """

    def plan(fresh: VirtualMachine) -> Change:
        if fresh.hardware.get("is_protected"):
            raise Refusal(f"{fresh.name} cannot be put into the trash. {PROTECTED}")
        is_on = fresh.power != Power.STOPPED
        wish: dict[str, Any] = {"autostart": fresh.start_at_boot, "on": False, "force": is_on}
        return Change(wish | ({"lease_end": lease_end} if lease_end else {}))

    return request_change(vm, OperationKind.TRASH, Trash.steps, plan, **who)


def request_restore(vm: VirtualMachine, **who: Unpack[Who]) -> Operation:
    """Asks to take a machine out of the trash. It needs its place among the machines, and its cores and memory where
    its pool's policy always counts them or its node starts it."""

    def plan(fresh: VirtualMachine) -> Change:
        if fresh.pool is not None and fresh.pool.closed_at is not None:
            raise Refusal(f"{fresh.name} cannot be restored. The pool {fresh.pool} is closed.")
        autostart = had_autostart(fresh)
        shape = shape_of(fresh)
        after = replace(shape, is_kept=True, is_awake=shape.is_awake or autostart)
        return Change({"autostart": autostart, "on": True}, after)

    return request_change(vm, OperationKind.RESTORE, Restore.steps, plan, **who)


def had_autostart(vm: VirtualMachine) -> bool:
    """Whether its node started it before it was put into the trash."""
    last = Operation.objects.filter(vm=vm, kind=OperationKind.TRASH, state="succeeded").first()
    return bool(last and last.wish.get("autostart"))
