"""What can be asked for, told twice: as the portal's request, and as what it does to a machine of the book."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from accounts.models import Pool
from tests.quotas.book import Book, Kept, Machine
from vms import operations
from vms.models import Operation, VirtualMachine
from vms.operations.kinds import KINDS
from vms.states import OperationKind as K

Wish = dict[str, Any]
Who = dict[str, Any]

#: Kinds that change nothing of what counts; asking for them takes the same way and is tried elsewhere.
TAKE_NOTHING = frozenset({
    K.REBOOT, K.RESET, K.ADD_NIC, K.SET_NIC, K.DROP_NIC, K.ADD_DRIVE, K.DROP_DRIVE, K.MOUNT, K.EJECT, K.BOOT_ORDER,
    K.DISPLAY, K.AGENT, K.RENAME, K.NOTES, K.TAGS,
})  # fmt: skip


@dataclass(frozen=True)
class Deed:
    """`ask` of the portal. `stops`: the machine's state forbids it. `does`: what it does; `counts_as`: what it may come
    to at most, where that is not simply what it does; None of both needs no room."""

    ask: Callable[[VirtualMachine, Wish, Who], Operation]
    stops: Callable[[Machine, Wish], bool]
    does: Callable[[Machine, Wish], None]
    counts_as: Callable[[Machine, Wish], None] | None = None
    needs: str = "manager"
    grows: bool = True

    def after(self, machine: Machine, wish: Wish) -> Machine:
        """The machine as limits have to see it."""
        found = deepcopy(machine)
        (self.counts_as or self.does)(found, wish)
        return found


def _power(kind: K) -> Callable[[VirtualMachine, Wish, Who], Operation]:
    return lambda vm, wish, who: operations.request_power(vm, kind, **who)


def _named(name: str, *words: str) -> Callable[[VirtualMachine, Wish, Who], Operation]:
    """The request of that name, with these words of the wish."""
    return lambda vm, wish, who: getattr(operations, name)(vm, **{word: wish[word] for word in words}, **who)


def _in_trash(machine: Machine, wish: Wish) -> bool:
    return machine.is_trashed


def _run(machine: Machine, wish: Wish) -> None:
    machine.take_over()
    machine.power = "running"


def _wake(machine: Machine, wish: Wish) -> None:
    machine.power = "running"


def _switch_off(machine: Machine, wish: Wish) -> None:
    machine.switch_off()


def _pause(machine: Machine, wish: Wish) -> None:
    machine.power = "paused"


def _resize(machine: Machine, wish: Wish) -> None:
    if machine.power == "stopped":
        machine.cores, machine.memory_mib = wish["cores"], wish["memory_mib"]
        return
    machine.pending_cores = wish["cores"] if wish["cores"] != machine.cores else None
    machine.pending_memory_mib = wish["memory_mib"] if wish["memory_mib"] != machine.memory_mib else None


def _set_at_boot(machine: Machine, wish: Wish) -> None:
    machine.at_boot = wish["on"]


def _add_disk(machine: Machine, wish: Wish) -> None:
    slot = next(f"scsi{n}" for n in range(31) if f"scsi{n}" not in machine.disks)
    machine.disks[slot] = wish["size_gib"]


def _grow_disk(machine: Machine, wish: Wish) -> None:
    machine.disks[wish["slot"]] = wish["size_gib"]


def _detach(machine: Machine, wish: Wish) -> None:
    size_gib = machine.disks.pop(wish["slot"])
    machine.disks[next(f"unused{n}" for n in range(99) if f"unused{n}" not in machine.disks)] = size_gib


def _drop_disk(machine: Machine, wish: Wish) -> None:
    machine.disks.pop(wish["unused"])


def _undo(machine: Machine, wish: Wish) -> None:
    machine.pending_cores = machine.pending_memory_mib = None


def _nothing_waits(machine: Machine, wish: Wish) -> bool:
    return machine.is_trashed or (machine.pending_cores, machine.pending_memory_mib) == (None, None)


def _take(machine: Machine, wish: Wish) -> None:
    keeps_memory = wish["with_memory"] and machine.power != "stopped"
    memory_gib = -(-machine.memory_mib // 1024) if keeps_memory else 0
    kept = Kept(machine.cores, machine.memory_mib, dict(machine.disks), machine.at_boot, memory_gib)
    machine.snapshots[wish["name"]] = kept


def _roll_back(machine: Machine, wish: Wish) -> None:
    kept = machine.snapshots[wish["name"]]
    machine.cores, machine.memory_mib, machine.at_boot = kept.cores, kept.memory_mib, kept.at_boot
    machine.pending_cores = machine.pending_memory_mib = None
    machine.disks = dict(kept.disks)
    machine.power = "running" if kept.memory_gib else "stopped"


def _roll_back_at_most(machine: Machine, wish: Wish) -> None:
    """It may stay as it is, when it fails; so the larger of both counts."""
    kept = machine.snapshots[wish["name"]]
    machine.cores = max(machine.cores, machine.pending_cores or 0, kept.cores)
    machine.memory_mib = max(machine.memory_mib, machine.pending_memory_mib or 0, kept.memory_mib)
    machine.at_boot = machine.at_boot or kept.at_boot
    if kept.memory_gib:
        machine.power = "running"
    if sum(kept.disks.values()) > sum(machine.disks.values()):
        machine.disks = dict(kept.disks)


def _forget(machine: Machine, wish: Wish) -> None:
    machine.snapshots.pop(wish["name"])


def _has_not(machine: Machine, wish: Wish) -> bool:
    return machine.is_trashed or wish["name"] not in machine.snapshots


def _into_trash(machine: Machine, wish: Wish) -> None:
    machine.is_trashed = True
    machine.was_at_boot, machine.at_boot = machine.at_boot, False


def _out_of_trash(machine: Machine, wish: Wish) -> None:
    machine.is_trashed, machine.at_boot = False, machine.was_at_boot


def _vanish(machine: Machine, wish: Wish) -> None:
    machine.is_there, machine.pool = False, ""


def _move(machine: Machine, wish: Wish) -> None:
    machine.pool = wish["into"]


def _ask_move(vm: VirtualMachine, wish: Wish, who: Who) -> Operation:
    return operations.request_move(vm, into=Pool.objects.get(name=wish["into"]), **who)


def _unless(*powers: str) -> Callable[[Machine, Wish], bool]:
    return lambda machine, wish: machine.is_trashed or machine.power not in powers


def _needs_no_restart(machine: Machine, wish: Wish) -> bool:
    return machine.power != "running" or _nothing_waits(machine, wish)


ALL: dict[K, Deed] = {
    K.START: Deed(_power(K.START), _unless("stopped"), _run, _wake, needs="operator"),
    K.RESUME: Deed(_power(K.RESUME), _unless("paused"), _wake, needs="operator"),
    K.SHUTDOWN: Deed(_power(K.SHUTDOWN), lambda m, w: m.power != "running", _switch_off, needs="operator", grows=False),
    K.STOP: Deed(_power(K.STOP), lambda m, w: m.power == "stopped", _switch_off, needs="operator", grows=False),
    K.SUSPEND: Deed(_power(K.SUSPEND), _unless("running"), _pause, needs="operator", grows=False),
    K.DELETE: Deed(_named("request_delete"), lambda m, w: m.power != "stopped", _vanish, grows=False),
    K.RESIZE: Deed(_named("request_resize", "cores", "memory_mib"), _in_trash, _resize),
    K.AUTOSTART: Deed(_named("request_autostart", "on"), _in_trash, _set_at_boot),
    K.ADD_DISK: Deed(_named("request_add_disk", "size_gib"), _in_trash, _add_disk),
    K.GROW_DISK: Deed(
        _named("request_grow_disk", "slot", "size_gib"),
        lambda m, w: m.is_trashed or w["size_gib"] <= m.disks.get(w["slot"], 10**6),
        _grow_disk,
    ),
    K.DETACH_DISK: Deed(
        _named("request_detach_disk", "slot"),
        lambda m, w: m.is_trashed or w["slot"] not in m.disks,
        _detach,
        grows=False,
    ),
    K.DROP_DISK: Deed(
        lambda vm, wish, who: operations.request_drop_disk(vm, slot=wish["unused"], **who),
        lambda m, w: m.is_trashed or w["unused"] not in m.disks,
        _drop_disk,
        grows=False,
    ),
    K.UNDO: Deed(_named("request_undo"), _nothing_waits, _undo, grows=False),
    K.APPLY: Deed(_named("request_apply"), _needs_no_restart, _run, needs="operator", grows=False),
    K.SNAPSHOT: Deed(
        _named("request_snapshot", "name", "with_memory"),
        lambda m, w: m.is_trashed or w["name"] in m.snapshots,
        _take,
    ),
    K.ROLL_BACK: Deed(_named("request_roll_back", "name"), _has_not, _roll_back, _roll_back_at_most),
    K.DROP_SNAPSHOT: Deed(_named("request_drop_snapshot", "name"), _has_not, _forget, grows=False),
    K.MOVE: Deed(_ask_move, lambda m, w: m.is_trashed or w["into"] == m.pool, _move),
    K.TRASH: Deed(_named("request_trash"), _unless("stopped"), _into_trash, grows=False),
    K.RESTORE: Deed(_named("request_restore"), lambda m, w: not m.is_trashed, _out_of_trash),
}

#: What the portal can do today, in the order of the list of kinds.
KNOWN: tuple[K, ...] = tuple(kind for kind in K if kind in KINDS and kind in ALL)


def refuses_size(book: Book, pool: str, before: Machine | None, after: Machine) -> bool:
    """Whether a limit of one machine is passed by what grows."""
    measures: tuple[tuple[str, Callable[[Machine], int]], ...] = (
        ("vm_cores", lambda one: max(one.cores, one.pending_cores or 0)),
        ("vm_disk_gib", lambda one: one.takes(always=True)[2]),
        ("snapshots_per_vm", lambda one: len(one.snapshots)),
    )
    return any(
        measure(after) > book.most(pool, name) and measure(after) > (measure(before) if before else 0)
        for name, measure in measures
    )
