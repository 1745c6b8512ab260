"""Why a screen broke off, as far as our own rows know more than the broken stream does."""

from django.db import Error as DatabaseError

from consoles import close_codes
from consoles.authority import Authority
from consoles.close_codes import End
from vms.models import Node, VirtualMachine
from vms.rows import targets_of
from vms.shown import MIGRATE

#: Ends that only say that there was no answer, or no machine where it was.
UNSURE = frozenset({close_codes.NODE_ENDED, close_codes.UNREACHABLE, close_codes.STOPPED, close_codes.GONE})


def better(end: End, authority: Authority) -> tuple[End, str]:
    """The end with its reason, where the machine is moving to another node or its node is silent; else as it was.

    With the node to which it moves, empty where that is not known or it does not.
    """
    if end not in UNSURE:
        return end, ""
    try:
        return _known(authority) or (end, "")
    except DatabaseError:
        return end, ""


def is_silent(node: str) -> bool:
    """Whether a node of this name was known and did not answer when the cluster was last read."""
    return Node.objects.filter(name=node, is_online=False).exists()


def _known(authority: Authority) -> tuple[End, str] | None:
    vm = VirtualMachine.objects.filter(pk=authority.vm_id).only("node", "lock").first()
    if vm is None:
        return None
    if vm.node != authority.ref.node:
        return close_codes.MOVING, vm.node
    if vm.lock == MIGRATE:
        return close_codes.MOVING, targets_of([vm]).get(vm.pk, "")
    return (close_codes.NODE_DOWN, "") if is_silent(vm.node) else None
