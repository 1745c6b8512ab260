"""Pages that look: the list, one machine, its tabs, an operation, what happened, everything (RTP)."""

import json
from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import departures
from accounts.access import is_rtp
from accounts.models import User
from accounts.view_as import readable_as_member
from vms import capacity, filtering, selectors, timeline
from vms.access import may, vm_for
from vms.forms import LockForm
from vms.models import Operation, VirtualMachine
from vms.rows import Rights, rows, steps_of
from vms.states import Action, Lifecycle, OperationKind, OperationState
from vms.verbs import fact
from vms.views.conflict import conflict_of
from vms.views.person import PersonRequest, person_required


@require_GET
@readable_as_member
@person_required
def vm_list(request: PersonRequest) -> HttpResponse:
    """My VMs; asked for by htmx, only the part that lives."""
    now = timezone.now()
    view = selectors.outlook(VirtualMachine.objects.visible_to(request.user), now)
    shelves = selectors.shelves(request.user, now, view.outage)
    words = request.GET.get("q", "").strip()[: filtering.LONGEST]
    found = [replace(shelf, rows=filtering.matching(shelf.rows, words)) for shelf in shelves] if words else shelves
    context = {
        "notes": view.notes,
        "outage": view.outage,
        "no_create": departures.short(request.user),
        "shelves": [shelf for shelf in found if shelf.is_own or shelf.rows],
        "words": words,
        "count": sum(len(shelf.rows) for shelf in shelves),
        "is_moving": any(row.is_moving for shelf in shelves for row in shelf.rows),
    }
    return render(request, "vms/_list.html" if request.htmx else "vms/list.html", context)


@require_GET
@readable_as_member
@person_required
def detail(request: PersonRequest, vm_id: int) -> HttpResponse:
    """The overview of a machine; asked for by htmx, its heading or heading and overview.

    Whoever watches its creation is led to the console once it is made.
    """
    vm = vm_for(request.user, vm_id, Action.VIEW)
    watched = _watched(request, vm)
    if watched and watched.is_at_rest and _is_made(watched):
        console = reverse("consoles:page", args=[vm.pk]) + "?made=1"
        return HttpResponse(status=204, headers={"HX-Redirect": console}) if request.htmx else redirect(console)
    context = {"tab": _tab(request), "lock_form": LockForm(), **selectors.heading(request.user, vm, timezone.now())}
    if not request.htmx:
        return render(request, "vms/detail.html", context)
    response = render(request, "vms/_head.html" if request.htmx.target == "vm-head" else "vms/_live.html", context)
    if watched and watched.is_at_rest:
        response["HX-Trigger"] = json.dumps({"said": fact(watched.kind, watched.state, vm.name)})
    return response


@require_GET
@readable_as_member
@person_required
def activity(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Who did what to the machine, and how it ended."""
    vm = vm_for(request.user, vm_id, Action.VIEW)
    context = selectors.heading(request.user, vm, timezone.now())
    entries = timeline.of_machine(vm, request.GET.get("page"))
    return render(request, "vms/activity.html", {"tab": "activity", "entries": entries, **context})


@require_GET
@readable_as_member
@person_required
def operation(request: PersonRequest, vm_id: int, operation_id: int) -> HttpResponse:
    """One operation: its steps, its end. Polls itself until it is at rest."""
    vm = vm_for(request.user, vm_id, Action.VIEW)
    found = Operation.objects.filter(vm=vm, pk=operation_id).select_related("actor", "vm").first()
    if found is None:
        raise Http404("No operation of yours is here.")
    context = {"vm": vm, "operation": found, "steps": steps_of(found), "fact": fact(found.kind, found.state, vm.name)}
    context["conflict"] = conflict_of(vm, found) if may(request.user, vm, Action.RESIZE) else None
    return render(request, "vms/_operation.html" if request.htmx else "vms/operation.html", context)


@require_GET
@readable_as_member
@person_required
def history(request: PersonRequest) -> HttpResponse:
    """What happened to every machine the person may look at; `member` narrows it, for RTPs, to one person's own."""
    page, wanted = request.GET.get("page"), request.GET.get("member", "")
    member = User.objects.filter(username=wanted[:150]).first() if wanted and is_rtp(request.user) else None
    if wanted and member is None:
        raise Http404("There is nobody of that name.")
    entries = timeline.of_member(member, page) if member else timeline.of_person(request.user, page)
    return render(request, "vms/history.html", {"entries": entries, "member": member})


@require_GET
@person_required
def rtp(request: PersonRequest) -> HttpResponse:
    """All machines, the RTP's own first."""
    if not is_rtp(request.user):
        raise PermissionDenied("Only RTPs see every machine.")
    now, words = timezone.now(), request.GET.get("q", "").strip()[:60]
    view = selectors.outlook(VirtualMachine.objects.all(), now)
    page = selectors.everything(request.user, words, request.GET.get("page"))
    context = {
        "notes": view.notes,
        "page": page,
        "rows": rows(page.object_list, rights=Rights(request.user), now=now, outage=view.outage),
        "words": words,
    }
    return render(request, "vms/rtp.html", context)


@require_GET
@person_required
def cluster_capacity(request: PersonRequest) -> HttpResponse:
    """Nodes and storages: what there is, what is given away, what runs."""
    if not is_rtp(request.user):
        raise PermissionDenied("Only RTPs see the cluster's capacity.")
    view = selectors.outlook(VirtualMachine.objects.all(), timezone.now())
    lines = capacity.nodes()
    context = {
        "notes": view.notes, "nodes": lines, "storages": capacity.storages(), "spare": capacity.spare(lines),
    }  # fmt: skip
    return render(request, "vms/capacity.html", context)


def _watched(request: PersonRequest, vm: VirtualMachine) -> Operation | None:
    wanted = request.GET.get("watching", "")
    if not wanted.isdecimal() or len(wanted) > 18:
        return None
    return Operation.objects.filter(vm=vm, pk=int(wanted)).first()


def _tab(request: PersonRequest) -> str:
    """The tab whose heading asks for itself; the overview asks for all of it."""
    tab = request.GET.get("tab", "")
    return tab if request.htmx and tab in {"hardware", "settings", "snapshots", "console", "activity"} else "overview"


def _is_made(operation: Operation) -> bool:
    return (
        operation.kind == OperationKind.CREATE
        and operation.state == OperationState.SUCCEEDED
        and operation.vm.lifecycle == Lifecycle.READY
    )
