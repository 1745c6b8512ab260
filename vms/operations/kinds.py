"""Which class walks which kind of operation."""

from vms.models import Operation
from vms.operations.boot import BOOT
from vms.operations.create import Create
from vms.operations.delete import Delete
from vms.operations.detaching import DETACHING
from vms.operations.disks import DISKS
from vms.operations.drives import DRIVES
from vms.operations.move import Move
from vms.operations.networks import NETWORKS
from vms.operations.options import OPTIONS
from vms.operations.pending import PENDING
from vms.operations.power import POWER
from vms.operations.resize import RESIZING
from vms.operations.snapshots import SNAPSHOTS
from vms.operations.trash import TRASHING
from vms.operations.verb import Verb
from vms.states import OperationKind

KINDS: dict[OperationKind, Verb] = {
    OperationKind.CREATE: Create(),
    OperationKind.DELETE: Delete(),
    OperationKind.MOVE: Move(),
    **POWER,
    **RESIZING,
    **DISKS,
    **DETACHING,
    **NETWORKS,
    **DRIVES,
    **BOOT,
    **OPTIONS,
    **PENDING,
    **SNAPSHOTS,
    **TRASHING,
}


def verb_of(op: Operation) -> Verb:
    """The class for this operation."""
    return KINDS[OperationKind(op.kind)]
