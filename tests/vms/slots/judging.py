"""What went over from a machine that is gone to the one in its slot: effects, sights, keys, dates, rights, history."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone

from consoles.models import ConsoleGrant, ConsoleShare, ConsoleVisit
from tests.vms.slots.holding import Held, pages
from tests.vms.slots.remaking import Newcomer
from tests.vms.slots.street import Street
from vms import leasing
from vms.models import ClusterTask, LeaseNotice, Operation, Plot, RenewalLink, VirtualMachine

#: Tasks that an administrator begins in these tests: of the old machine alone, and of the newcomer alone.
OF_OLD_ONES, OF_NEWCOMERS = ("qmstop", "qmdestroy"), ("qmcreate", "qmsnapshot")
LISTS = ("/", "/activity/", "/trash/", "/vms/new/")


class Judge:
    """Remembers the newcomer as it came, and says what touched it or shows it."""

    def __init__(self, street: Street, held: Held, new: Newcomer) -> None:
        self.street, self.held, self.new = street, held, new
        self.came_at = timezone.now()
        self.effects = len(street.pve.effects())
        self.truth = self._truth()
        self.found: list[str] = []

    def _truth(self) -> dict[str, Any]:
        found: dict[str, Any] = self.street.pve.all_guests()[self.new.vmid]
        return found

    @property
    def marks(self) -> tuple[str, ...]:
        """What only the newcomer has, as texts; its name is not one where it is called as the old one was."""
        net0 = self.truth["config"]["net0"].partition("=")[2].partition(",")[0]
        return (self.new.mark, self.new.uuid, net0, f"203.0.113.{self.held.number % 250 + 1}")

    def note(self, what: str, *, wrong: bool) -> None:
        """A carry-over."""
        self.found += [what] if wrong else []

    def look_at_lists(self) -> None:
        """The other half of the machine's own pages, and lists where the newcomer is not hers by right."""
        own = pages(self.held)[1 - self.held.number % 2 :: 2]
        lists = [*LISTS, f"/renew/{self.held.link}/"] if self.new.pool != "alice" else []
        self.look_at([*own, *lists])
        if self.held.share_id:
            self.look_at([f"/consoles/guest/{self.held.share_id}/"], self.street.carol)
            self.look_at([f"/consoles/shared/{self.held.open_link}/"], self.street.bob)

    def look_at(self, paths: Iterable[str], client: Client | None = None) -> None:
        """Pages that somebody (alice) has open, loaded again."""
        for path in paths:
            answer = (client or self.street.alice).get(path)
            text = answer.content.decode()
            self.note(f"{path} answers {answer.status_code}", wrong=answer.status_code >= 500)
            self.note(f"{path} shows it", wrong=any(mark in text for mark in self.marks))

    def look_at_truth(self) -> None:
        """The newcomer is as it came, and no effect of the portal's met it."""
        for effect in self.street.pve.effects()[self.effects :]:
            self.note(f"it met {effect['verb']}", wrong=effect["uuid"] == self.new.uuid)
        now = self._truth()
        changed = sorted(name for name in now if now[name] != self.truth[name])
        self.note(f"its {', '.join(changed)} changed", wrong=bool(changed))

    def look_at_keys(self, keysym: int) -> None:
        """What alice typed is not on its screen."""
        events = self.street.pve.control("GET", f"/guests/{self.new.vmid}/keys")
        self.note("her keys reached it", wrong=any(event.get("keysym") == keysym for event in events))

    def look_at_rows(self) -> None:
        """The old row knows nothing of the newcomer; the newcomer's knows nothing of the old one."""
        self.look_at_old_row()
        old = VirtualMachine.objects.get(pk=self.held.vm.pk)
        self.note("the old row sits in the slot", wrong=old.lifecycle != "gone" and old.vmid == self.new.vmid)
        new = VirtualMachine.objects.present().filter(smbios_uuid=self.new.uuid).first()
        assert new is not None, "the mirror did not find the newcomer"
        for what in inherited(self.held, self.new, old, new):
            self.note(what, wrong=True)

    def look_at_old_row(self) -> None:
        """The old row before the mirror has found the newcomer."""
        old = VirtualMachine.objects.get(pk=self.held.vm.pk)
        told = json.dumps(model_to_dict(old), default=str) + str(list(ops(old).values("sentence", "task_log")))
        self.note("the old row knows it", wrong=any(mark in told for mark in self.marks))
        self.note("her plot shows it", wrong=any(plot.rows for plot in Plot.objects.filter(vm=old)))
        self.note("its tasks are hers", wrong=ClusterTask.objects.filter(vm=old, kind__in=OF_NEWCOMERS).exists())

    def look_at_ends(self) -> None:
        """No operation of hers says that it was done; a deletion of what is gone may."""
        for op in ops(self.held.vm).filter(changed_at__gt=self.came_at, state="succeeded").exclude(kind="delete"):
            self.note(f"{op.kind} says that it was done", wrong=True)


def ops(vm: VirtualMachine) -> Any:
    """What was ever asked of that row."""
    return Operation.objects.filter(vm=vm)


def inherited(held: Held, came: Newcomer, old: VirtualMachine, new: VirtualMachine) -> Iterator[str]:
    """What the newcomer's row has of the old one."""
    if new.pk == old.pk:
        yield "it took over the row"
        return
    if came.row is not None and new.pk != came.row.pk:
        yield "it lost its own row"
    if new.vmid != came.vmid:
        yield "it is not in its slot"
    yield from columns(held, came, new)
    tables = (LeaseNotice, ConsoleVisit, ConsoleGrant, ConsoleShare, Plot)
    yield from (f"it has a {table.__name__}" for table in tables if table.objects.filter(vm=new).exists())
    if RenewalLink.objects.filter(vms=new).exists():
        yield "a mail's link renews it"
    if ClusterTask.objects.filter(vm=new, kind__in=OF_OLD_ONES).exists():
        yield "it has tasks of before it was there"
    if ops(new).exclude(kind="create").exists():
        yield "it has operations"


def columns(held: Held, came: Newcomer, new: VirtualMachine) -> Iterator[str]:
    """Dates, rights and facts of the old one."""
    texts = json.dumps([new.notes, new.tags, new.hardware, new.guest, new.snapshots])
    if any(fact in texts for fact in held.facts):
        yield "it shows facts of the old one"
    if new.lease_until is not None and new.lease_until == held.lease_until:
        yield "it has the old lease"
    if new.lease_until is not None and new.lease_until < timezone.now():
        yield "its lease is over"
    if came.row is None and leasing.is_dated(new) and new.lease_until is None:
        yield "it has no lease of its own"
    if new.trashed_at is not None or new.trash_until is not None or new.lease_exempt_reason:
        yield "it lies in the trash"
    if new.login_user == "hers" or (came.pool != "alice" and new.created_by_id == held.bench.shop.cast.alice.pk):
        yield "it is hers"
    if (new.pool.proxmox_poolid if new.pool else "") != (came.pool if came.pool != "house-infra" else ""):
        yield f"it is in {new.pool}"
