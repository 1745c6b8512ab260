"""Cores, memory and start at boot of a machine.

While it runs, more is set and waits for the next start; it counts from the moment it is held. While it is stopped, the
limits of one machine are looked at here, and its start looks at the whole.
"""

from dataclasses import replace
from typing import Any, Unpack

from quotas.errors import cores as in_cores
from quotas.errors import gib
from vms.cluster.types import GuestChanges, GuestConfig
from vms.models import Operation, VirtualMachine
from vms.operations.growing import ask_to_grow
from vms.operations.hardware import Setting, SettingVerb, Who
from vms.operations.wishes import check_power
from vms.states import OperationKind
from vms.usage import Shape, shape_of


class Resize(Setting):
    """Cores and memory, both at once."""

    label = "Set cores and memory"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Sockets too: they multiply cores, so they are set to one."""
        return ("cores", "sockets", "memory")

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges:
        return GuestChanges(cores=op.wish["cores"], memory_mib=op.wish["memory_mib"])

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """What the next start brings is what is wished."""
        found = (config.pending_cores or config.cores, config.pending_memory_mib or config.memory_mib)
        return found == (op.wish["cores"], op.wish["memory_mib"])

    def told(self, op: Operation) -> str:
        """Both numbers."""
        return f"{op.vm.name} has {in_cores(op.wish['cores'])} and {gib(op.wish['memory_mib'])} of memory."


class ResizeVerb(SettingVerb):
    """Says which of the two waits."""

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """'2 cores are set; they hold after the next shut down and start.'"""
        waits: list[str] = []
        if config is not None and config.pending_cores:
            waits.append(in_cores(config.pending_cores))
        if config is not None and config.pending_memory_mib:
            waits.append(f"{gib(config.pending_memory_mib)} of memory")
        if not waits:
            return self.edit.told(op)
        is_one = waits == ["1 core"] or (config is not None and not config.pending_cores)
        are, hold = ("is", "it holds") if is_one else ("are", "they hold")
        return f"{' and '.join(waits)} {are} set; {hold} after the next shut down and start."


class Autostart(Setting):
    """Whether it starts when its node does."""

    label = "Set start at boot"

    def keys(self, op: Operation) -> tuple[str, ...]:
        return ("onboot",)

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges:
        return GuestChanges(start_at_boot=op.wish["on"])

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """As wished."""
        return config.start_at_boot is bool(op.wish["on"])

    def told(self, op: Operation) -> str:
        """What it means for its node and for the limit."""
        if op.wish["on"]:
            return f"{op.vm.name} starts when its node starts. Its CPU and memory count from now on."
        return f"{op.vm.name} does not start by itself when its node starts."


RESIZING: dict[OperationKind, SettingVerb] = {
    OperationKind.RESIZE: ResizeVerb(OperationKind.RESIZE, Resize()),
    OperationKind.AUTOSTART: SettingVerb(OperationKind.AUTOSTART, Autostart()),
}


def request_resize(
    vm: VirtualMachine, *, cores: int, memory_mib: int, digest: str = "", **who: Unpack[Who]
) -> Operation:
    """Asks for other cores and memory (MiB). Fields: cores, memory_mib."""
    check_power(cores, memory_mib)

    def plan(fresh: VirtualMachine) -> tuple[dict[str, Any], Shape]:
        return {"cores": cores, "memory_mib": memory_mib}, replace(shape_of(fresh), cores=cores, memory_mib=memory_mib)

    return ask_to_grow(vm, OperationKind.RESIZE, RESIZING[OperationKind.RESIZE].steps, plan, digest=digest, who=who)


def request_autostart(vm: VirtualMachine, *, on: bool, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for start at boot to be on or off. On: cores and memory count as if it ran. Field: on."""

    def plan(fresh: VirtualMachine) -> tuple[dict[str, Any], Shape | None]:
        return {"on": bool(on)}, replace(shape_of(fresh), is_awake=True) if on else None

    return ask_to_grow(
        vm, OperationKind.AUTOSTART, RESIZING[OperationKind.AUTOSTART].steps, plan, digest=digest, who=who
    )
