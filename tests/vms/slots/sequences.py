"""One sequence: alice holds everything, her machine goes, another comes, and she uses what she holds."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from tests.vms.slots.holding import QUEUED, Held, grant_by_share, grant_of, hold, pages, power_for
from tests.vms.slots.judging import Judge
from tests.vms.slots.remaking import POOLS, WAYS, delete_by_portal, destroy, remake
from tests.vms.slots.street import Street, cookie
from vms import lease_acts
from vms.operations import engine

FIRST_KEY = 0x1000000


@dataclass(frozen=True)
class Case:
    """`reads_between`: readings of the mirror while the slot is empty. `reads_after`: before anything is used."""

    number: int
    queued: str
    way: str
    pool: str
    through_api: bool
    reads_between: int
    reads_after: bool

    @property
    def is_by_portal(self) -> bool:
        """Alice deletes it herself; the slot is free for the portal then."""
        return self.way.startswith("portal")


def cases(count: int, seed: int) -> Iterator[Case]:
    """Every way with each kind of reading, and every kind of operation in the queue by turns."""
    rng = random.Random(seed)
    queued, ways = list(QUEUED), list(WAYS)
    for number in range(count):
        yield Case(
            number, queued[number % len(queued)], ways[number % len(ways)], rng.choice(POOLS),
            rng.random() < 0.5, rng.choice([0, 0, 1, 4]), rng.random() < 0.5,
        )  # fmt: skip


def run(street: Street, case: Case) -> tuple[int, list[str]]:
    """How much was held, and what was carried over."""
    held = hold(street, case.number, case.queued)
    count = held.things
    if case.is_by_portal:
        delete_by_portal(street, held)
    else:
        destroy(street, held, through_api=case.through_api)
        street.read(case.reads_between)
    new = remake(street, held, case.way, case.pool, str(power_for(case.queued)))
    judge = Judge(street, held, new)
    if case.reads_after:
        street.read()
    use(street, held, judge, reads=case.reads_after)
    street.read_thoroughly()
    street.watch(held.bench.row)
    judge.look_at_lists()
    judge.look_at_rows()
    judge.look_at_truth()
    street.pve.destroy(new.vmid)
    street.forget()
    return count, [f"{case}: {what}" for what in judge.found]


def use(street: Street, held: Held, judge: Judge, *, reads: bool) -> None:
    """Everything she holds, one after the other."""
    keysym = FIRST_KEY + held.vmid
    use_screens(street, held, judge, keysym)
    street.watch(held.bench.row)
    judge.look_at(pages(held)[held.number % 2 :: 2])
    judge.look_at_old_row()
    deliver(street, held)
    if reads:
        street.read()
    for form in held.forms:
        send(street, held, form)
    end_leases(street, held)
    deliver(street, held)
    judge.look_at_ends()
    judge.look_at_keys(keysym)


def use_screens(street: Street, held: Held, judge: Judge, keysym: int) -> None:
    """The open socket, unused grants of hers and of whom she shared it with, and new ones as their pages would ask."""
    screens = street.screens
    if held.screen is not None:
        screens.type(held.screen, keysym)
    for client, grant in _grants(street, held):
        opened = screens.open(held.vm.pk, cookie(client), grant) if grant else None
        if opened is not None:
            judge.note("a grant opens its screen", wrong=screens.see(opened))
            screens.type(opened, keysym)
            screens.ending(opened)
    if held.ending is not None:
        assert held.ending.result(20) is not None


def _grants(street: Street, held: Held) -> Iterator[tuple[Client, str]]:
    yield street.alice, held.grant
    yield street.alice, grant_of(street.alice, held.vm)
    if held.share_id:
        yield street.carol, held.shared
        yield street.carol, grant_by_share(street.carol, held.share_id)
        taken = street.bob.post(f"/consoles/shared/{held.open_link}/")
        if taken.status_code == 302:
            yield street.bob, grant_by_share(street.bob, int(taken.headers["Location"].rstrip("/").rpartition("/")[2]))


def deliver(street: Street, held: Held) -> None:
    """What waits in the broker arrives, and once more."""
    for op in held.queue:
        street.shop.work(op)
        engine.run(op.pk)
    street.shop.work_all()


def send(street: Street, held: Held, form: Any) -> None:
    """A form as the page was when it was loaded, with the digest and the number of then; workers see to it."""
    told = {"digest": held.digest} | form.told | {"key": street.new_key()}
    told |= {"iso_id": str(street.shop.iso.pk), "into": str(street.shop.cast.shared.pk), "name": held.bench.row.name}
    told |= {name: form.told[name] for name in ("name",) if name in form.told}
    answer = street.alice.post(f"/vms/{held.vm.pk}/{form.path}", told)
    assert answer.status_code in {200, 302, 404, 409, 422}, (form.path, answer.status_code)
    street.shop.work_all()


def end_leases(street: Street, held: Held) -> None:
    """The daily look finds what is due; then she renews, by button and by the mail's link."""
    lease_acts.carry_out(timezone.now())
    street.shop.work_all()
    pk = held.vm.pk
    for path, told in ((f"/renew/{held.link}/", {"vm": [pk]}), (f"/vms/{pk}/renew/", {}), ("/renew/", {})):
        assert street.alice.post(path, told).status_code in {302, 404}, path
