"""The page where an RTP proves who they are, and goes on with what they were about to do."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import attempts
from accounts.factors import factors_of, has_factor, passkey_was_shown
from accounts.held_forms import HeldForm, drop, held
from accounts.oidc.trips import start_proof
from accounts.person import RtpRequest, rtp_required
from accounts.proof import has_proof, note_proof
from accounts.proof_forms import ProofForm
from accounts.roles import AccountKind

TOO_MANY = "Too many wrong tries. Wait five minutes, then try again."


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "POST"])
@never_cache
@rtp_required
def proof(request: RtpRequest) -> HttpResponse:
    """Asks a local RTP for password and factor, a house account to sign in anew; then offers the held form."""
    waiting = held(request, request.GET.get("form", ""))
    if has_proof(request):
        return _go_on(request, waiting)
    if request.user.kind == AccountKind.HOUSE:
        return render(request, "account/proof.html", _words(waiting) | {"is_house": True})
    if not has_factor(request.user) and not settings.DEMO:
        return redirect("mfa_index")
    return _ask(request, waiting)


@require_POST
@never_cache
@rtp_required
def proof_house(request: RtpRequest) -> HttpResponse:
    """A house account goes to the provider and comes back with a sign-in made just now."""
    here = _here(held(request, request.POST.get("form", "")))
    return start_proof(request, here) if request.user.kind == AccountKind.HOUSE else redirect(here)


def _ask(request: RtpRequest, waiting: HeldForm | None) -> HttpResponse:
    factors = factors_of(request.user)
    by_passkey = passkey_was_shown(request)
    with_code = has_factor(request.user) and not by_passkey
    form = ProofForm(user=request.user, with_code=with_code)
    context = _words(waiting) | {
        "form": form,
        "has_code": not with_code or bool(factors & {"totp", "recovery_codes"}),
        "by_passkey": by_passkey,
        "is_demo_only": not has_factor(request.user),
        "passkey": reverse("mfa_reauthenticate_webauthn") if "webauthn" in factors and with_code else "",
        "here": _here(waiting),
    }
    if request.method == "GET":
        return render(request, "account/proof.html", context)
    if not _may_try(str(request.user.pk)):
        return render(request, "account/proof.html", context | {"problem": TOO_MANY}, status=429)
    sent = ProofForm(request.POST, user=request.user, with_code=with_code)
    if not sent.is_valid():
        return render(request, "account/proof.html", context | {"form": sent}, status=422)
    attempts.CODES.clear(str(request.user.pk))
    attempts.CODES_A_DAY.give_back(str(request.user.pk))
    note_proof(request, "passkey" if by_passkey else "code" if with_code else "password")
    return redirect(_here(waiting))


def _may_try(key: str) -> bool:
    """Counted together with the codes typed at the sign-in."""
    now = timezone.now()
    return attempts.CODES.take(key, now) and attempts.CODES_A_DAY.take(key, now)


def _go_on(request: RtpRequest, waiting: HeldForm | None) -> HttpResponse:
    """The held form once more, with everything that was typed; it is sent by pressing its button."""
    if waiting is not None and waiting.fields is None and not waiting.was_too_large:
        drop(request, waiting.ref)
        return redirect(waiting.path)
    return render(request, "account/proof_done.html", _words(waiting))


def _words(waiting: HeldForm | None) -> dict[str, object]:
    return {"waiting": waiting, "minutes": max(1, round(settings.PROOF_S / 60))}


def _here(waiting: HeldForm | None) -> str:
    return reverse("account_proof") + (f"?form={waiting.ref}" if waiting else "")
