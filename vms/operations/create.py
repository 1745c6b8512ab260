"""Create a machine from a template or an ISO."""

from accounts.models import Pool, User
from vms.models import Operation, VirtualMachine
from vms.operations.wishes import Size, Source


def request_create(
    *, pool: Pool | None, by: User, address: str, key: str, name: str, size: Size, source: Source
) -> Operation:
    """Asks for a new machine in `pool` (None: the person's own). `operation.vm` is its row, CREATING."""
    raise NotImplementedError


def dismiss_failed(vm: VirtualMachine, by: User) -> None:
    """Puts a failed creation away, so that lists no longer show it."""
    raise NotImplementedError
