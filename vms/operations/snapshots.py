"""Snapshots: take one, roll back to one, delete one.

What snapshots there are is read from Proxmox at every end: what counts afterwards is what it shows.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from vms.cluster import Cluster
from vms.cluster.errors import Denied, NoSuchGuest, WrongMachine
from vms.cluster.types import GuestConfig
from vms.mirror import snapshots as kept
from vms.models import Operation, VirtualMachine
from vms.operations import ends, finding
from vms.operations.changing import Change, request_change
from vms.operations.edits import ChangeVerb
from vms.operations.errors import Refusal
from vms.operations.snapshot_steps import ANOTHER, GONE, Drop, GoBack, Take
from vms.operations.steps import Broken, Step
from vms.states import OperationKind, Power
from vms.units import MIB, gib
from vms.usage import shape_of

#: Proxmox's rule for names, and the words it keeps for itself.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}")
RESERVED = frozenset({"current", "pending", "now"})
LONGEST_NOTE = 200
SHAPE = "Name must have 2 to 40 letters, numbers, hyphens and underscores, and start with a letter."


def checked_name(typed: str) -> str:
    """The snapshot's name as Proxmox takes it. Raises Refusal for the field `name`."""
    name = typed.strip()
    if not name:
        raise Refusal("Give the snapshot a name.", "name")
    if not NAME.fullmatch(name):
        raise Refusal(SHAPE, "name")
    if name.lower() in RESERVED:
        raise Refusal(f"Proxmox uses the name {name} itself. Choose another name.", "name")
    return name


def checked_note(typed: str) -> str:
    """One line, or nothing. Raises Refusal for the field `note`."""
    note = " ".join(typed.split())
    if len(note) > LONGEST_NOTE:
        raise Refusal(f"Note must have {LONGEST_NOTE} characters or fewer.", "note")
    return note


def known(vm: VirtualMachine, name: str) -> dict[str, Any] | None:
    """The row of that snapshot as last read (vms/mirror/snapshots.py); None where there is none."""
    return next((one for one in vm.snapshots if one["name"] == name), None)


# --- ends ---


class SnapshotVerb(ChangeVerb):
    """Ends with fresh facts and a fresh list: what counts afterwards is what Proxmox shows."""

    def __init__(self, step: Step, sentence: Callable[[Operation, Power], str]) -> None:
        self.steps, self.told = (step,), sentence  # type: ignore[misc]  # one class for three kinds

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """Reads machine and list; raises ClusterError where that is not possible yet."""
        try:
            facts = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine, Denied):
            ends.succeed(op, f"{self.told(op, Power.UNKNOWN)} It is no longer there.", None)
            return
        rows = self._rows(op, cluster, facts[0])
        told = self.told(op, Power(facts[1].power))
        ends.succeed(op, told, facts, also=lambda now: kept.apply_snapshots(op.vm, rows, facts[0].digest, now))

    def fail(self, op: Operation, cluster: Cluster, broken: Broken) -> None:
        """The same: part of it may have been done. A machine that is gone has nothing to read."""
        try:
            facts = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine, Denied):
            ends.fail(op, broken.sentence, broken.detail, None)
            return
        rows = self._rows(op, cluster, facts[0])
        also = lambda now: kept.apply_snapshots(op.vm, rows, facts[0].digest, now)  # noqa: E731
        ends.fail(op, broken.sentence, broken.detail, facts, also=also)

    def _rows(self, op: Operation, cluster: Cluster, config: GuestConfig) -> kept.Kept:
        op.vm.refresh_from_db(fields=["snapshots"])
        rows = kept.read(cluster, config, op.vm.snapshots)
        if op.kind == OperationKind.SNAPSHOT:
            for row in rows:
                if row["name"] == op.wish["name"] and not row["by"]:
                    row["by"] = op.actor_name
        return rows


def _taken(op: Operation, power: Power) -> str:
    memory = " with its memory" if op.wish["with_memory"] else ""
    return f"{op.vm.name} was kept as snapshot {op.wish['name']}{memory}."


def _rolled_back(op: Operation, power: Power) -> str:
    state = {Power.RUNNING: " and runs", Power.STOPPED: " and is off now", Power.PAUSED: " and is paused"}
    return f"{op.vm.name} was rolled back to {op.wish['name']}{state.get(power, '')}."


