"""The create page, its POST, and what it asks for while somebody types."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts import departures
from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.models import Pool, SshKey, User
from accounts.pools import find_personal_pool
from accounts.proof import require_proof
from accounts.ssh_keys import save_key
from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from vms import leasing, selectors
from vms.create_forms import CreateForm, Offers
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, request_create
from vms.operations.names import checked_name, suggest
from vms.room import explain
from vms.size_fields import EXACT
from vms.sizes import why_not
from vms.templatetags.vm_tags import new_key
from vms.views.person import PersonRequest, person_required
from vms.views.repeated import told_once

#: The smallest machine there can be.
LEAST = Footprint(cores=1, memory_mib=64, disk_gib=1, vms=1)


@require_http_methods(["GET", "POST"])
@person_required
@told_once
def create(request: PersonRequest) -> HttpResponse:
    """One page. A second send of the same form leads to the machine the first one made."""
    if why := departures.notice(request.user):
        return render(request, "vms/no_create.html", {"why": why}, status=403)
    pool = _pool(request)
    if request.method == "GET":
        return render(request, "vms/create.html", _context(request, pool, _form(request.user, pool)))
    made = Operation.objects.filter(actor=request.user, idempotency_key=request.POST.get("key", "")).first()
    if made:
        return _watch(made)
    if pool is not None and _by_power(request.user, pool):
        require_proof(request, f"Create a VM in {pool}")
    return _ask(request, pool, _form(request.user, pool, request.POST))


@require_GET
@person_required
def create_uses(request: PersonRequest) -> HttpResponse:
    """What the size chosen would use of what is left, for a page that asks while somebody chooses."""
    pool = _pool(request)
    form = _form(request.user, pool, request.GET)
    adds = form.adds() if form.errors is not None else Footprint()
    return render(request, "vms/_uses.html", {"uses": selectors.uses(selectors.figures_of(pool, request.user), adds)})


@require_GET
@person_required
def create_name(request: PersonRequest) -> HttpResponse:
    """Whether a name is free in the pool chosen, and one that is. Says nothing about other pools."""
    pool, typed = _pool(request), request.GET.get("name", "").strip()[:80]
    context: dict[str, str] = {}
    if typed:
        try:
            name = checked_name(typed)
            free = suggest(pool, name) if pool else name
            context = {"name": name, "free": free, "is_free": "yes" if free == name else ""}
        except Refusal as refusal:
            context = {"problem": refusal.sentence}
    return render(request, "vms/_name.html", context)


def _ask(request: PersonRequest, pool: Pool | None, form: CreateForm) -> HttpResponse:
    more: dict[str, Any] = {}
    if form.is_valid():
        more["uses"] = selectors.uses(selectors.figures_of(pool, request.user), form.adds())
        try:
            return _watch(_request(request, pool, form))
        except QuotaExceeded as refusal:
            form.refuse_room(refusal)
            more["problem"] = "Nothing was created."
            more["why"] = explain(pool, refusal) if pool else None
        except Refusal as refusal:
            form.refuse(_with_suggestion(refusal, pool, form))
    return render(request, "vms/create.html", _context(request, pool, form) | more, status=422)


def _with_suggestion(refusal: Refusal, pool: Pool | None, form: CreateForm) -> Refusal:
    """A name that is taken comes with one that is not."""
    if refusal.field != "name" or pool is None:
        return refusal
    return Refusal(f"{refusal.sentence} {suggest(pool, form.cleaned_data['name'])} is free.", "name")


def _watch(made: Operation) -> HttpResponse:
    """The machine's page, which leads on to the console as soon as the machine is ready."""
    return redirect(f"{reverse('vms:detail', args=[made.vm_id])}?watching={made.pk}")


def _request(request: PersonRequest, pool: Pool | None, form: CreateForm) -> Operation:
    typed = form.cleaned_data["public_key"]
    saved = [key.public_key for key in form.cleaned_data["saved_keys"]]
    lines = tuple(dict.fromkeys(saved + ([typed.line] if typed else [])))
    operation = request_create(
        pool=pool,
        by=request.user,
        address=address_of(request),
        key=form.cleaned_data["key"],
        name=form.cleaned_data["name"],
        size=form.asked_size,
        source=form.source_with(lines),
    )
    if typed:
        save_key(request.user, typed, address=address_of(request))
    return operation


