"""Read-only page data. Everything comes from rows: no page ever calls Proxmox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from accounts.access import pools_managed_by
from accounts.models import Pool, User
from accounts.pools import find_personal_pool
from accounts.roles import PoolKind
from quotas.footprint import Footprint, Usage
from quotas.limits import limit_of_member
from quotas.usage import QuotaFigures, figures
from vms.meters import Meter, meters
from vms.models import IsoImage, MirrorRun, Node, Operation, Template, VirtualMachine
from vms.rows import Button, Rights, Row, clock, row, rows
from vms.rows import button_of as rows_button
from vms.shown import OLD_S
from vms.sizes import BY_KEY
from vms.states import Action, Lifecycle, OperationKind

PAGE = 50


@dataclass(frozen=True)
class Note:
    """A banner: hue, one bold sentence, one more."""

    hue: str
    title: str
    text: str


@dataclass(frozen=True)
class Outlook:
    """How fresh and complete our knowledge of the cluster is."""

    notes: tuple[Note, ...]
    outage: str = ""


@dataclass(frozen=True)
class Shelf:
    """One pool with its machines."""

    pool: Pool | None
    title: str
    meters: list[Meter]
    rows: list[Row]
    is_own: bool


def last_complete_reading_at() -> datetime | None:
    """When the newest reading that Proxmox answered was finished; None before the first."""
    return (
        MirrorRun.objects.filter(answered=True, finished_at__isnull=False).values_list("finished_at", flat=True).first()
    )


def outlook(vms: QuerySet[VirtualMachine], now: datetime) -> Outlook:
    """Banners about Proxmox and its nodes, and why nothing can be asked of it, for a page showing these machines."""
    last = last_complete_reading_at()
    newest = MirrorRun.objects.filter(finished_at__isnull=False).first()
    if last is None:
        note = Note("info", "The cluster has not been read yet.", "Machines appear here after the first reading.")
        return Outlook((note,))
    if (newest and not newest.answered) or (now - last).total_seconds() > OLD_S:
        text = f"What you see is from {clock(last, now)}. Nothing has been deleted. Machines keep running."
        return Outlook((Note("warn", "Proxmox is not answering.", text),), outage="Proxmox is not answering right now.")
    return Outlook(tuple(_node_notes(vms, now)))


def _node_notes(vms: QuerySet[VirtualMachine], now: datetime) -> list[Note]:
    silent = {node.name: node for node in Node.objects.filter(is_online=False)}
    if not silent:
        return []
    there = list(vms.filter(node__in=silent).values_list("node", flat=True))
    return [
        Note(
            "warn",
            f"Node {name} is not answering.",
            f"{_machines(there.count(name))} on it. What you see is from {clock(node.last_seen, now) or 'before'}. "
            "Nothing has been deleted.",
        )
        for name, node in silent.items()
        if name in there
    ]


def _machines(count: int) -> str:
    return "1 machine is" if count == 1 else f"{count} machines are"


def shelves(user: User, now: datetime, outage: str) -> list[Shelf]:
    """The person's own machines first, then each shared pool they are in; after leaving the house only the own ones.

    RTPs see everybody's on their own page.
    """
    rights = Rights(user)
    own = find_personal_pool(user)
    shared = list(Pool.objects.visible_to(user).filter(memberships__user=user, kind=PoolKind.SHARED, hidden=False))
    pools = [own, *shared] if own else shared
    there = VirtualMachine.objects.filter(pool__in=pools, trashed_at=None).listed()
    machines = there.select_related("pool", "pool__owner")
    by_pool: dict[int | None, list[Row]] = {}
    for found in rows(machines, rights=rights, now=now, outage=outage):
        by_pool.setdefault(found.vm.pool_id, []).append(found)
    first = Shelf(own, "My VMs", meters_of(own, user), by_pool.get(own.pk, []) if own else [], is_own=True)
    return [first, *(Shelf(pool, pool.name, meters_of(pool, user), by_pool.get(pool.pk, []), False) for pool in shared)]


def figures_of(pool: Pool | None, user: User) -> QuotaFigures:
    """A pool's figures; those of a personal pool that will be made at first need where `pool` is None."""
    if pool is not None:
        return figures(pool)
    return QuotaFigures(rule=limit_of_member(user), usage=Usage(), held=Footprint())


def meters_of(pool: Pool | None, user: User) -> list[Meter]:
    """CPU, memory and disk of a pool."""
    found = figures_of(pool, user)
    return meters(used=found.used, held=found.held, limit=found.limit)


def vm_row(user: User, vm: VirtualMachine, now: datetime, outage: str = "") -> Row:
    """One machine for its own page."""
    held = Operation.objects.blocking().filter(vm=vm).select_related("actor").first()
    return row(vm, held, rights=Rights(user), now=now, outage=outage)


