"""Pages of pools: what they hold, who is in them; and for RTPs, making one."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import shared_pools
from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.models import Pool, User
from accounts.proof import require_proof
from accounts.roles import PoolKind, Role
from accounts.shared_pools import PoolRefused, candidates, manages_by_power, may_manage
from accounts.view_as import readable_as_member
from vms import selectors
from vms.models import VirtualMachine
from vms.rows import Rights, rows
from vms.views.person import PersonRequest, person_required

BIGGEST = 2**63 - 1


@require_GET
@readable_as_member
@person_required
def pools(request: PersonRequest) -> HttpResponse:
    """The pools the person is in; all shared ones for an RTP."""
    found = Pool.objects.visible_to(request.user).living().filter(kind=PoolKind.SHARED)
    found = found.prefetch_related("memberships__user")
    if not is_rtp(request.user):
        found = found.filter(hidden=False)
    return render(request, "vms/pools.html", {"pools": found})


@require_GET
@readable_as_member
@person_required
def pool(request: PersonRequest, pool_id: int) -> HttpResponse:
    """One shared pool: its limits, machines and people. `find` looks for people to take in."""
    found = _pool(request, pool_id)
    now, words = timezone.now(), request.GET.get("find", "").strip()[:60]
    machines = VirtualMachine.objects.filter(pool=found).listed().select_related("pool", "pool__owner")
    manages = may_manage(request.user, found)
    context = {
        "pool": found,
        "meters": selectors.meters_of(found, request.user),
        "rows": rows(machines, rights=Rights(request.user), now=now, outage=selectors.outlook(machines, now).outage),
        "members": found.memberships.select_related("user").order_by("user__username"),
        "roles": list(Role),
        "manages": manages,
        "words": words,
        "candidates": list(candidates(found, words)) if manages else [],
    }
    return render(request, "vms/pool.html", context)


@require_POST
@person_required
def set_role(request: PersonRequest, pool_id: int) -> HttpResponse:
    """Takes somebody in or changes their role."""
    found = _managed(request, pool_id)
    try:
        member, role = _person(request), _role(request)
        shared_pools.set_role(found, member, role, by=request.user, address=address_of(request))
        messages.success(request, f"{member} is {role} of {found} now.")
    except PoolRefused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("vms:pool", pool_id=found.pk)


@require_POST
@person_required
def take_out(request: PersonRequest, pool_id: int) -> HttpResponse:
    """Ends somebody's role, or the person's own."""
    found = _pool(request, pool_id)
    is_leaving = request.POST.get("person") == str(request.user.pk)
    if not is_leaving:
        found = _managed(request, pool_id)
    try:
        member = _person(request)
        ended = shared_pools.take_out(found, member, by=request.user, address=address_of(request))
        done = f"{member} is not in {found} any more. Their consoles of it are closed."
        messages.success(request, done if ended else f"{member} was not in {found}.")
    except PoolRefused as refusal:
        messages.error(request, refusal.sentence)
    # Who left does not see the pool any more.
    return redirect("vms:pools") if is_leaving else redirect("vms:pool", pool_id=found.pk)


@require_POST
@person_required
def make_pool(request: PersonRequest) -> HttpResponse:
    """An RTP makes a shared pool and hands it to its first manager."""
    if not is_rtp(request.user):
        raise PermissionDenied("Only an RTP makes shared pools.")
    name, first = request.POST.get("name", "").strip(), request.POST.get("manager", "").strip()
    require_proof(request, f"Make the pool {name[:40]}")
    manager = User.objects.filter(username__iexact=first).first() if first else None
    problem = "" if manager or not first else f"There is nobody called {first[:60]}."
    try:
        if not problem:
            made = shared_pools.make_shared(name, manager=manager, by=request.user, address=address_of(request))
            messages.success(request, f"The pool {made} is made. Proxmox gets it with its first VM.")
            return redirect("vms:pool", pool_id=made.pk)
    except PoolRefused as refusal:
        problem = refusal.sentence
    found = Pool.objects.living().filter(kind=PoolKind.SHARED).prefetch_related("memberships__user")
    context = {"pools": found, "problem": problem, "name": name, "manager": first}
    return render(request, "vms/pools.html", context, status=422)


def _pool(request: PersonRequest, pool_id: int) -> Pool:
    known = (
        Pool.objects.visible_to(request.user).living().filter(kind=PoolKind.SHARED, pk=min(pool_id, BIGGEST)).first()
    )
    if known is None:
        raise Http404("No pool of yours is here.")
    return known


def _managed(request: PersonRequest, pool_id: int) -> Pool:
    """The pool, for a manager, or for an RTP with a fresh proof."""
    found = _pool(request, pool_id)
    if not may_manage(request.user, found):
        raise PermissionDenied("Only the pool's managers decide who is in it.")
    if manages_by_power(request.user, found):
        require_proof(request, f"Change who is in {found}")
    return found


def _person(request: PersonRequest) -> User:
    wanted = request.POST.get("person", "")
    member = User.objects.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 18 else None
    if member is None:
        raise PoolRefused("There is no such person.")
    return member


def _role(request: PersonRequest) -> Role:
    try:
        return Role(request.POST.get("role", ""))
    except ValueError as error:
        raise PoolRefused("Choose one of the roles: viewer, operator or manager.") from error
