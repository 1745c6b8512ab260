"""Explains a refusal: what counts against the limit, machine by machine, and what would make room."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Pool
from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from quotas.shown import WORDS
from quotas.usage import QuotaFigures, figures
from vms.models import VirtualMachine
from vms.usage import shape_of

SHOWN = 5


@dataclass(frozen=True)
class Taken:
    """What one machine counts. `at_boot`: stopped, its cores and memory would count on."""

    vm_id: int
    name: str
    cores: int
    memory_mib: int
    disk_gib: int
    at_boot: bool = False

    def words(self, resource: str) -> str:
        """'db (4 cores)'."""
        amount = getattr(self, resource)
        return f"{self.name} ({WORDS[resource](amount)})"


@dataclass(frozen=True)
class Explanation:
    """`counted`: the sum by machine. `room`: what would make room. `ask`: where to ask for more, figures filled in."""

    counted: str
    room: str
    ask: str

    @property
    def text(self) -> str:
        """Both sentences."""
        return " ".join(part for part in (self.counted, self.room) if part)


def explain(pool: Pool, refusal: QuotaExceeded, growing: VirtualMachine | None = None) -> Explanation:
    """Why the pool's limit does not let this in, and the ways out. `growing`: it counts, but makes no room itself."""
    now = figures(pool)
    always, ask = now.rule.counts_always, _ask(pool, refusal, now)
    resource = decisive(refusal.missing)
    if not resource:
        return Explanation("", "Delete a machine to make room.", ask)
    found = sorted(taken(pool, always=always), key=lambda each: -getattr(each, resource))
    counted = [each for each in found if getattr(each, resource)]
    others = [each for each in counted if growing is None or each.vm_id != growing.pk]
    return Explanation(_counted(counted, resource), _room(others, resource, refusal.missing, always), ask)


def decisive(missing: Footprint) -> str:
    """The resource to speak of: the first that is missing; empty for the number of machines."""
    return next((name for name in ("cores", "memory_mib", "disk_gib") if getattr(missing, name)), "")


def taken(pool: Pool, *, always: bool) -> list[Taken]:
    """What each machine of the pool counts now, by the same rule as vms.usage."""
    return [_taken(vm, always) for vm in VirtualMachine.objects.filter(pool=pool).counted()]


def _taken(vm: VirtualMachine, always: bool) -> Taken:
    counts = shape_of(vm).counted(always=always)
    return Taken(vm.pk, vm.name, counts.cores, counts.memory_mib, counts.disk_gib, vm.start_at_boot)


def _counted(found: list[Taken], resource: str) -> str:
    if not found:
        return ""
    words = ", ".join(each.words(resource) for each in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"Counted now: {words}{more}."


def _room(found: list[Taken], resource: str, missing: Footprint, always: bool) -> str:
    """The smallest machine that alone makes room, else the largest ones together; empty where none do."""
    needed = getattr(missing, resource)
    alone = [each for each in found if getattr(each, resource) >= needed]
    chosen = alone[-1:] if alone else _together(found, resource, needed)
    if not chosen:
        return ""
    words = " and ".join(each.words(resource) for each in chosen)
    if resource == "disk_gib" or always:
        return f"Delete {words} to make room."
    at_boot = " and ".join(each.name for each in chosen if each.at_boot)
    return f"Stop {words} to make room." + (f" Switch off start at boot of {at_boot}, too." if at_boot else "")


def _together(found: list[Taken], resource: str, needed: int) -> list[Taken]:
    chosen: list[Taken] = []
    for each in found:
        chosen.append(each)
        if sum(getattr(one, resource) for one in chosen) >= needed:
            return chosen
    return []


def _ask(pool: Pool, refusal: QuotaExceeded, now: QuotaFigures) -> str:
    """The form that asks for as much as would have been needed."""
    wanted = now.used + now.held + refusal.asked
    asked: dict[str, str] = {} if pool.owner_id else {"pool": str(pool.pk)}
    if refusal.missing.cores:
        asked["cores"] = str(wanted.cores)
    if refusal.missing.memory_mib:
        asked["memory_gib"] = f"{-(-wanted.memory_mib // 256) / 4:g}"
    if refusal.missing.disk_gib:
        asked["disk_gib"] = str(wanted.disk_gib)
    return f"{reverse('quotas:ask')}?{urlencode(asked)}" if asked else reverse("quotas:ask")
