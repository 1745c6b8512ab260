"""An RTP changes the limit of one pool: figures, allowances in force, and a form."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.addresses import address_of
from accounts.models import Pool
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof
from quotas import allowances
from quotas.forms import GiveForm, filled_in
from quotas.models import Allowance
from quotas.shown import lines
from quotas.usage import figures

BIGGEST = 2**63 - 1
BOTH = "What holds now stands above, what you typed below. Send it again to put yours in its place."
#: The page that opens the form in place; it belongs to a higher app.
LIST = "/rtp/pools/"


@require_http_methods(["GET", "POST"])
@rtp_required
def pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """One pool's limits. A POST gives an allowance; it never stops anything."""
    found = Pool.objects.select_related("owner").filter(pk=min(pool_id, BIGGEST)).first()
    if found is None:
        raise Http404("There is no such pool.")
    form, back = GiveForm(request.POST or None, initial=_now(found)), _back(request)
    if request.method == "POST":
        require_proof(request, f"Change the limit of {found}")
        if form.is_valid() and _give(request, found, form):
            messages.success(request, f"The limit of {found} is {form.numbers.words} now.")
            return redirect(back or resolve_url("quotas:pool", pool_id=found.pk))
    context = {
        "pool": found,
        "form": form,
        "lines": lines(figures(found), None),
        "allowances": Allowance.objects.filter(pool=found).in_force(timezone.localdate()).select_related("made_by"),
        "back": back,
        "seen": allowances.seen_of(found.pk),
        "is_rtps": found.owner is not None and found.owner.has_rtp_power,
    }
    if request.method == "GET" and "HX-Request" in request.headers:
        return render(request, "quotas/_give.html", context)
    return render(request, "quotas/pool.html", context, status=422 if request.method == "POST" else 200)


def _give(request: RtpRequest, found: Pool, form: GiveForm) -> bool:
    """Gives it, unless other allowances are in force than those the RTP saw; then the form says so."""
    try:
        allowances.give(
            found, form.numbers, reason=form.cleaned_data["reason"], until=form.cleaned_data["until"],
            by=request.user, address=address_of(request), seen=request.POST.get("seen", ""),
        )  # fmt: skip
    except allowances.ChangedMeanwhile as changed:
        form.add_error(None, f"{changed.sentence} {BOTH}")
        return False
    return True


@require_POST
@rtp_required
def end_allowance(request: RtpRequest, allowance_id: int) -> HttpResponse:
    """Ends an allowance now: the rule below it holds again."""
    found = Allowance.objects.select_related("pool").filter(pk=min(allowance_id, BIGGEST)).first()
    if found is None:
        raise Http404("There is no such allowance.")
    require_proof(request, f"End the allowance of {found.pool}")
    if allowances.end(found, by=request.user, address=address_of(request)):
        messages.success(request, f"The allowance of {found.pool} has ended. Nothing is stopped by it.")
    else:
        messages.error(request, "This allowance had ended already.")
    return redirect("quotas:pool", pool_id=found.pool_id)


def _back(request: RtpRequest) -> str:
    """The list of pools the form was opened in, with how it was narrowed; empty elsewhere."""
    here = urlsplit(request.POST.get("back") or request.headers.get("HX-Current-URL", ""))
    return f"{here.path}?{here.query}" if here.path == LIST else ""


def _now(found: Pool) -> dict[str, Any]:
    """The newest allowance in force, as where to start from."""
    newest = Allowance.objects.filter(pool=found).in_force(timezone.localdate()).first()
    return filled_in(newest) if newest else {}
