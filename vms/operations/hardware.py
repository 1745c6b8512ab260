"""What all changes of a machine's hardware and options have in common.

A device is named by its slot, and a slot counts only if this machine has it: by its row when it is asked for, by
Proxmox when it is sent. What was seen goes into the wish, so that a change made elsewhere can be shown beside it.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypedDict

from accounts.models import User
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, ConfigChanged, Refused
from vms.cluster.types import GuestConfig
from vms.models import Operation, VirtualMachine
from vms.operations import words
from vms.operations.changing import Change, request_change
from vms.operations.edits import CHANGED_ELSEWHERE, ChangeVerb, Edit
from vms.operations.errors import Refusal
from vms.operations.steps import Broken, Done, Step, Verdict
from vms.states import OperationKind

WAITS = "It holds after the next shut down and start."
PROTECTED = (
    "It is protected against deletion. An RTP takes the protection off in Proxmox: the VM's Options, Protection, No."
)


class Who(TypedDict):
    """Who asks, from where, and the number of the form."""

    by: User | None
    address: str
    key: str


class Setting(Edit):
    """One change of settings. `keys` are Proxmox's options it touches; `told` is what is so afterwards."""

    name = "settings"
    label = "Change the settings"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """The options; the operation says that they wait where they do."""
        raise NotImplementedError

    def told(self, op: Operation) -> str:
        """What is so once it holds, in a sentence."""
        raise NotImplementedError

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """What a running machine does not let go of is refused, and yet it waits: then that was done."""
        is_no = isinstance(error, Refused) and not isinstance(error, ConfigChanged)
        if is_no and self.is_set(op, self.config(op, cluster)):
            return Done("The running machine could not take it.")
        return super().refused(op, cluster, error)

    def gone_elsewhere(self, op: Operation, what: str) -> Broken:
        """For a device that is no longer what was meant."""
        return Broken(words.did_not(op, f"{what} {CHANGED_ELSEWHERE}"))


class SettingVerb(ChangeVerb):
    """A change that is one step."""

    steps: ClassVar[tuple[Step, ...]]

    def __init__(self, kind: OperationKind, edit: Setting) -> None:
        self.kind, self.edit = kind, edit
        self.steps = (edit,)  # type: ignore[misc]  # one class for all kinds

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """What is so, or will be."""
        waits = config is not None and not config.pending_keys.isdisjoint(self.edit.keys(op))
        return f"{self.edit.told(op)} {WAITS}" if waits else self.edit.told(op)


def ask(
    vm: VirtualMachine,
    verb: SettingVerb,
    plan: Callable[[VirtualMachine], dict[str, Any]],
    digest: str,
    who: Who,
) -> Operation:
    """Asks for a change that takes no more room. `plan` makes the wish out of the row; it may raise Refusal."""

    def change(fresh: VirtualMachine) -> Change:
        refuse_outdated(fresh, digest)
        seen = fresh.hardware.get("told", {}) if digest else {}
        return Change({**plan(fresh), "digest": digest, "seen": seen})

    return request_change(vm, verb.kind, verb.steps, change, **who)


def refuse_outdated(vm: VirtualMachine, digest: str) -> None:
    """Raises Refusal where the row is newer than the page the person saw."""
    if digest and vm.config_digest and digest != vm.config_digest:
        raise Refusal(CHANGED_ELSEWHERE)


def refuse_protected(vm: VirtualMachine) -> None:
    """Raises Refusal where Proxmox keeps the machine's drives from being removed."""
    if vm.hardware.get("is_protected"):
        raise Refusal(f"{vm.name} cannot be changed like that. {PROTECTED}", "slot")


def disks_of(vm: VirtualMachine) -> Iterator[dict[str, Any]]:
    """Disks of the row: no CD drives and no cloud-init drive. What waits and is unused too."""
    return (each for each in vm.hardware.get("disks", []) if not (each["is_cdrom"] or each["is_cloud_init"]))


def drives_of(vm: VirtualMachine) -> Iterator[dict[str, Any]]:
    """CD drives of the row, without the one that carries cloud-init's settings."""
    return (each for each in vm.hardware.get("disks", []) if each["is_cdrom"] and not each["is_cloud_init"])


def nics_of(vm: VirtualMachine) -> list[dict[str, Any]]:
    """Network cards of the row."""
    return list(vm.hardware.get("nics", []))


def held(devices: Iterator[dict[str, Any]] | list[dict[str, Any]], slot: str, what: str) -> dict[str, Any]:
    """The device in that slot; raises Refusal where this machine has none there."""
    found = next((each for each in devices if each["slot"] == slot), None)
    if found is None:
        raise Refusal(f"It has no such {what}. Load the page again.", "slot")
    return found
