"""What a page gets that asks for a console: a grant, or a refusal with its sentence and what to do about it."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone

from accounts.addresses import address_of
from accounts.models import User
from consoles import close_codes, grants, seats, shares
from consoles.authority import mode_of
from consoles.close_codes import End
from consoles.models import ConsoleShare, ConsoleVisit
from consoles.modes import Mode
from consoles.reasons import is_silent
from vms import restraints
from vms.access import may
from vms.models import VirtualMachine
from vms.rows import clock
from vms.states import Action, Lifecycle, Power, obstacle

#: What the script does with a refusal: wait and ask again, offer to start it, list what can be closed, or stay.
WAIT, OFF, MANY, STAY = "wait", "off", "many", "stay"


def answer(
    request: HttpRequest, user: User, vm: VirtualMachine, *, share: ConsoleShare | None = None, is_watch: bool = False
) -> JsonResponse:
    """The grant in JSON, where the machine has a screen and a seat is free. The caller has settled the right.

    {"grant", "url", "view_only", "mode", "node", "has_clipboard"}: the last four only tell the page, the proxy reads
    the right itself when the socket comes. Else {"refusal", "code"}, and with code "many" {"open": [{vm, address,
    since, end_url}]}.
    """
    if refused := without_screen(user, vm) or _too_fast(user) or _without_seat(user, vm):
        return refused
    token = grants.issue(
        user, request.session.session_key or "", vm, address=address_of(request), now=timezone.now(),
        share=share, is_watch=is_watch,
    )  # fmt: skip
    mode = _mode(user, vm, share, is_watch=is_watch)
    has_clipboard = bool(vm.hardware.get("has_clipboard_now"))
    told = {"view_only": mode != Mode.CONTROL, "mode": mode, "node": vm.node, "has_clipboard": has_clipboard}
    return JsonResponse({"grant": token, "url": f"/ws/console/{vm.pk}/", **told})


def refusal(sentence: str, code: str, status: int, **more: object) -> JsonResponse:
    """Not granted, and why."""
    return JsonResponse({"refusal": sentence, "code": code, **more}, status=status)


def without_screen(user: User, vm: VirtualMachine) -> JsonResponse | None:
    """The refusal where a lock or the trash keeps the person out, or the machine has no screen now."""
    if held := restraints.of_console(user, vm) or restraints.of_trash(vm, Action.CONSOLE):
        return refusal(held, STAY, 403)
    if is_silent(vm.node):
        return refusal(close_codes.NODE_DOWN.sentence, WAIT, 409)
    why = obstacle(Action.CONSOLE, Lifecycle(vm.lifecycle), Power(vm.power))
    if not why and vm.smbios_uuid is None:
        why = "It was not seen yet."
    return refusal(f"{vm.name} has no screen now. {why}", _code(user, vm), 409) if why else None


def _too_fast(user: User) -> JsonResponse | None:
    if not grants.are_too_many(user, timezone.now()):
        return None
    answer = refusal("You opened many consoles within a minute.", WAIT, 429)
    answer.headers["Retry-After"] = str(round(grants.PACE.total_seconds()))
    return answer


def _without_seat(user: User, vm: VirtualMachine) -> JsonResponse | None:
    now = timezone.now()
    match seats.shortage(user, vm, now):
        case close_codes.TOO_MANY:
            words = f"You already have {settings.CONSOLE_MAX_PER_PERSON} consoles open. Close one to open this one."
            held = seats.taken(now).filter(user=user).select_related("vm").order_by("opened_at")
            return refusal(words, MANY, 409, open=[_told(visit) for visit in held])
        case End() as end:
            return refusal(end.sentence, WAIT, 409)
    return None


def _told(visit: ConsoleVisit) -> dict[str, str]:
    since, end_url = clock(visit.opened_at, timezone.now()), reverse("consoles:end", args=[visit.pk])
    return {"vm": visit.vm.name, "address": visit.address, "since": since, "end_url": end_url}


def _mode(user: User, vm: VirtualMachine, share: ConsoleShare | None, *, is_watch: bool) -> Mode:
    if is_watch:
        return Mode.WATCH
    if share is not None:
        return shares.mode_of(share)
    return mode_of(user, vm)


def _code(user: User, vm: VirtualMachine) -> str:
    """Off: the person can start it. Wait: it will be there. Stay: it will not."""
    if vm.lifecycle == Lifecycle.READY and vm.power == Power.STOPPED:
        return OFF if may(user, vm, Action.START) and not restraints.of_lock(vm, Action.START) else WAIT
    return STAY if vm.lifecycle in {Lifecycle.GONE, Lifecycle.FAILED} else WAIT
