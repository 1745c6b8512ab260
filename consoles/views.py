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

from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.models import User
from accounts.proof import require_proof
from consoles import visits
from consoles.granting import STAY, answer, refusal
from consoles.receivers import look_at_user
from vms import selectors
from vms.access import by_power, vm_for
from vms.models import VirtualMachine
from vms.states import Action

WATCHER_ONLY = "Only an RTP watches beside the people of a VM."


@require_GET
@never_cache
@login_required
def page(request: HttpRequest, vm_id: int) -> HttpResponse:
    """The console of one machine; `?watch=1`: an RTP looks on. It holds no secret: its script asks for a grant."""
    user = cast(User, request.user)
    vm = vm_for(user, vm_id, Action.CONSOLE)
    context = selectors.heading(user, vm, timezone.now())
    is_watch = request.GET.get("watch") == "1" and is_rtp(user)
    return render(request, "consoles/page.html", {"tab": "console", "is_watch": is_watch, **context})


@require_POST
@never_cache
@csrf_protect
def grant(request: HttpRequest, vm_id: int) -> HttpResponse:
    """JSON as `consoles.granting.answer` has it, or {"refusal", "code"}. With `watch=1` an RTP looks on, visibly.

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
    is_watch = request.POST.get("watch") == "1"
    if is_watch and not is_rtp(request.user):
        return refusal(WATCHER_ONLY, STAY, 403)
    if by_power(request.user, vm, Action.CONSOLE):
        _prove(request, vm, is_watch=is_watch)
    return answer(request, request.user, vm, is_watch=is_watch)


@require_POST
@login_required
def end(request: HttpRequest, visit_id: int) -> HttpResponse:
    """Ends a console of one's own, in whichever browser it is open; a script gets {"ended"}."""
    user = cast(User, request.user)
    visit = visits.ask_to_end(user, visit_id, address=address_of(request), now=timezone.now())
    if visit is None:
        raise Http404("No open console of yours is here.")
    look_at_user(None, user_id=user.pk)
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"ended": visit.pk})
    messages.success(request, f"The console of {visit.vm.name} ends now.")
    return redirect("account_home")


def _prove(request: HttpRequest, vm: VirtualMachine, *, is_watch: bool) -> None:
    back = reverse("consoles:page", args=[vm.pk]) + ("?watch=1" if is_watch else "")
    require_proof(request, f"{'Watch' if is_watch else 'Open'} the console of {vm.name}", back=back)
