"""Renewing, and the RTPs' page of what expires when."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.models import User
from accounts.proof import require_proof
from accounts.spent import sent_once
from vms import lease_page, lease_report, leasing, renewal_links
from vms import leases as operations
from vms.access import by_power, vm_for
from vms.models import RenewalLink, VirtualMachine
from vms.operations import Refusal
from vms.rows import sent_already
from vms.states import Action
from vms.views.person import PersonRequest, person_required


@require_POST
@person_required
def renew(request: PersonRequest, vm_id: int) -> HttpResponse:
    """A whole new lease for one machine. Works while Proxmox does not answer."""
    vm = vm_for(request.user, vm_id, Action.RENAME)
    if by_power(request.user, vm, Action.RENAME):
        require_proof(request, f"Renew {vm.name}")
    try:
        fresh = operations.renew(vm, by=request.user, address=address_of(request), now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    else:
        assert fresh.lease_until is not None  # noqa: S101 (it was renewed)
        end = date_format(timezone.localtime(fresh.lease_until), "j F Y, H:i")
        messages.success(request, f"{vm.name} is renewed until {end}.")
    if request.POST.get("next") == "list":
        return redirect("vms:list")
    return redirect("consoles:page" if request.POST.get("next") == "console" else "vms:detail", vm_id=vm.pk)


@require_POST
@person_required
def renew_all(request: PersonRequest) -> HttpResponse:
    """Everything of the own pool."""
    if request.user.departed_at:
        raise PermissionDenied("You left the house: what you have cannot be renewed.")
    count = operations.renew_all(request.user, address=address_of(request), now=timezone.now())
    if count:
        messages.success(request, f"{count} VM{'s are' if count > 1 else ' is'} renewed.")
    else:
        messages.info(request, "Nothing of yours has a lease to renew.")
    return redirect("vms:list")


@require_http_methods(["GET", "POST"])
@person_required
def renew_by_link(request: PersonRequest, ref: str) -> HttpResponse:
    """The page that a mail leads to. Looking changes nothing; the button renews what is listed."""
    now = timezone.now()
    link = renewal_links.find(ref, request.user, now)
    if link is None:
        raise Http404("This link is not yours, or its time is over.")
    listed = _listed(link, request.user)
    if request.method == "POST":
        if any(by_power(request.user, vm, Action.RENAME) for vm in listed):
            require_proof(request, "Renew machines of others")
        refused = _renew_listed(request, [vm for vm in listed if str(vm.pk) in request.POST.getlist("vm")])
        for sentence in refused:
            messages.error(request, sentence)
        return redirect("vms:list")
    lines = [{"vm": vm, "expiry": lease_page.expiry_of(vm, now)} for vm in listed]
    return render(request, "vms/renew.html", {"lines": lines, "ref": ref})


def _listed(link: RenewalLink, user: User) -> list[VirtualMachine]:
    """What the link names and the person may still look at, as far as it has a lease."""
    mine = link.vms.visible_to(user).filter(pk__in=leasing.dated())
    return list(mine.select_related("pool__owner").order_by("lease_until", "name"))


def _renew_listed(request: PersonRequest, vms: list[VirtualMachine]) -> list[str]:
    refused, done = [], []
    for vm in vms:
        try:
            operations.renew(vm, by=request.user, address=address_of(request), now=timezone.now())
            done.append(vm.name)
        except (Refusal, PermissionDenied) as refusal:
            refused.append(f"{vm.name}: {refusal}")
    if done:
        messages.success(request, f"Renewed: {', '.join(done)}.")
    return refused


@require_GET
@person_required
def leases(request: PersonRequest) -> HttpResponse:
    """What expires when, what goes today, what is held and why. For RTPs."""
    _require_rtp(request)
    return _page(request)


@require_POST
@person_required
def change(request: PersonRequest) -> HttpResponse:
    """One act of an RTP: extend or spare what is chosen, hold all deletions, end the hold, release what is due."""
    _require_rtp(request)
    require_proof(request, "Change leases", "/rtp/leases/")
    act, key, now = request.POST.get("act", ""), request.POST.get("key", ""), timezone.now()
    try:
        with sent_once(request.user, f"{key}:{act}" if key else "", now) as before:
            if before is None:
                messages.success(request, _act(request, act))
            else:
                messages.info(request, sent_already(before, now))
    except Refusal as refusal:
        return _page(request, refusal)
    return redirect("vms:leases")


def _act(request: PersonRequest, act: str) -> str:
    who = {"by": request.user, "address": address_of(request)}
    reason, now = request.POST.get("reason", ""), timezone.now()
    match act:
        case "extend":
            refused = operations.extend_many(_chosen(request), until=_day(request), now=now, **who)  # type: ignore[arg-type]
            return " ".join(["Extended.", *refused])
        case "spare":
            refused = operations.spare_many(_chosen(request), reason=reason, **who)  # type: ignore[arg-type]
            return " ".join(["They never expire.", *refused])
        case "hold":
            operations.hold_deletions(reason=reason, now=now, **who)  # type: ignore[arg-type]
            return "For 24 hours leases put nothing into the trash and delete nothing."
        case "end_hold":
            operations.end_hold(**who)  # type: ignore[arg-type]
            return "The hold is over."
        case "release":
            operations.release(now=now, **who)  # type: ignore[arg-type]
            return "What is due and not held goes within 24 hours."
        case _:
            raise Refusal("Choose what to do.")


def _chosen(request: PersonRequest) -> list[VirtualMachine]:
    wanted = [int(each) for each in request.POST.getlist("vm") if each.isdecimal() and len(each) < 19]
    found = list(VirtualMachine.objects.filter(pk__in=wanted).select_related("pool__owner"))
    if not found:
        raise Refusal("Choose at least one VM.", "vm")
    return found


def _day(request: PersonRequest) -> date:
    try:
        return date.fromisoformat(request.POST.get("until", ""))
    except ValueError:
        raise Refusal("Name the day as 2027-02-28.", "until") from None


def _require_rtp(request: PersonRequest) -> None:
    if not is_rtp(request.user):
        raise PermissionDenied("Only RTPs see everybody's leases.")


def _page(request: PersonRequest, refusal: Refusal | None = None) -> HttpResponse:
    now, which, words = timezone.now(), request.GET.get("show", "soon"), request.GET.get("q", "").strip()[:60]
    which = which if which in lease_page.FILTERS else "soon"
    page = lease_page.for_rtps(which, words, request.GET.get("page"), now)
    context = {
        "page": page,
        "lines": [{"vm": vm, "expiry": lease_page.expiry_of(vm, now)} for vm in page.object_list],
        "report": lease_report.report(now),
        "watch": leasing.watch(),
        "now": now,
        "which": which,
        "filters": lease_page.FILTERS,
        "words": words,
        "refusal": refusal,
        "typed": request.POST,
        "chosen": request.POST.getlist("vm"),
    }
    return render(request, "vms/leases.html", context, status=422 if refusal else 200)