def button_of(user: User, vm: VirtualMachine, action: Action, shown: Row) -> Button:
    """One action for its own page, also where the machine's menu does not offer it now."""
    listed = next((button for button in shown.buttons if button.action == action), None)
    return listed or rows_button(vm, action, shown.operation, Rights(user))


def heading(user: User, vm: VirtualMachine, now: datetime) -> dict[str, object]:
    """What vms/page.html needs around any tab of a machine: `vm`, `row`, `notes`, `latest` (its newest operation)."""
    view = outlook(VirtualMachine.objects.filter(pk=vm.pk), now)
    return {
        "vm": vm,
        "row": vm_row(user, vm, now, view.outage),
        "notes": view.notes,
        "latest": last_operation(vm),
        "is_rtp_elsewhere": user.has_rtp_power and Rights(user).role_of(vm) is None,
    }


def last_operation(vm: VirtualMachine) -> Operation | None:
    """The newest operation on this machine."""
    return Operation.objects.filter(vm=vm).select_related("actor").first()


def everything(user: User, words: str, page: str | None) -> Page[VirtualMachine]:
    """All machines for an RTP, the own ones first, then by pool and name; `words` narrows by name, pool or owner."""
    mine = Case(When(pool__owner=user, then=Value(True)), default=Value(False), output_field=BooleanField())
    found = VirtualMachine.objects.visible_to(user).listed().select_related("pool", "pool__owner")
    if words:
        named = Q(name__icontains=words) | Q(pool__name__icontains=words) | Q(pool__owner__username__icontains=words)
        found = found.filter(named | Q(vmid=int(words)) if words.isdecimal() and len(words) < 9 else named)
    by_pool = F("pool__name").asc(nulls_last=True)
    return Paginator(found.annotate(is_mine=mine).order_by("-is_mine", by_pool, "name", "pk"), PAGE).get_page(page)


@dataclass(frozen=True)
class Use:
    """One resource on the create page: what is used, what this adds, what the limit is."""

    meter: Meter
    adds: int

    @property
    def after_text(self) -> str:
        """What is used afterwards."""
        return self.meter.words(self.meter.used + self.meter.held + self.adds)

    @property
    def adds_text(self) -> str:
        """'+2 cores'; empty where nothing is added."""
        return f"+{self.meter.words(self.adds)}" if self.adds > 0 else ""

    @property
    def is_too_much(self) -> bool:
        """It does not fit."""
        return self.adds > 0 and not self.meter.is_unlimited and self.adds > self.meter.free


def uses(found: QuotaFigures, asked: Footprint) -> list[Use]:
    """What something would use of what is left."""
    lines = meters(used=found.used, held=found.held, limit=found.limit)
    adds = (asked.cores, asked.memory_mib, asked.disk_gib)
    return [Use(meter, add) for meter, add in zip(lines, adds, strict=True)]


@dataclass(frozen=True)
class LastWish:
    """What the person asked for last time they created a machine. `volid`: of the ISO."""

    template_id: int = 0
    volid: str = ""
    size: str = ""


def last_wish(user: User) -> LastWish:
    """Read from their newest creation; empty before the first."""
    wish = Operation.objects.filter(actor=user, kind=OperationKind.CREATE).values_list("wish", flat=True).first() or {}
    return LastWish(wish.get("template") or 0, wish.get("iso") or "", _preset_of(wish))


def _preset_of(wish: dict[str, Any]) -> str:
    wanted = (wish.get("cores"), wish.get("memory_mib"))
    return next((preset.key for preset in BY_KEY.values() if (preset.cores, preset.memory_mib) == wanted), "")


def pools_to_create_in(user: User) -> list[Pool]:
    """Pools in which the person may create, beside the own one: shared ones they manage; for an RTP all of them."""
    if user.has_rtp_power:
        found = Pool.objects.filter(closed_at=None).exclude(owner=user).select_related("owner").order_by("name")
        return list(found)
    return list(pools_managed_by(user).filter(kind=PoolKind.SHARED, closed_at=None))


def manages(user: User, pool: Pool) -> bool:
    """Whether an own role lets them create there."""
    return pools_managed_by(user).filter(pk=pool.pk).exists()


def machines_to_copy(user: User) -> list[VirtualMachine]:
    """Machines that stand in pools the person manages by an own role."""
    ready = VirtualMachine.objects.filter(lifecycle=Lifecycle.READY, trashed_at=None, missing_since=None)
    return list(ready.filter(pool__in=pools_managed_by(user)).select_related("pool__owner").order_by("name")[:100])


def templates_on_offer() -> list[Template]:
    """Templates members may clone."""
    return list(Template.objects.filter(is_hidden=False, missing_since=None))


def isos_on_offer() -> list[IsoImage]:
    """ISOs members may install from, each once however many nodes hold it."""
    once: dict[str, IsoImage] = {}
    for iso in IsoImage.objects.filter(is_hidden=False, missing_since=None):
        once.setdefault(iso.volid, iso)
    return list(once.values())
