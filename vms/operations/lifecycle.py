"""Moves of a machine's lifecycle: updates filtered by the old state, inside the caller's transaction."""

from typing import Any

from django.db import transaction

from vms.models import VirtualMachine
from vms.signals import vm_gone
from vms.states import LIFECYCLE_MOVES, IllegalMove, Lifecycle


def move(vm: VirtualMachine, to: Lifecycle, **columns: Any) -> None:
    """Moves the machine; IllegalMove where the table or the row does not allow it. GONE ends its consoles."""
    old = Lifecycle(vm.lifecycle)
    if to not in LIFECYCLE_MOVES[old]:
        raise IllegalMove("machine", old, to)
    if VirtualMachine.objects.filter(pk=vm.pk, lifecycle=old).update(lifecycle=to, **columns) != 1:
        raise IllegalMove("machine", "another state by now", to)
    vm.lifecycle = to
    if to == Lifecycle.GONE:
        vm_id = vm.pk
        transaction.on_commit(lambda: vm_gone.send(sender=VirtualMachine, vm_id=vm_id))
