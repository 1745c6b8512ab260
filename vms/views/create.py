"""The create page and its POST."""

from typing import Any

from django.db.models import F
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import departures
from accounts.addresses import address_of
from accounts.models import Pool, SshKey, User
from accounts.pools import find_personal_pool
from accounts.ssh_keys import save_key
from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from vms import selectors
from vms.forms import CreateForm
from vms.models import Operation, Template, VirtualMachine
from vms.operations import FromIso, FromTemplate, Refusal, Size, request_create
from vms.sizes import BY_KEY, PRESETS, Preset, why_not
from vms.templatetags.vm_tags import new_key
from vms.views.person import PersonRequest, person_required


@require_http_methods(["GET", "POST"])
@person_required
def create(request: PersonRequest) -> HttpResponse:
    """One page, four fields. A second send of the same form leads to the machine the first one made."""
    if why := departures.notice(request.user):
        return render(request, "vms/no_create.html", {"why": why}, status=403)
    pool = _pool(request)
    if request.method == "GET":
        return render(request, "vms/create.html", _context(request, pool, _form(request.user, pool)))
    made = Operation.objects.filter(actor=request.user, idempotency_key=request.POST.get("key", "")).first()
    if made:
        return _watch(made)
    form = _form(request.user, pool, request.POST)
    problem = ""
    if form.is_valid():
        try:
            return _watch(_request(request, pool, form))
        except QuotaExceeded as refusal:
            problem = f"{refusal.sentence} Nothing was created."
            form = _form(request.user, pool, request.POST)
        except Refusal as refusal:
            field = {"cores": "size", "memory_mib": "size", "disk_gib": "size", "ssh_keys": "public_key"}.get(
                refusal.field, refusal.field
            )
            form.add_error(field if field in form.fields else None, refusal.sentence)
    return render(request, "vms/create.html", _context(request, pool, form, problem), status=422)


def _watch(made: Operation) -> HttpResponse:
    """The machine's page, which leads on to the console as soon as the machine is ready."""
    return redirect(f"{reverse('vms:detail', args=[made.vm_id])}?watching={made.pk}")


def _request(request: PersonRequest, pool: Pool | None, form: CreateForm) -> Operation:
    preset, chosen, typed = form.chosen_size, form.chosen, form.cleaned_data["public_key"]
    assert preset is not None  # noqa: S101 (the form is valid)
    assert chosen is not None  # noqa: S101 (the form is valid)
    saved = [key.public_key for key in form.cleaned_data["saved_keys"]]
    lines = tuple(dict.fromkeys(saved + ([typed.line] if typed else [])))
    operation = request_create(
        pool=pool,
        by=request.user,
        address=address_of(request),
        key=form.cleaned_data["key"],
        name=form.cleaned_data["name"],
        size=Size(preset.cores, preset.memory_mib, max(preset.disk_gib, form.least_disk_gib)),
        source=FromTemplate(chosen.pk, ssh_keys=lines) if isinstance(chosen, Template) else FromIso(chosen.pk),
    )
    if typed:
        save_key(request.user, typed, address=address_of(request))
    return operation


def _pool(request: PersonRequest) -> Pool | None:
    """The pool the address names, one the person manages; without one the own pool (None before it is made)."""
    wanted = request.GET.get("pool", "")
    if not wanted:
        return find_personal_pool(request.user)
    for pool in selectors.pools_to_create_in(request.user):
        if str(pool.pk) == wanted:
            return pool
    raise Http404("No pool of yours is here.")


def _form(user: User, pool: Pool | None, posted: QueryDict | None = None) -> CreateForm:
    form = CreateForm(
        posted,
        templates=selectors.templates_on_offer(),
        isos=selectors.isos_on_offer(),
        free=selectors.figures_of(pool, user).free,
        saved_keys=SshKey.objects.filter(user=user),
    )
    form.initial = _preselected(user, form)
    if posted is None:
        form.fields["name"].widget.attrs["autofocus"] = True
    return form


def _preselected(user: User, form: CreateForm) -> dict[str, Any]:
    """The last template and key; else the first template; the smallest size that fits."""
    last = selectors.last_wish(user)
    sources = [*form.templates, *form.isos]
    again = f"template:{last.template_id}"
    if last.volid:
        again = next((key for key, iso in form.isos.items() if iso.volid == last.volid), "")
    source = again if again in sources else next(iter(sources), "")
    fitting = [preset.key for preset in PRESETS if not why_not(_asked(preset, form, source), form.free)]
    size = last.size if last.size in fitting else next((key for key in fitting if key == "small"), "")
    newest = SshKey.objects.filter(user=user).order_by(F("last_used_at").desc(nulls_last=True), "-pk").first()
    return {
        "key": new_key(),
        "source": source,
        "size": size or next(iter(fitting), ""),
        "saved_keys": [newest.pk] if newest else [],
    }


def _asked(preset: Preset, form: CreateForm, source: str) -> Any:
    template = form.templates.get(source)
    return preset.footprint(least_disk_gib=template.disk_gib if template else 0)


def _context(request: PersonRequest, pool: Pool | None, form: CreateForm, problem: str = "") -> dict[str, Any]:
    view = selectors.outlook(VirtualMachine.objects.none(), timezone.now())
    source, size = str(form["source"].value() or ""), str(form["size"].value() or "")
    sizes = [
        {
            "preset": preset,
            "reason": why_not(_asked(preset, form, source), form.free),
            "is_chosen": preset.key == size,
        }
        for preset in PRESETS
    ]
    return {
        "form": form,
        "problem": problem,
        "notes": view.notes,
        "outage": view.outage,
        "pool": pool,
        "pools": selectors.pools_to_create_in(request.user),
        "sizes": sizes,
        "nothing_fits": all(entry["reason"] for entry in sizes),
        "source": source,
        "chosen_keys": [str(key) for key in form["saved_keys"].value() or []],
        "has_keys": SshKey.objects.filter(user=request.user).exists(),
        "uses": selectors.uses(
            selectors.figures_of(pool, request.user), BY_KEY[size].footprint() if size in BY_KEY else Footprint()
        ),
    }
