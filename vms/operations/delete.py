"""Delete a machine with its disks."""

from accounts.models import User
from vms.models import Operation, VirtualMachine


def request_delete(vm: VirtualMachine, *, by: User, address: str, key: str) -> Operation:
    """Asks to delete a stopped machine. It stays listed (DELETING) until Proxmox has shown that it is gone."""
    raise NotImplementedError
