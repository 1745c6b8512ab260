"""A form that comes once more after what it asked for has ended: it is told so, and nothing is done a second time."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from vms.change_table import page_for
from vms.models import Operation, VirtualMachine
from vms.operations.requests import known
from vms.rows import clock
from vms.states import OperationState
from vms.views.person import PersonRequest

P = ParamSpec("P")
SNAPSHOTS = frozenset({"snapshot", "roll_back", "drop_snapshot"})
PLACES = {"list": "vms:list", "console": "consoles:page"}


def told_once(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[PersonRequest, P], HttpResponse]:
    """Answers a POST whose key stands for something that has ended; what is still at work is the view's."""

    @wraps(view)
    def inner(request: PersonRequest, *args: P.args, **kw: P.kwargs) -> HttpResponse:
        made = known(request.user, request.POST.get("key", "")) if request.method == "POST" else None
        return view(request, *args, **kw) if made is None or not made.is_at_rest else _tell(request, made)

    return inner  # type: ignore[return-value]


def sentence(made: Operation) -> str:
    """What became of it, and when."""
    at = clock(made.finished_at, timezone.now())
    match OperationState(made.state):
        case OperationState.SUCCEEDED:
            return f"This was done already at {at}. Nothing was done a second time."
        case OperationState.FAILED:
            return f"This was sent already and failed at {at}. Nothing was done a second time."
        case _:
            return "This was sent already. An RTP has to look how it ended. Nothing was done a second time."


def _tell(request: PersonRequest, made: Operation) -> HttpResponse:
    seen = VirtualMachine.objects.visible_to(request.user).filter(pk=made.vm_id)
    steps = reverse("vms:operation", args=[made.vm_id, made.pk]) if seen.exists() else ""
    messages.info(request, sentence(made), extra_tags=steps)
    place = _place(request, made) if seen.listed().exists() else "vms:list"
    return redirect(place) if place == "vms:list" else redirect(place, vm_id=made.vm_id)


def _place(request: PersonRequest, made: Operation) -> str:
    """Where the form's first answer led to."""
    found = page_for(made.kind)
    if found:
        return f"vms:{found[1].tab}"
    return "vms:snapshots" if made.kind in SNAPSHOTS else PLACES.get(request.POST.get("next", ""), "vms:detail")
