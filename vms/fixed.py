"""Why the settings of a machine cannot be changed right now, in one sentence."""

from accounts.models import User
from vms import restraints
from vms.models import VirtualMachine
from vms.rows import Rights, Row, button_of
from vms.shown import LOCK_WORDS
from vms.states import Action


def why_fixed(user: User, row: Row, action: Action = Action.RESIZE) -> str:
    """The reason that counts most; empty where `action` can be asked for. `row` is the machine as its page shows it."""
    vm = row.vm
    return (
        button_of(vm, action, row.operation, Rights(user)).reason
        or restraints.of_trash(vm, action)
        or _busy(vm)
        or ("" if vm.config_read_at else "Its settings have not been read yet. Wait a few seconds.")
    )


def _busy(vm: VirtualMachine) -> str:
    if not vm.lock:
        return ""
    return f"{LOCK_WORDS.get(vm.lock, f'Proxmox holds it ({vm.lock})')} in Proxmox: wait until that is over."
