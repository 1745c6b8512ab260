"""What an audit row says of the machine it is about."""

from typing import Any

from vms.models import VirtualMachine


def about(vm: VirtualMachine) -> dict[str, Any]:
    """The target's part of `accounts.audit.record`."""
    return {"target_kind": "vm", "target_id": vm.pk, "target_name": vm.name, "machine_uuid": vm.smbios_uuid}
