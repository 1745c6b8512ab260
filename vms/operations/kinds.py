"""Which class walks which kind of operation."""

from vms.models import Operation
from vms.operations.create import Create
from vms.operations.delete import Delete
from vms.operations.move import Move
from vms.operations.power import POWER
from vms.operations.snapshots import SNAPSHOTS
from vms.operations.verb import Verb
from vms.states import OperationKind

KINDS: dict[OperationKind, Verb] = {
    OperationKind.CREATE: Create(),
    OperationKind.DELETE: Delete(),
    OperationKind.MOVE: Move(),
    **POWER,
    **SNAPSHOTS,
}


def verb_of(op: Operation) -> Verb:
    """The class for this operation."""
    return KINDS[OperationKind(op.kind)]
