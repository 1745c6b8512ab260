"""The page on which a machine is moved to another pool."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import is_rtp, pools_managed_by
from accounts.addresses import address_of
from accounts.models import Pool, User
from accounts.pools import find_personal_pool
from accounts.proof import require_proof
from accounts.shared_pools import manages_by_power
from quotas.errors import QuotaExceeded
from vms import pool_numbers, selectors
from vms.access import by_power, vm_for
from vms.models import VirtualMachine
from vms.operations import Refusal, request_move
from vms.operations.changing import refuse_obstacle
from vms.pool_forms import MoveForm
from vms.room import explain
from vms.states import Action, OperationKind
from vms.templatetags.vm_tags import new_key
from vms.usage import shape_of
from vms.views.person import PersonRequest, person_required
from vms.views.repeated import told_once

OWN = "own"


@require_http_methods(["GET", "POST"])
@person_required
@told_once
def move(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Chooses the pool, with what the machine would use of its limit; a POST asks for the move."""
    vm = vm_for(request.user, vm_id, Action.MOVE)
    if request.method == "POST" and by_power(request.user, vm, Action.MOVE):
        require_proof(request, f"Move {vm.name}")
    pools = receivers(request, vm)
    form = MoveForm(request.POST or None, pools=pools, may_name=is_rtp(request.user), initial={"key": new_key()})
    if request.method == "POST" and form.is_valid():
        _prove(request, vm, form.cleaned_data["pool"])
        try:
            request_move(
                vm, into=form.cleaned_data["pool"], by=request.user, address=address_of(request),
                key=form.cleaned_data["key"],
            )  # fmt: skip
            return redirect("vms:detail", vm_id=vm.pk)
        except QuotaExceeded as refusal:
            _say_why(request, form, refusal)
        except PermissionDenied:
            form.add_error(_field(form), "You do not manage that pool any more. Choose another.")
        except Refusal as refusal:
            form.add_error(_field(form) if refusal.field == "into" else None, refusal.sentence)
    return _page(request, vm, form, pools)


def receivers(request: PersonRequest, vm: VirtualMachine) -> dict[str, Pool | None]:
    """Open pools the person manages by an own role, the own one first (None: made at first need)."""
    own = find_personal_pool(request.user)
    found: dict[str, Pool | None] = {}
    if not request.user.departed_at and (own is None or (own.pk != vm.pool_id and own.closed_at is None)):
        found[OWN] = own
    for pool in pools_managed_by(request.user).order_by("name"):
        if pool.owner_id is None and not pool.hidden and pool.pk != vm.pool_id:
            found[str(pool.pk)] = pool
    return found


def _prove(request: PersonRequest, vm: VirtualMachine, into: Pool | None) -> None:
    """RTP power over the receiver takes a fresh proof, too."""
    if into is not None and manages_by_power(request.user, into):
        require_proof(request, f"Move {vm.name} to {into or 'your own pool'}")


def _say_why(request: PersonRequest, form: MoveForm, refusal: QuotaExceeded) -> None:
    pool = form.cleaned_data["pool"] or find_personal_pool(request.user)
    why = explain(pool, refusal) if pool is not None else None
    form.add_error(_field(form), f"{refusal.sentence} {why.text if why else ''}".strip())


def _field(form: MoveForm) -> str:
    return "other" if form.cleaned_data.get("other") else "into"


def _page(request: PersonRequest, vm: VirtualMachine, form: MoveForm, pools: dict[str, Pool | None]) -> HttpResponse:
    context: dict[str, Any] = {
        "vm": vm, "form": form, "choices": _choices(request.user, vm, pools), "obstacle": _obstacle(vm),
        "chosen": request.POST.get("into", ""),
    }  # fmt: skip
    return render(request, "vms/move.html", context, status=422 if form.is_bound else 200)


def _obstacle(vm: VirtualMachine) -> str:
    try:
        refuse_obstacle(vm, OperationKind.MOVE)
    except Refusal as refusal:
        return refusal.sentence
    return ""


def _choices(user: User, vm: VirtualMachine, pools: dict[str, Pool | None]) -> list[dict[str, Any]]:
    """Each pool with what is used of its limits afterwards, and whether the machine fits."""
    lines = {line.pool.pk: line for line in pool_numbers.lines_of(pool for pool in pools.values() if pool)}
    shape, found = shape_of(vm), []
    for key, pool in pools.items():
        line = lines[pool.pk] if pool else pool_numbers.not_made_yet(user)
        asked = shape.counted(always=line.rule.counts_always)
        adds = (asked.cores, asked.memory_mib, asked.disk_gib)
        uses = [selectors.Use(meter, add) for meter, add in zip(line.meters, adds, strict=True)]
        fits = asked.shortfall(line.free).is_nothing
        found.append({"key": key, "name": line.pool.name, "is_own": key == OWN, "uses": uses, "fits": fits})
    return found