def _dropped(op: Operation, power: Power) -> str:
    return f"Snapshot {op.wish['name']} of {op.vm.name} was deleted. The machine itself is as it was."


SNAPSHOTS: dict[OperationKind, ChangeVerb] = {
    OperationKind.SNAPSHOT: SnapshotVerb(Take(), _taken),
    OperationKind.ROLL_BACK: SnapshotVerb(GoBack(), _rolled_back),
    OperationKind.DROP_SNAPSHOT: SnapshotVerb(Drop(), _dropped),
}


# --- requests ---


def request_snapshot(
    vm: VirtualMachine,
    *,
    name: str,
    note: str = "",
    with_memory: bool = False,
    by: User | None,
    address: str,
    key: str,
) -> Operation:
    """Asks for a snapshot. With memory it takes as much disk as the machine has memory, in whole GiB up.

    A machine that is off has no memory to keep. Raises PermissionDenied, Refusal (fields name, note), QuotaExceeded.
    """

    def plan(fresh: VirtualMachine) -> Change:
        wanted, told = checked_name(name), checked_note(note)
        taken = {one["name"].lower(): one["name"] for one in fresh.snapshots}
        if wanted.lower() in taken:
            raise Refusal(f"There is a snapshot named {taken[wanted.lower()]} already. Choose another name.", "name")
        keeps_memory = with_memory and fresh.power != Power.STOPPED
        now = shape_of(fresh)
        adds_gib = gib(fresh.memory_mib * MIB) if keeps_memory else 0
        after = replace(now, snapshots=now.snapshots + 1, disk_gib=now.disk_gib + adds_gib)
        return Change({"name": wanted, "note": told, "with_memory": keeps_memory}, after)

    return _request(vm, OperationKind.SNAPSHOT, plan, by=by, address=address, key=key)


def request_roll_back(
    vm: VirtualMachine, *, name: str, taken_at: str = "", by: User | None, address: str, key: str
) -> Operation:
    """Asks to go back to a snapshot. `taken_at`: of the one the person saw (as the row has it); empty: whichever.

    What was set then is set afterwards: where that is more, it has to fit the limits. Raises as request_snapshot.
    """

    def plan(fresh: VirtualMachine) -> Change:
        one = _meant(fresh, name, taken_at)
        now = shape_of(fresh)
        after = replace(
            now,
            cores=max(now.cores, one["cores"]),
            memory_mib=max(now.memory_mib, one["memory_mib"]),
            disk_gib=max(now.disk_gib, one["disk_gib"] + fresh.snapshot_gib),
            is_awake=now.is_awake or one["with_memory"] or one["start_at_boot"],
        )
        return Change({"name": name, "taken_at": one["taken_at"]}, after)

    return _request(vm, OperationKind.ROLL_BACK, plan, by=by, address=address, key=key)


def request_drop_snapshot(
    vm: VirtualMachine, *, name: str, taken_at: str = "", by: User | None, address: str, key: str
) -> Operation:
    """Asks to delete a snapshot; the machine itself stays as it is. `taken_at` and errors as request_roll_back."""

    def plan(fresh: VirtualMachine) -> Change:
        return Change({"name": name, "taken_at": _meant(fresh, name, taken_at)["taken_at"]})

    return _request(vm, OperationKind.DROP_SNAPSHOT, plan, by=by, address=address, key=key)


def _meant(vm: VirtualMachine, name: str, taken_at: str) -> dict[str, Any]:
    one = known(vm, name)
    if one is None:
        raise Refusal(GONE, "name")
    if taken_at and one["taken_at"] != taken_at:
        raise Refusal(ANOTHER, "name")
    return one


def _request(
    vm: VirtualMachine,
    kind: OperationKind,
    plan: Callable[[VirtualMachine], Change],
    *,
    by: User | None,
    address: str,
    key: str,
) -> Operation:
    return request_change(vm, kind, SNAPSHOTS[kind].steps, plan, by=by, address=address, key=key)


def default_name(now: datetime) -> str:
    """A name that is free as a rule and says when: 's-2026-11-23-1405'."""
    return date_format(timezone.localtime(now), "\\s-Y-m-d-Hi")
