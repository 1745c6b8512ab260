"""The console's page, and the POST that gives its script a grant or a refusal with its sentence."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.addresses import address_of
from accounts.models import User
from accounts.proof import require_proof
from consoles import grants, visits
from consoles.receivers import look_at_user
from vms import restraints, selectors
from vms.access import by_power, may, vm_for
from vms.models import VirtualMachine
from vms.states import Action, Lifecycle, Power, obstacle

#: What the script does with a refusal: wait and ask again, or stay.
WAIT, OFF, STAY = "wait", "off", "stay"


@require_GET
@never_cache
@login_required
def page(request: HttpRequest, vm_id: int) -> HttpResponse:
    """The console of one machine. The page holds no secret: its script asks for a grant."""
    user = cast(User, request.user)
    vm = vm_for(user, vm_id, Action.CONSOLE)
    context = selectors.heading(user, vm, timezone.now())
    return render(request, "consoles/page.html", {"tab": "console", **context})


@require_POST
@never_cache
@csrf_protect
def grant(request: HttpRequest, vm_id: int) -> HttpResponse:
    """JSON: {"grant", "url", "view_only"}, or {"refusal", "code"} with a sentence and what to do about it.

    `view_only` only tells the page; the proxy reads the right itself when the socket comes.

    An RTP at somebody else's machine needs a fresh proof: code "proof", and "url" leads there and back.
    """
    if not isinstance(request.user, User):
        return refusal("You were signed out. Sign in again to open the console.", "signed_out", 401)
    try:
        vm = vm_for(request.user, vm_id, Action.CONSOLE)
    except Http404:
        return refusal("This VM belongs to someone else, or does not exist.", STAY, 404)
    except PermissionDenied:
        return refusal("Your role in this pool does not include the console.", STAY, 403)
    if by_power(request.user, vm, Action.CONSOLE):
        require_proof(request, f"Open the console of {vm.name}", back=reverse("consoles:page", args=[vm.pk]))
    if held := restraints.of_console(request.user, vm) or restraints.of_trash(vm, Action.CONSOLE):
        return refusal(held, STAY, 403)
    why = obstacle(Action.CONSOLE, Lifecycle(vm.lifecycle), Power(vm.power))
    if not why and vm.smbios_uuid is None:
        why = "It was not seen yet."
    if why:
        return refusal(f"{vm.name} has no screen now. {why}", _code(request.user, vm), 409)
    token = grants.issue(
        request.user, request.session.session_key or "", vm, address=address_of(request), now=timezone.now()
    )
    view_only = not may(request.user, vm, Action.CONTROL)
    return JsonResponse({"grant": token, "url": f"/ws/console/{vm.pk}/", "view_only": view_only})


@require_POST
@login_required
def end(request: HttpRequest, visit_id: int) -> HttpResponse:
    """Ends a console of one's own, in whichever browser it is open."""
    user = cast(User, request.user)
    visit = visits.ask_to_end(user, visit_id, address=address_of(request), now=timezone.now())
    if visit is None:
        raise Http404("No open console of yours is here.")
    look_at_user(None, user_id=user.pk)
    messages.success(request, f"The console of {visit.vm.name} ends now.")
    return redirect("account_home")


def refusal(sentence: str, code: str, status: int) -> JsonResponse:
    """Not granted, and why."""
    return JsonResponse({"refusal": sentence, "code": code}, status=status)


def _code(user: User, vm: VirtualMachine) -> str:
    """Off: the person can start it. Wait: it will be there. Stay: it will not."""
    if vm.lifecycle == Lifecycle.READY and vm.power == Power.STOPPED:
        return OFF if may(user, vm, Action.START) and not restraints.of_lock(vm, Action.START) else WAIT
    return STAY if vm.lifecycle in {Lifecycle.GONE, Lifecycle.FAILED} else WAIT
