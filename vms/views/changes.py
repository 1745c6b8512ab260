"""Pages that change a machine: what they ask for, and what they do with refusals and with changes made elsewhere."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.addresses import address_of
from accounts.proof import require_proof
from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from vms import parts, selectors
from vms.access import by_power, vm_for
from vms.change_form import ChangeForm
from vms.change_table import PAGES, Page, arguments, page_for, title
from vms.fixed import why_fixed
from vms.hardware_forms import sizes_for
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, request_apply
from vms.room import explain
from vms.states import Action
from vms.templatetags.vm_tags import new_key
from vms.views.person import PersonRequest, person_required
from vms.views.repeated import told_once


@require_http_methods(["GET", "POST"])
@person_required
@told_once
def change(request: PersonRequest, vm_id: int, name: str) -> HttpResponse:
    """One change: GET shows its small page, POST asks for it. A second send leads to what the first one made."""
    action, page, vm = _wanted(request, vm_id, name)
    if request.method == "GET":
        return _show(request, vm, page, _form(vm, page, request.GET.get("slot", "")))
    if by_power(request.user, vm, action):
        require_proof(request, f"{page.title.format(device='a device')}: {vm.name}")
    made = Operation.objects.filter(actor=request.user, idempotency_key=request.POST.get("key", "")).first()
    if made:
        return _watch(made, page.tab)
    form = _form(vm, page, request.POST.get("slot", ""), request.POST)
    if form.is_valid():
        return _ask(request, vm, page, form)
    return _show(request, vm, page, form, status=422)


@require_GET
@person_required
def change_uses(request: PersonRequest, vm_id: int, name: str) -> HttpResponse:
    """What the typed numbers would use of what is left, for a page that asks while somebody types. Changes nothing."""
    _, page, vm = _wanted(request, vm_id, name)
    form = _form(vm, page, request.GET.get("slot", ""), request.GET)
    return render(request, "vms/_uses.html", _room(request, vm, form))


@require_POST
@person_required
@told_once
def apply(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Restarts the machine so that what waits holds."""
    vm = vm_for(request.user, vm_id, Action.APPLY)
    if by_power(request.user, vm, Action.APPLY):
        require_proof(request, f"Restart {vm.name}")
    try:
        key = request.POST.get("key", "")
        made = request_apply(vm, by=request.user, address=address_of(request), key=key)
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
        return redirect("vms:hardware", vm_id=vm.pk)
    return _watch(made, "hardware")


def _wanted(request: PersonRequest, vm_id: int, name: str) -> tuple[Action, Page, VirtualMachine]:
    """The machine is looked for first, so that strangers cannot tell what exists by the answer."""
    found = page_for(name)
    vm = vm_for(request.user, vm_id, found[0] if found else Action.VIEW)
    if found is None:
        raise Http404("There is no such change.")
    return *found, vm


def _form(vm: VirtualMachine, page: Page, slot: str, sent: Any = None) -> ChangeForm:
    device = page.device(vm, slot)
    if page.devices is not None and device is None:
        raise Http404("It has no such device.")
    return page.form(sent, vm=vm, device=device)


def _ask(request: PersonRequest, vm: VirtualMachine, page: Page, form: ChangeForm) -> HttpResponse:
    if (seen := form.cleaned_data["digest"]) and vm.config_digest and seen != vm.config_digest:
        return _show(request, vm, page, form, status=409, conflict=form.compared(form.cleaned_data))
    who = {"by": request.user, "address": address_of(request), "key": form.cleaned_data["key"]}
    room = _room(request, vm, form) if page.shows_room else {}
    try:
        return _watch(page.request(vm, **arguments(form), **who), page.tab)
    except QuotaExceeded as refusal:
        form.refuse_room(refusal)
        why = explain(vm.pool, refusal, growing=vm) if vm.pool else None
        problem = "Nothing was changed." if form.errors else f"{refusal.sentence} Nothing was changed."
        return _show(request, vm, page, form, status=422, problem=problem, why=why, **room)
    except Refusal as refusal:
        form.refuse(refusal)
    return _show(request, vm, page, form, status=422)


def _watch(made: Operation, tab: str) -> HttpResponse:
    """The tab it was asked from, which tells how it goes."""
    return redirect(f"{reverse(f'vms:{tab}', args=[made.vm_id])}?watching={made.pk}")


def _show(
    request: PersonRequest, vm: VirtualMachine, page: Page, form: ChangeForm, status: int = 200, **more: Any
) -> HttpResponse:
    """The small page. After a change elsewhere its form is about the newer settings; else it is as it came."""
    row = selectors.vm_row(request.user, vm, timezone.now())
    name = next(action for action, each in PAGES.items() if each is page)
    order = form["order"].value() if "order" in form.fields else None
    context = {
        "vm": vm,
        "row": row,
        "page": page,
        "name": name,
        "form": form,
        "title": title(page, form),
        "key": form["key"].value() or new_key(),
        "digest": vm.config_digest if status in {200, 409} else form["digest"].value(),
        "fixed": why_fixed(request.user, row, name) if status == 200 else "",
        "boot": parts.boot_list(vm, request.GET.get("order", order or "").split(",")) if order is not None else [],
        "tab_url": reverse(f"vms:{page.tab}", args=[vm.pk]),
    }
    room = _room(request, vm, form) if page.shows_room else {}
    return render(request, page.template, context | room | more, status=status)


def _room(request: PersonRequest, vm: VirtualMachine, form: ChangeForm) -> dict[str, Any]:
    """What the form's numbers would use of what is left, and which presets do not fit."""
    figures = selectors.figures_of(vm.pool, request.user)
    adds = form.adds() if form.is_bound and form.errors is not None else Footprint()
    return {"uses": selectors.uses(figures, adds), "sizes": sizes_for(form, figures.free)}
