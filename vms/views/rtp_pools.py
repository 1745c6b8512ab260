"""RTPs and pools: all of them in numbers, one of them with its marks and its end, and binding what Proxmox has."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import pool_marks
from accounts.addresses import address_of
from accounts.models import Pool
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof
from accounts.shared_pools import PoolRefused
from accounts.spent import sent_once
from vms import pool_numbers
from vms.mirror.binding import BindingRefused, bind_listed
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, pool_ends
from vms.pool_forms import BindForm, IntoForm, MarksForm, NameForm
from vms.rows import sent_already
from vms.states import OperationKind
from vms.views.pools import BIGGEST

PAGE = 50
COLUMNS = (
    ("name", "Pool", ""), ("whose", "Whose", ""), ("machines", "VMs", "end"), ("awake", "Running", "end"),
    ("cores", "CPU", ""), ("memory_mib", "Memory", ""), ("disk_gib", "Disk", ""), ("rule", "Rule", ""),
)  # fmt: skip
#: Where a form stands on the page, and beside which field a refusal stands.
PLACES: dict[type[Form], tuple[str, str]] = {
    MarksForm: ("marks", "reason"), IntoForm: ("into", "into"), NameForm: ("renamed", "name"),
}  # fmt: skip


@require_GET
@rtp_required
def rtp_pools(request: RtpRequest) -> HttpResponse:
    """All pools: sorted, narrowed, fifty a page; and the pools of the cluster that no row binds."""
    return _list(request)


@require_GET
@rtp_required
def rtp_pools_csv(request: RtpRequest) -> HttpResponse:
    """The same pools as a file for a spreadsheet."""
    text = pool_numbers.as_csv(pool_numbers.pools_in_numbers(**_wanted(request)))
    kept = {"Content-Disposition": 'attachment; filename="pools.csv"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=kept)


@require_POST
@rtp_required
def bind_pool(request: RtpRequest) -> HttpResponse:
    """Binds a pool of the cluster to a shared pool. Never by name alone: an RTP says which."""
    form = BindForm(request.POST)
    require_proof(request, f"Bind the Proxmox pool {request.POST.get('poolid', '')[:60]}")
    if not form.is_valid():
        return _list(request, status=422, problem=" ".join(str(word) for each in form.errors.values() for word in each))
    try:
        name, poolid = form.cleaned_data["name"].strip(), form.cleaned_data["poolid"]
        made = bind_listed(poolid, name, by=request.user, address=address_of(request))
    except BindingRefused as refusal:
        return _list(request, status=422, problem=str(refusal), typed=request.POST)
    messages.success(request, f"{poolid} is bound to {made} now. Its VMs appear with the next readings.")
    return redirect("vms:rtp_pool", pool_id=made.pk)


@require_GET
@rtp_required
def rtp_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """One pool: numbers, marks, and how it ends."""
    return _one(request, _pool(pool_id))


@require_POST
@rtp_required
def mark_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """Sets *hidden* and *never expires*."""

    def act(found: Pool, form: Form) -> str:
        changed = pool_marks.set_marks(found, **form.cleaned_data, by=request.user, address=address_of(request))
        return f"The marks of {found} are set." if changed else f"The marks of {found} were so already."

    return _acted(request, pool_id, "Set the marks of", MarksForm(request.POST), act)


@require_POST
@rtp_required
def close_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """Nothing new is made in it from now on."""

    def act(found: Pool, form: Form) -> str:
        pool_marks.close(found, by=request.user, address=address_of(request), now=timezone.now())
        return f"{found} is closed: nothing new is made in it."

    return _acted(request, pool_id, "Close the pool", Form({}), act)


@require_POST
@rtp_required
def reopen_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """Undoes the closing."""

    def act(found: Pool, form: Form) -> str:
        pool_marks.reopen(found, by=request.user, address=address_of(request))
        return f"{found} is open again."

    return _acted(request, pool_id, "Open the pool", Form({}), act)


@require_POST
@rtp_required
def empty_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """Moves all its machines to another pool; those that stay are named."""

    def act(found: Pool, form: Form) -> str:
        into, key = form.cleaned_data["into"], form.cleaned_data["key"]
        return pool_ends.move_all(found, into, by=request.user, address=address_of(request), key=key).sentence

    return _acted(request, pool_id, "Move all VMs of", IntoForm(request.POST), act)


@require_POST
@rtp_required
def rename_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """A new pool, all machines moved there, the old one removed."""

    def act(found: Pool, form: Form) -> str:
        name, key = form.cleaned_data["name"].strip(), form.cleaned_data["key"]
        who: dict[str, Any] = {"by": request.user, "address": address_of(request)}
        new, moved = pool_ends.rename(found, name, key=key, now=timezone.now(), **who)
        return f"{new} is made. {moved.sentence} {found} is removed when it is empty."

    return _acted(request, pool_id, "Rename the pool", NameForm(request.POST, auto_id="id_new_%s"), act)


@require_POST
@rtp_required
def remove_pool(request: RtpRequest, pool_id: int) -> HttpResponse:
    """Removes a closed, empty pool, in Proxmox first."""

    def act(found: Pool, form: Form) -> str:
        pool_ends.request_removal(found, by=request.user, address=address_of(request), now=timezone.now())
        return f"{found} is being removed in Proxmox. It stays here as history."

    return _acted(request, pool_id, "Remove the pool", Form({}), act)


def _acted(request: RtpRequest, pool_id: int, what: str, form: Form, act: Callable[[Pool, Form], str]) -> HttpResponse:
    """One act on a pool with a fresh proof; a refusal stands beside its field, and what was typed stays.

    A form with a key that was sent before says when, and does nothing more.
    """
    found = _pool(pool_id)
    require_proof(request, f"{what} {found}")
    problem, now = "", timezone.now()
    if form.is_valid():
        try:
            with sent_once(request.user, form.cleaned_data.get("key", ""), now) as before:
                if before is None:
                    messages.success(request, act(found, form))
                else:
                    messages.info(request, sent_already(before, now))
            return redirect("vms:rtp_pool", pool_id=found.pk)
        except (PoolRefused, Refusal) as refusal:
            if type(form) in PLACES:
                form.add_error(PLACES[type(form)][1], refusal.sentence)
            else:
                problem = refusal.sentence
    return _one(request, found, form=form, problem=problem, status=422)


def _pool(pool_id: int) -> Pool:
    found = Pool.objects.select_related("owner", "successor").filter(pk=min(pool_id, BIGGEST)).first()
    if found is None:
        raise Http404("There is no such pool.")
    return found


def _one(
    request: RtpRequest, found: Pool, *, form: Form | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    machines = VirtualMachine.objects.present().filter(pool=found).order_by("name")
    moves = (
        Operation.objects.blocking().filter(kind=OperationKind.MOVE, vm__in=machines).values_list("vm_id", flat=True)
    )
    moving = set(moves)
    context: dict[str, Any] = {
        "pool": found, "line": pool_numbers.lines_of([found])[0], "keeps": pool_ends.what_keeps(found),
        "machines": [(vm, vm.pk in moving) for vm in machines[:200]], "moving": len(moving),
        "problem": problem, "form": form, "may_end": pool_marks.may_end(found), **_forms(found, form),
    }  # fmt: skip
    return render(request, "vms/rtp_pool.html", context, status=status)


def _forms(found: Pool, sent: Form | None) -> dict[str, Form]:
    """The forms of the page as they begin, and the one that was sent as it was sent."""
    now = {"hidden": found.hidden, "never_expires": found.never_expires, "reason": found.never_expires_reason}
    into = {"into": found.successor.name if found.successor else ""}
    forms: dict[str, Form] = {
        "marks": MarksForm(initial=now), "into": IntoForm(initial=into), "renamed": NameForm(auto_id="id_new_%s"),
    }  # fmt: skip
    if sent is not None and type(sent) in PLACES:
        forms[PLACES[type(sent)][0]] = sent
    return forms


def _wanted(request: RtpRequest) -> dict[str, str]:
    """What the address asks for; odd words ask for everything."""
    show, sort = request.GET.get("show", ""), request.GET.get("sort", "name")
    return {
        "words": request.GET.get("q", "").strip()[:60],
        "show": show if show in dict(pool_numbers.SHOWS) else "",
        "sort": sort if sort.removeprefix("-") in pool_numbers.SORTS else "name",
    }


def _list(request: RtpRequest, *, status: int = 200, problem: str = "", typed: QueryDict | None = None) -> HttpResponse:
    wanted = _wanted(request)
    page = Paginator(pool_numbers.pools_in_numbers(**wanted), PAGE).get_page(request.GET.get("page"))
    kept = {"q": wanted["words"], "show": wanted["show"], "sort": wanted["sort"]}
    context = {
        "page": page, "lines": page.object_list, "shows": pool_numbers.SHOWS, "columns": _columns(kept), **wanted,
        "narrowed": urlencode(kept), "unbound": pool_numbers.unbound_in_cluster(), "problem": problem,
        "typed": typed or QueryDict(),
    }  # fmt: skip
    return render(request, "vms/rtp_pools.html", context, status=status)


def _columns(kept: dict[str, str]) -> list[dict[str, str]]:
    """Headers that sort, and once more the other way round."""
    now = kept["sort"]
    found = []
    for key, title, hue in COLUMNS:
        turned = f"-{key}" if now == key else key
        is_down = (now == key) == (key in pool_numbers.NUMBERS)
        state = ("descending" if is_down else "ascending") if now.removeprefix("-") == key else ""
        found.append({"title": title, "hue": hue, "query": urlencode(kept | {"sort": turned}), "state": state})
    return found
