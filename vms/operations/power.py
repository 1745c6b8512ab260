"""Start, shut down, stop, reboot, reset, suspend, resume."""

from accounts.models import User
from vms.models import Operation, VirtualMachine
from vms.states import OperationKind


def request_power(
    vm: VirtualMachine, kind: OperationKind, *, by: User, address: str, key: str, force: bool = False
) -> Operation:
    """Asks for a change of power. `force`: a shutdown is ended hard when the guest does not obey in time; a stop does
    not wait for a shutdown in progress."""
    raise NotImplementedError
