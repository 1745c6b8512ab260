"""Pages of shared consoles: the maker's, where links are made and revoked, and the guest's."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.addresses import address_of
from accounts.models import User
from accounts.proof import require_proof
from consoles import granting, shares
from consoles.granting import STAY, refusal
from consoles.models import ConsoleShare
from consoles.receivers import look_at_vm
from consoles.share_forms import ShareForm
from vms.access import by_power, vm_for
from vms.form_keys import new_key
from vms.models import VirtualMachine
from vms.operations import Refusal
from vms.states import Action


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def share(request: HttpRequest, vm_id: int) -> HttpResponse:
    """Who has links to this console, and the form that makes one. The answer to it shows the link, once."""
    user = cast(User, request.user)
    vm = vm_for(user, vm_id, Action.CONTROL)
    if user.departed_at is not None:
        raise PermissionDenied("Whoever left the house shares no console.")
    if request.method == "GET":
        return _page(request, vm, ShareForm(initial={"key": new_key(timezone.now())}))
    if by_power(user, vm, Action.CONTROL):
        require_proof(request, f"Share the console of {vm.name}", reverse("consoles:share", args=[vm.pk]))
    form = ShareForm(request.POST)
    if form.is_valid() and (link := _make(request, user, vm, form)):
        fresh = ShareForm(initial={"key": new_key(timezone.now())})
        return _page(request, vm, fresh, link=link, guest=form.cleaned_data["guest"])
    return _page(request, vm, form)


@require_POST
@login_required
def revoke(request: HttpRequest, revoke_id: int) -> HttpResponse:
    """The maker, or whoever manages the machine, takes a link back; its console ends within two seconds."""
    user = cast(User, request.user)
    found = shares.for_revoking(revoke_id, user)
    if found is None:
        raise Http404("No link of yours is here.")
    if found.maker_id != user.pk and by_power(user, found.vm, Action.RENAME):
        require_proof(request, f"Revoke a link to {found.vm.name}")
    if shares.revoke(found, user, address=address_of(request), now=timezone.now()):
        look_at_vm(None, vm_id=found.vm_id)
    messages.success(request, "The link is revoked. A console that was open by it closes.")
    may_stay = shares.may_share(user, found.vm)
    return redirect("consoles:share", vm_id=found.vm_id) if may_stay else redirect("vms:list")


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def shared(request: HttpRequest, share_ref: str) -> HttpResponse:
    """Where a link leads: who shares what, and the button. Looking changes nothing; the button binds the link."""
    user, now = cast(User, request.user), timezone.now()
    if request.method == "POST":
        taken = shares.take(share_ref, user, address=address_of(request), now=now)
        return redirect("consoles:guest", share_id=taken.pk) if taken else _over(request)
    found = shares.find(share_ref, user, now)
    return render(request, "consoles/shared.html", {"share": found}) if found else _over(request)


@require_GET
@never_cache
@login_required
def guest(request: HttpRequest, share_id: int) -> HttpResponse:
    """The screen for the guest, and nothing else of the machine."""
    found = shares.of_guest(share_id, cast(User, request.user), timezone.now())
    if found is None:
        return _over(request)
    grant_url = reverse("consoles:guest_grant", args=[found.pk])
    return render(request, "consoles/guest.html", {"share": found, "vm": found.vm, "grant_url": grant_url})


@require_POST
@never_cache
@csrf_protect
def guest_grant(request: HttpRequest, share_id: int) -> HttpResponse:
    """JSON as that of the machine's own console. The share is read here and, by the proxy, again and again."""
    user, now = request.user, timezone.now()
    if not isinstance(user, User):
        return refusal("You were signed out. Sign in again to open the console.", "signed_out", 401)
    found = shares.of_guest(share_id, user, now)
    if found is None:
        return refusal(shares.OVER, STAY, 404)
    return granting.answer(request, user, found.vm, share=found)


def _make(request: HttpRequest, user: User, vm: VirtualMachine, form: ShareForm) -> str:
    """The link; empty where it was refused, which the form then says."""
    wanted = form.cleaned_data
    try:
        ref = shares.make(
            user, vm, guest=wanted["guest"], may_control=wanted["may"] == "control", minutes=wanted["minutes"],
            key=wanted["key"], address=address_of(request), now=timezone.now(),
        )  # fmt: skip
    except Refusal as refused:
        form.add_error(refused.field or None, refused.sentence)
        return ""
    return settings.SITE_URL + reverse("consoles:shared", args=[ref])


def _page(
    request: HttpRequest, vm: VirtualMachine, form: ShareForm, *, link: str = "", guest: str = ""
) -> HttpResponse:
    """The whole page, or for the console's dialog the part that changes."""
    is_part = request.headers.get("HX-Request") == "true"
    lines = [_line(one, request) for one in shares.active(vm, timezone.now())]
    context = {"vm": vm, "form": form, "link": link, "guest": guest, "lines": lines, "is_part": is_part}
    name = "consoles/_shares.html" if is_part else "consoles/share.html"
    return render(request, name, context, status=422 if form.errors else 200)


def _line(one: ConsoleShare, request: HttpRequest) -> dict[str, object]:
    user = cast(User, request.user)
    may_revoke = shares.for_revoking(one.pk, user) is not None
    return {"share": one, "is_mine": one.maker_id == user.pk, "may_revoke": may_revoke}


def _over(request: HttpRequest) -> HttpResponse:
    """One answer for what is over, revoked, somebody else's or nothing at all."""
    return render(request, "consoles/not_shared.html", {"why": shares.OVER}, status=404)
