"""POSTs that ask for something to be done to a machine, and the pages that ask back first."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.proof import require_proof
from quotas.errors import QuotaExceeded
from vms import selectors
from vms.access import by_power, vm_for
from vms.forms import ConfirmForm, DeleteForm
from vms.models import Operation, VirtualMachine
from vms.operations import (
    Refusal,
    dismiss_failed,
    request_delete,
    request_power,
    request_restore,
    request_trash,
    settle,
)
from vms.room import explain
from vms.states import Action, Lifecycle, OperationKind
from vms.templatetags.vm_tags import new_key
from vms.verbs import MENU, Verb, verb
from vms.views.person import PersonRequest, person_required
from vms.views.repeated import told_once


@require_http_methods(["GET", "POST"])
@person_required
@told_once
def action(request: PersonRequest, vm_id: int, name: str) -> HttpResponse:
    """Asks for one action. What loses work is asked back first, on a page that works without scripts."""
    if name not in MENU:
        raise Http404("There is no such action.")
    wanted = Action(name)
    vm, words = vm_for(request.user, vm_id, wanted), verb(wanted)
    if request.method == "POST" and by_power(request.user, vm, wanted):
        require_proof(request, f"{words.label} {vm.name}")
    form = _form(request, vm, wanted)
    is_sure = not words.warning or (request.method == "POST" and "confirm" in request.POST)
    if request.method == "GET" or not is_sure or not form.is_valid():
        return _ask_back(request, vm, wanted, words, form if is_sure and request.method == "POST" else None)
    try:
        _act(request, vm, wanted, form.cleaned_data["key"])
    except QuotaExceeded as refusal:
        _say_why(request, vm, f"{vm.name} cannot {words.label.lower()} yet. {refusal.sentence}", refusal)
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    if request.POST.get("next") == "list":
        return redirect("vms:list")
    return redirect("consoles:page" if request.POST.get("next") == "console" else "vms:detail", vm_id=vm.pk)


@require_POST
@person_required
def dismiss(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Puts a failed creation away; it stays in Activity."""
    vm = vm_for(request.user, vm_id, Action.VIEW)
    if by_power(request.user, vm, Action.DELETE):
        require_proof(request, f"Put {vm.name} away")
    if vm.lifecycle == Lifecycle.FAILED:
        try:
            dismiss_failed(vm, request.user)
        except Refusal as refusal:
            messages.error(request, refusal.sentence)
    return redirect("vms:list")


@require_POST
@person_required
def settle_operation(request: PersonRequest, vm_id: int, operation_id: int) -> HttpResponse:
    """An RTP says how an operation ended that could not be found out, or sets the portal looking again."""
    vm = vm_for(request.user, vm_id, Action.VIEW)
    if not is_rtp(request.user):
        raise PermissionDenied("Only an RTP settles this.")
    require_proof(request, f"Say how the last action on {vm.name} ended")
    operation = Operation.objects.filter(vm=vm, pk=operation_id).first()
    if operation is None:
        raise Http404("No operation of yours is here.")
    act = settle.ACTS.get(request.POST.get("act", ""))
    try:
        if act is None:
            raise Refusal("Say what you saw: it was done, it was not, or look again.")
        act(operation, request.user, address_of(request))
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    return redirect("vms:operation", vm_id=vm.pk, operation_id=operation.pk)


def _say_why(request: PersonRequest, vm: VirtualMachine, sentence: str, refusal: QuotaExceeded) -> None:
    """The refusal with the sum by machine, what would make room, and where to ask for more (the message's tag)."""
    assert vm.pool is not None  # noqa: S101 (a machine without a pool cannot be acted on)
    why = explain(vm.pool, refusal)
    messages.error(request, f"{sentence} {why.text}", extra_tags=why.ask)


def _act(request: PersonRequest, vm: VirtualMachine, wanted: Action, key: str) -> Operation:
    if wanted == Action.DELETE:
        return request_delete(vm, by=request.user, address=address_of(request), key=key)
    if wanted in {Action.TRASH, Action.RESTORE}:
        ask = request_trash if wanted == Action.TRASH else request_restore
        return ask(vm, by=request.user, address=address_of(request), key=key)
    is_forced = wanted == Action.STOP
    return request_power(
        vm, OperationKind(wanted), by=request.user, address=address_of(request), key=key, force=is_forced
    )


def _form(request: PersonRequest, vm: VirtualMachine, wanted: Action) -> ConfirmForm:
    posted = request.POST.copy()
    if not verb(wanted).warning:
        posted["confirm"] = "yes"
    return DeleteForm(posted, vm_name=vm.name) if wanted == Action.DELETE else ConfirmForm(posted)


def _ask_back(
    request: PersonRequest, vm: VirtualMachine, wanted: Action, words: Verb, form: ConfirmForm | None
) -> HttpResponse:
    row = selectors.vm_row(request.user, vm, timezone.now())
    button = selectors.button_of(request.user, vm, wanted, row)
    context = {
        "vm": vm,
        "row": row,
        "button": button,
        "words": words,
        "form": form or (DeleteForm(vm_name=vm.name) if wanted == Action.DELETE else ConfirmForm()),
        "key": new_key(),
        "is_delete": wanted == Action.DELETE,
        "is_trash": wanted == Action.TRASH,
        "trash_days": settings.TRASH_DAYS,
    }
    return render(request, "vms/confirm.html", context, status=422 if form else 200)
