"""A form that comes once more after what it asked for has ended: it is told so, and nothing is done a second time.

A page's script knows who came back by the history, and sends the number that was sent before. Without scripts a page
that was gone back to is a new one with a new number. So there the same wish within SOON is asked about before it is
done again: most are refused by the machine's state or name, but a second reboot or a second disk would be made.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.spent import forget_sent, sent_once
from vms.change_table import page_for
from vms.models import Operation, VirtualMachine
from vms.operations.requests import known
from vms.rows import clock
from vms.states import OperationState
from vms.verbs import fact
from vms.views.person import PersonRequest

P = ParamSpec("P")
SNAPSHOTS = frozenset({"snapshot", "roll_back", "drop_snapshot"})
PLACES = {"list": "vms:list", "console": "consoles:page"}
SOON = timedelta(minutes=5)
#: What is new on every page, or says that there are no scripts, or that it is meant.
NO_WISH = frozenset({"csrfmiddlewaretoken", "key", "digest", "plain", "again"})


def told_once(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[PersonRequest, P], HttpResponse]:
    """Answers a POST whose key stands for something that has ended; what is still at work is the view's."""

    @wraps(view)
    def inner(request: PersonRequest, *args: P.args, **kw: P.kwargs) -> HttpResponse:
        made = known(request.user, request.POST.get("key", "")) if request.method == "POST" else None
        if made is not None and made.is_at_rest:
            return _tell(request, made)
        is_plain = request.method == "POST" and "plain" in request.POST and "again" not in request.POST
        if not is_plain or made is not None:
            return view(request, *args, **kw)
        return _asked_first(request, lambda: view(request, *args, **kw))

    return inner  # type: ignore[return-value]


def _asked_first(request: PersonRequest, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Acts, unless the person sent the very same SOON before and it was accepted: then asks whether it is meant."""
    told = [(name, values) for name, values in request.POST.lists() if name not in NO_WISH]
    wish, now = wish_of(request.path, told), timezone.now()
    with sent_once(request.user, wish, now, kept=SOON) as before:
        if before is not None:
            return _ask(request, told, before)
        answer = act()
    if known(request.user, request.POST.get("key", "")) is None:
        forget_sent(request.user, wish)
    return answer


def wish_of(path: str, told: list[tuple[str, list[str]]]) -> str:
    """The same for the same wish: where it was sent, and all it says."""
    return json.dumps([path, sorted(told)])


def _ask(request: PersonRequest, told: list[tuple[str, list[str]]], before: datetime) -> HttpResponse:
    made = Operation.objects.filter(actor=request.user, created_at__gte=before).select_related("vm").last()
    context = {
        "fields": [(name, value) for name, values in told for value in values],
        "at": clock(before, timezone.now()),
        "digest": request.POST.get("digest"),
        "fact": fact(made.kind, made.state, made.vm.name) if made else "",
    }
    return render(request, "vms/again.html", context, status=409)


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
