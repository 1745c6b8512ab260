"""The order of the devices a machine boots from."""

from collections.abc import Sequence
from typing import Any, Unpack

from vms.cluster.types import GuestChanges, GuestConfig
from vms.models import Operation, VirtualMachine
from vms.operations.detaching import FIRMWARE
from vms.operations.errors import Refusal
from vms.operations.hardware import Setting, SettingVerb, Who, ask
from vms.operations.steps import Broken
from vms.states import OperationKind


class BootOrder(Setting):
    """The whole list; what is not in it is not booted from."""

    label = "Change the boot order"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Proxmox's one option."""
        return ("boot",)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """The same list."""
        return config.boot_order == tuple(op.wish["order"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Only devices that it has now."""
        there = {disk.slot for disk in config.disks} | {nic.slot for nic in config.nics} | set(config.boot_order)
        if missing := [slot for slot in op.wish["order"] if slot not in there]:
            return self.gone_elsewhere(op, f"{missing[0]} is not there any more.")
        return GuestChanges(boot_order=tuple(op.wish["order"]))

    def told(self, op: Operation) -> str:
        """The list."""
        return f"{op.vm.name} boots from {', '.join(op.wish['order'])}, in this order."


BOOT = {OperationKind.BOOT_ORDER: SettingVerb(OperationKind.BOOT_ORDER, BootOrder())}


def bootable(vm: VirtualMachine) -> list[str]:
    """Slots that may stand in the boot order: first those that do, in their order, then the others."""
    devices = [each for each in vm.hardware.get("disks", []) if not (each["is_unused"] or each["is_cloud_init"])]
    slots = [each["slot"] for each in [*devices, *vm.hardware.get("nics", [])] if each["slot"] not in FIRMWARE]
    return list(dict.fromkeys([*vm.hardware.get("boot_order", []), *slots]))


def request_boot_order(vm: VirtualMachine, *, order: Sequence[str], digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for a boot order: slots of this machine, each once, at least one. Fields: order."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        own = bootable(fresh)
        if not order:
            raise Refusal("Keep at least one device to boot from.", "order")
        if len(set(order)) != len(order):
            raise Refusal("Name each device once.", "order")
        if any(slot not in own for slot in order):
            raise Refusal("It has no such device. Load the page again.", "order")
        return {"order": list(order)}

    return ask(vm, BOOT[OperationKind.BOOT_ORDER], plan, digest, who)
