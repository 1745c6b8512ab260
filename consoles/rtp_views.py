"""RTPs and consoles: all that are open, those that ended last, and the end of one or of a whole node's."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.addresses import address_of
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof
from accounts.spent import sent_once
from consoles import overview, visits
from consoles.forms import EndForm
from consoles.grants import MAX_ID
from consoles.models import ConsoleVisit
from consoles.receivers import look_at_vm
from vms.rows import sent_already


@require_GET
@never_cache
@rtp_required
def consoles(request: RtpRequest) -> HttpResponse:
    """Who has which screen open, narrowed by person, machine and node; asks for itself every few seconds."""
    now, words, node = timezone.now(), _plain(request.GET.get("q", "")), _plain(request.GET.get("node", ""))
    context = {
        "page": overview.open_now(words=words, node=node, page=request.GET.get("page"), now=now),
        "nodes": overview.at_nodes(now),
        "lately": overview.ended_lately(),
        "most_per_person": settings.CONSOLE_MAX_PER_PERSON,
        "words": words,
        "node": node,
    }
    return render(request, "consoles/rtp.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@rtp_required
def end_one(request: RtpRequest, visit_id: int) -> HttpResponse:
    """Asks for the reason, then ends it: its person reads who and why."""
    found = ConsoleVisit.objects.select_related("vm", "vm__pool").filter(pk=min(visit_id, MAX_ID)).first()
    if found is None:
        raise Http404("There is no such console.")
    what = f"{found.user_name}’s console of {found.vm.name}"
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_proof(request, f"End {what}")
        return _ended(request, [found.pk], form.cleaned_data["reason"], what)
    return _ask(request, form, what, [found] if found.closed_at is None and found.end_asked_at is None else [])


@require_http_methods(["GET", "POST"])
@never_cache
@rtp_required
def end_node(request: RtpRequest, node: str) -> HttpResponse:
    """The same for every console that is open at one node, such as before its maintenance."""
    node = _plain(node)
    found = list(overview.open_at(node).select_related("vm"))
    what = f"every console at {node}"
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_proof(request, f"End {what}")
        return _ended(request, [visit.pk for visit in found], form.cleaned_data["reason"], what)
    return _ask(request, form, what, found)


def _plain(typed: str) -> str:
    """What a database can be asked about."""
    return typed.replace("\0", "").strip()[:64]


def _ended(request: RtpRequest, visit_ids: list[int], reason: str, what: str) -> HttpResponse:
    """Once for each form: consoles that were opened after it was sent are not ended by sending it again."""
    now = timezone.now()
    with sent_once(request.user, request.POST.get("key", ""), now) as before:
        if before is None:
            _end_all(request, visit_ids, reason, what)
        else:
            messages.info(request, sent_already(before, now))
    return redirect("consoles:rtp")


def _end_all(request: RtpRequest, visit_ids: list[int], reason: str, what: str) -> None:
    address, now = address_of(request), timezone.now()
    asked = [visits.ask_to_end_with(request.user, pk, reason, address=address, now=now) for pk in visit_ids]
    machines = {visit.vm_id for visit in asked if visit is not None}
    for vm_id in machines:
        look_at_vm(None, vm_id=vm_id)
    if machines:
        count = sum(visit is not None for visit in asked)
        ends = f"{count} consoles end" if count > 1 else "It ends"
        messages.success(request, f"{ends} now. Who is in it reads your reason.")
    else:
        messages.info(request, f"Nothing to end: {what} was closed already.")


def _ask(request: RtpRequest, form: EndForm, what: str, found: list[ConsoleVisit]) -> HttpResponse:
    context = {"form": form, "what": what, "found": found}
    return render(request, "consoles/rtp_end.html", context, status=422 if form.errors else 200)
