"""Pages about limits: ask for more, see the answer, and an RTP's decision."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import is_rtp, pools_managed_by
from accounts.addresses import address_of
from accounts.models import Pool, User
from accounts.pools import find_personal_pool, personal_pool_for
from accounts.proof import require_proof
from accounts.view_as import readable_as_member
from quotas import asking
from quotas.asking import may_ask, may_see
from quotas.errors import Refused
from quotas.footprint import Footprint, Usage
from quotas.forms import AnswerForm, AskForm, filled_in
from quotas.limits import limit_of_member
from quotas.models import MoreRequest
from quotas.shown import Line, lines
from quotas.states import RequestState
from quotas.usage import QuotaFigures, figures

OPEN = RequestState.OPEN


def person_of(request: HttpRequest) -> User:
    """The signed-in person."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    return request.user


@require_http_methods(["GET", "POST"])
@login_required
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for more: current use and limit beside the numbers wished for."""
    user = person_of(request)
    pool = _pool(request, user)
    form = AskForm(request.POST or None, initial=_filled_in(request))
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            made = asking.ask(
                pool or personal_pool_for(user), form.numbers, reason=form.cleaned_data["reason"],
                until=form.cleaned_data["until"], by=user, address=address_of(request),
            )  # fmt: skip
        except Refused as refusal:
            problem = refusal.sentence
        else:
            messages.success(request, "Sent. RTPs were told; the answer comes by mail and stands here.")
            return redirect("quotas:request", asked_ref=made.ref)
    context = {"form": form, "pool": pool, "problem": problem, "lines": _lines(pool, user), "pools": _others(user)}
    return render(request, "quotas/ask.html", context, status=422 if request.method == "POST" else 200)


@require_safe
@readable_as_member
@login_required
def requests(request: HttpRequest) -> HttpResponse:
    """My limits, my requests and their answers; an RTP sees everybody's requests."""
    user = person_of(request)
    found = MoreRequest.objects.select_related("pool", "asked_by", "decided_by", "allowance")
    if not is_rtp(user):
        found = found.filter(pool__in=pools_managed_by(user)) | found.filter(asked_by=user)
    context = {"requests": found.distinct()[:100], "lines": _lines(find_personal_pool(user), user)}
    return render(request, "quotas/requests.html", context)


@require_safe
@readable_as_member
@login_required
def request_page(request: HttpRequest, asked_ref: str) -> HttpResponse:
    """One request: what was asked, the figures beside it, and for an RTP the answer's form."""
    user = person_of(request)
    asked = _request(user, asked_ref)
    return render(request, "quotas/request.html", _context(user, asked, AnswerForm(initial=filled_in(asked))))


@require_POST
@login_required
def answer(request: HttpRequest, asked_ref: str) -> HttpResponse:
    """An RTP's answer. The address in a mail leads to the page only; this takes a POST and a fresh proof."""
    user = person_of(request)
    if not is_rtp(user):
        raise PermissionDenied("Only an RTP decides this.")
    asked = _request(user, asked_ref)
    require_proof(request, f"Answer the request for {asked.pool}")
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            _answer(request, user, asked, form)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(request, f"Answered. {asked.asked_by} is told by mail.")
        return redirect("quotas:request", asked_ref=asked_ref)
    return render(request, "quotas/request.html", _context(user, asked, form), status=422)


@require_POST
@login_required
def withdraw(request: HttpRequest, asked_ref: str) -> HttpResponse:
    """Takes a request back."""
    user = person_of(request)
    asked = _request(user, asked_ref)
    try:
        asking.withdraw(asked, by=user, address=address_of(request))
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "The request is withdrawn.")
    return redirect("quotas:request", asked_ref=asked_ref)


def _context(user: User, asked: MoreRequest, form: AnswerForm) -> dict[str, object]:
    is_open = asked.state == OPEN
    return {
        "asked": asked,
        "form": form,
        "lines": lines(figures(asked.pool), asked),
        "is_open": is_open,
        "may_withdraw": is_open and may_ask(user, asked.pool),
    }


def _answer(request: HttpRequest, user: User, asked: MoreRequest, form: AnswerForm) -> None:
    said, address = form.cleaned_data["answer"], address_of(request)
    if request.POST.get("act") == "decline":
        asking.decline(asked, answer=said, by=user, address=address)
        return
    until = form.cleaned_data["until"]
    asking.approve(asked, form.numbers, until=until, answer=said, by=user, address=address)


def _request(user: User, ref: str) -> MoreRequest:
    found = (
        MoreRequest.objects.select_related("pool", "pool__owner", "asked_by", "decided_by", "allowance")
        .filter(ref=ref)
        .first()
    )
    if found is None or not may_see(user, found):
        raise Http404("No request of yours is here.")
    return found


def _pool(request: HttpRequest, user: User) -> Pool | None:
    """The pool the address names, one the person manages; without one the own pool (None before it is made)."""
    wanted = request.GET.get("pool", "")
    if not wanted:
        return find_personal_pool(user)
    found = pools_managed_by(user).filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 18 else None
    if found is None:
        raise Http404("No pool of yours is here.")
    return found


def _others(user: User) -> list[Pool]:
    return [pool for pool in pools_managed_by(user) if pool.owner_id != user.pk]


def _lines(pool: Pool | None, user: User) -> list[Line]:
    if pool is None:
        return lines(QuotaFigures(rule=limit_of_member(user), usage=Usage(), held=Footprint()), None)
    return lines(figures(pool), None)


def _filled_in(request: HttpRequest) -> dict[str, Any]:
    """Figures that a refusal put into the address; only whole numbers are taken over."""
    names = ("cores", "memory_gib", "disk_gib")
    return {name: request.GET[name] for name in names if request.GET.get(name, "").replace(".", "", 1).isdecimal()}
