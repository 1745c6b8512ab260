"""The tabs Hardware and Settings of a machine."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.view_as import readable_as_member
from vms import selectors
from vms.access import vm_for
from vms.change_table import PAGES
from vms.fixed import why_fixed
from vms.models import Operation, VirtualMachine
from vms.rows import Row
from vms.states import Action, OperationState
from vms.views.conflict import conflict_of
from vms.views.person import PersonRequest, person_required


@require_GET
@readable_as_member
@person_required
def hardware(request: PersonRequest, vm_id: int) -> HttpResponse:
    """What the machine is made of, as last read, and the way to change each part."""
    return _tab(request, vm_id, "hardware", Action.RESIZE)


@require_GET
@readable_as_member
@person_required
def settings(request: PersonRequest, vm_id: int) -> HttpResponse:
    """What it is called and what is written about it."""
    return _tab(request, vm_id, "settings", Action.RENAME)


def _tab(request: PersonRequest, vm_id: int, tab: str, action: Action) -> HttpResponse:
    vm = vm_for(request.user, vm_id, Action.VIEW)
    heading = selectors.heading(request.user, vm, timezone.now())
    row = heading["row"]
    assert isinstance(row, Row)  # noqa: S101 (heading() says so)
    context = {"tab": tab, "fixed": why_fixed(request.user, row, action), **heading, **_told(request, vm)}
    can_apply = not why_fixed(request.user, row, Action.APPLY)
    part = f"vms/_{tab}.html" if request.htmx and request.htmx.target == "tab" else f"vms/{tab}.html"
    return render(request, part, context | {"can_apply": can_apply})


def _told(request: PersonRequest, vm: VirtualMachine) -> dict[str, Any]:
    """The newest change: on its way, failed, or just done (where the page was led to by it)."""
    changes = Operation.objects.filter(vm=vm, kind__in=[*PAGES, Action.APPLY])
    last = changes.select_related("actor", "vm").first()
    watched = request.GET.get("watching", "")
    if last is None or (last.state == OperationState.SUCCEEDED and watched != str(last.pk)):
        return {}
    return {"change": last, "conflict": conflict_of(vm, last), "watching": watched}
