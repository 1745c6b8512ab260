"""An RTP's lock of one machine, and its end."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.proof import require_proof
from vms import selectors
from vms.access import vm_for
from vms.forms import LockForm
from vms.models import VirtualMachine
from vms.operations import Refusal
from vms.operations.locks import lock_machine, unlock_machine
from vms.states import Action
from vms.views.person import PersonRequest, person_required


@require_POST
@person_required
def lock(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Locks it; a reason that is missing or too long is told beside the field, and what was typed stays."""
    vm = _vm(request, vm_id)
    require_proof(request, f"Lock {vm.name}")
    form = LockForm(request.POST)
    if form.is_valid():
        try:
            lock_machine(
                vm, by=request.user, reason=form.cleaned_data["reason"], address=address_of(request), now=timezone.now()
            )
        except Refusal as refusal:
            form.add_error("reason" if refusal.field else None, refusal.sentence)
        else:
            messages.success(request, f"{vm.name} is locked. Nobody can start it, and its members lose the console.")
            return redirect("vms:detail", vm_id=vm.pk)
    context = {"tab": "overview", "lock_form": form, **selectors.heading(request.user, vm, timezone.now())}
    return render(request, "vms/detail.html", context, status=422)


@require_POST
@person_required
def unlock(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Undoes it."""
    vm = _vm(request, vm_id)
    require_proof(request, f"Unlock {vm.name}")
    try:
        unlock_machine(vm, by=request.user, address=address_of(request))
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, f"{vm.name} is not locked any more. It can be started again.")
    return redirect("vms:detail", vm_id=vm.pk)


def _vm(request: PersonRequest, vm_id: int) -> VirtualMachine:
    vm = vm_for(request.user, vm_id, Action.VIEW)
    if not is_rtp(request.user):
        raise PermissionDenied("Only an RTP locks and unlocks a VM.")
    return vm