def _pool(request: PersonRequest) -> Pool | None:
    """The pool the address names, one the person may create in; without one the own pool (None before it is made)."""
    wanted = request.GET.get("pool", "")
    if not wanted:
        return find_personal_pool(request.user)
    for pool in selectors.pools_to_create_in(request.user):
        if str(pool.pk) == wanted:
            return pool
    raise Http404("No pool of yours is here.")


def _by_power(user: User, pool: Pool) -> bool:
    """An RTP makes it for somebody else."""
    return is_rtp(user) and pool.owner_id != user.pk and not selectors.manages(user, pool)


def _form(user: User, pool: Pool | None, sent: QueryDict | None = None) -> CreateForm:
    machines = selectors.machines_to_copy(user)
    form = CreateForm(
        sent,
        offers=Offers.of(selectors.templates_on_offer(), selectors.isos_on_offer(), machines),
        free=selectors.figures_of(pool, user).free,
        saved_keys=SshKey.objects.filter(user=user),
    )
    form.initial = _preselected(user, form)
    if sent is None:
        form.fields["name"].widget.attrs["autofocus"] = True
    return form


def _preselected(user: User, form: CreateForm) -> dict[str, Any]:
    """The last template and key; else the first template; the smallest size that fits."""
    last = selectors.last_wish(user)
    again = f"template:{last.template_id}"
    if last.volid:
        again = next((key for key, iso in form.offers.isos.items() if iso.volid == last.volid), "")
    source = again if again in form.offers else next(iter(form.offers), "")
    newest = SshKey.objects.filter(user=user).order_by(F("last_used_at").desc(nulls_last=True), "-pk").first()
    found = {"key": new_key(), "source": source, "saved_keys": [newest.pk] if newest else []}
    fitting = [offer.preset for offer in form.sizes(source or "none", EXACT) if not offer.reason]
    wanted = next((each for each in fitting if each.key == last.size), None)
    wanted = wanted or next((each for each in fitting if each.key == "small"), None) or next(iter(fitting), None)
    if wanted is None:
        return found | {"size": EXACT}
    gib = f"{wanted.memory_mib / 1024:g}"
    return found | {"size": wanted.key, "cores": wanted.cores, "memory_gib": gib, "size_gib": wanted.disk_gib}


def _context(request: PersonRequest, pool: Pool | None, form: CreateForm) -> dict[str, Any]:
    view = selectors.outlook(VirtualMachine.objects.none(), timezone.now())
    sizes = form.sizes()
    adds = form.adds() if form.is_bound and form.errors is not None else _preset_adds(form)
    return {
        "form": form,
        "notes": view.notes,
        "outage": view.outage,
        "pool": pool,
        "pools": selectors.pools_to_create_in(request.user),
        "for_anybody": is_rtp(request.user),
        "sizes": sizes,
        "nothing_fits": all(offer.reason for offer in sizes) and bool(why_not(LEAST, form.free)),
        "source": str(form["source"].value() or ""),
        "chosen_keys": [str(key) for key in form["saved_keys"].value() or []],
        "has_keys": SshKey.objects.filter(user=request.user).exists(),
        "uses": selectors.uses(selectors.figures_of(pool, request.user), adds),
        "expires": _expires(pool),
    }


def _expires(pool: Pool | None) -> datetime | None:
    """When a machine made now expires; None where machines of the pool never do."""
    if pool is None:
        return leasing.end_after(settings.LEASE_DAYS, timezone.now())
    return None if pool.never_expires else leasing.end_after(leasing.days_of(pool), timezone.now())


def _preset_adds(form: CreateForm) -> Footprint:
    """What the size chosen beforehand takes."""
    chosen = next((offer.preset for offer in form.sizes() if offer.is_chosen), None)
    source = str(form["source"].value() or "")
    return chosen.footprint(least_disk_gib=form.offers.least_disk_gib(source)) if chosen else Footprint()
