"""What alice holds of her machine before it is gone: pages, forms, a screen, grants, a queue, a lease, a link."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import OutgoingMail
from consoles import shares
from tests.consoles.browser import Browser
from tests.vms.operations import changes
from tests.vms.operations.bench import Bench
from tests.vms.operations.test_double_submits import FORMS, Form
from tests.vms.slots.street import Street, cookie
from vms import lease_acts, operations, renewal_links
from vms.models import LeaseNotice, Operation, VirtualMachine
from vms.operations import FromMachine, Size
from vms.states import OperationKind as K
from vms.states import Power

Asked = Callable[[Bench], Operation]
#: Kind and the power its machine has when it is asked for.
POWERS: dict[K, Power] = {
    K.START: Power.STOPPED, K.SHUTDOWN: Power.RUNNING, K.STOP: Power.RUNNING, K.REBOOT: Power.RUNNING,
    K.RESET: Power.RUNNING, K.SUSPEND: Power.RUNNING, K.RESUME: Power.PAUSED, K.DELETE: Power.STOPPED,
}  # fmt: skip


def _power(kind: K) -> Asked:
    return lambda bench: bench.shop.ask(bench.row, kind)


def _change(kind: str) -> Asked:
    def ask(bench: Bench) -> Operation:
        changes.prepare(bench, kind)
        return changes.request(bench, kind)

    return ask


def _end_of_lease(bench: Bench) -> Operation:
    assert lease_acts.carry_out(timezone.now()) == 1
    return Operation.objects.filter(vm=bench.vm).latest("pk")


def _end_of_trash(bench: Bench) -> Operation:
    past = timezone.now() - timedelta(hours=1)
    trashed = {"trashed_at": past, "trashed_by": bench.shop.cast.alice, "trash_until": past}
    VirtualMachine.objects.filter(pk=bench.vm.pk).update(**trashed)
    return _end_of_lease(bench)


def _restore(bench: Bench) -> Operation:
    past = timezone.now() - timedelta(hours=1)
    trashed = {"trashed_at": past, "trashed_by": bench.shop.cast.alice, "trash_until": past + timedelta(days=3)}
    VirtualMachine.objects.filter(pk=bench.vm.pk).update(**trashed)
    return operations.request_restore(bench.row, **bench.who)


#: Operations asked for and not yet sent. Those whose machine is neither on nor off by themselves run.
QUEUED: dict[str, Asked] = {
    **{str(kind): _power(kind) for kind in POWERS},
    **{kind: _change(kind) for kind in changes.CHANGES},
    "snapshot": lambda bench: operations.request_snapshot(bench.row, name="another", **bench.who),
    "roll_back": lambda bench: operations.request_roll_back(bench.row, name="kept", **bench.who),
    "drop_snapshot": lambda bench: operations.request_drop_snapshot(bench.row, name="kept", **bench.who),
    "move": lambda bench: operations.request_move(bench.row, into=bench.shop.cast.shared, **bench.who),
    "trash": lambda bench: operations.request_trash(bench.row, **bench.who),
    "restore": _restore,
    "end of lease": _end_of_lease,
    "end of trash": _end_of_trash,
}
OFF = frozenset({"start", "delete", "trash", "restore", "end of trash"})


def power_for(queued: str) -> Power:
    """What the machine does while that waits."""
    if queued in OFF:
        return Power.STOPPED
    return Power.PAUSED if queued == "resume" else Power.RUNNING


@dataclass
class Held:
    """What is held of the machine of one sequence. Only the row, the lease and the queue are always there."""

    number: int
    bench: Bench
    lease_until: datetime
    queue: list[Operation]
    forms: tuple[Form, ...]
    digest: str
    grant: str = ""
    shared: str = ""
    share_id: int = 0
    open_link: str = ""
    screen: Browser | None = None
    ending: "Future[int | None] | None" = None
    link: str = ""

    @property
    def mark(self) -> str:
        """It stands in the machine's name, notes and tags."""
        return f"hers{self.number}"

    @property
    def vm(self) -> VirtualMachine:
        """Her row."""
        return self.bench.vm

    @property
    def vmid(self) -> int:
        """The slot, which the row may have left."""
        return self.bench.vm.vmid or 0

    @property
    def facts(self) -> tuple[str, ...]:
        """What only her machine had, as texts."""
        return (f"{self.mark} notes", f"{self.mark} OS", mac(10, self.number), "192.0.2.")

    @property
    def things(self) -> int:
        """Pages and forms, each operation, the lease and its notices, and what is there of the rest."""
        rest = (self.grant, self.shared, self.screen, self.link, self.share_id, self.open_link)
        return len(pages(self)) + len(self.forms) + len(self.queue) + 2 + sum(map(bool, rest))


TABS = ("", "hardware/", "settings/", "snapshots/", "activity/", "plots/?span=hour", "console/")


def pages(held: Held) -> list[str]:
    """Addresses that alice has open, all of the machine itself."""
    small = ("change/resize/", "change/tags/", "snapshots/kept/roll-back/", "actions/trash/")
    asked = [f"operations/{op.pk}/" for op in held.queue if op.vm_id == held.vm.pk]
    return [f"/vms/{held.vm.pk}/{path}" for path in (*TABS, *small, *asked)]


def hold(street: Street, number: int, queued: str) -> Held:
    """Alice's machine of long standing in a slot of its own, and everything she has of it."""
    bench = _machine(street, number, queued)
    until = _lease(bench, number)
    held = Held(number, bench, until, [], forms_of(number), bench.row.config_digest)
    held.link = renewal_links.make(street.shop.cast.alice, [bench.row], timezone.now())
    held.queue.append(_copy(bench, number))
    held.queue.append(QUEUED[queued](bench))
    held.digest = bench.row.config_digest
    if bench.row.power != Power.STOPPED and bench.row.trashed_at is None:
        _screens(street, held)
    return held


def forms_of(number: int) -> tuple[Form, ...]:
    """A sixth of everything that can be asked for on a page, by turns."""
    return tuple(FORMS[number % 6 :: 6])


def _machine(street: Street, number: int, queued: str) -> Bench:
    mark = f"hers{number}"
    config = changes.RICH | {"tags": mark, "description": f"vmportal:4711\n{mark} notes", "agent": "1"}
    config["net0"] = f"virtio={mac(10, number)},bridge=vmbr0"
    power = power_for(queued)
    asked = {"vmid": 2000 + number, "status": "stopped", "config": config, "name": f"{mark}-web"}
    bench = Bench(street.shop, **asked)
    who: Any = bench.who
    assert street.shop.work(operations.request_snapshot(bench.row, name="kept", **who)).state == "succeeded"
    tells = {"addresses": [f"192.0.2.{number % 250 + 1}"], "os": f"{mark} OS"}
    street.pve.change(bench.vm.vmid or 0, status=str(power), agent_tells=tells)
    bench.read()
    return bench


def _lease(bench: Bench, number: int) -> datetime:
    """It ended eight days ago, and alice was told three times."""
    now = timezone.now()
    until = now - timedelta(days=8, minutes=number)
    alice = bench.shop.cast.alice
    VirtualMachine.objects.filter(pk=bench.vm.pk).update(
        lease_until=until, login_user="hers", created_by=alice, created_at=now - timedelta(days=99)
    )
    for stage in ("3", "1", "0"):
        mail = OutgoingMail.objects.create(
            to=alice.email, subject="expires", text="", made_at=now, next_try_at=now, sent_at=now
        )
        LeaseNotice.objects.create(
            vm=bench.vm, ends_at=until, stage=stage, mail=mail, told_id=alice.pk, made_at=now - timedelta(days=9)
        )
    return until


def _copy(bench: Bench, number: int) -> Operation:
    """She asked for a copy of it, too."""
    return bench.shop.create(FromMachine(bench.vm.pk), f"copy-{number}", size=Size(1, 512, 60))


def _screens(street: Street, held: Held) -> None:
    """An open screen, a grant for another, one that carol has by a share, and a link that nobody has taken yet."""
    first, now = grant_of(street.alice, held.vm), timezone.now()
    held.screen = street.screens.open(held.vm.pk, cookie(street.alice), first)
    assert held.screen is not None
    assert street.screens.see(held.screen)
    held.ending = street.screens.ending(held.screen)
    held.grant = grant_of(street.alice, held.vm)
    by: Any = {"may_control": True, "minutes": 60, "now": now}
    taken = shares.take(
        shares.make(street.shop.cast.alice, held.vm, guest="carol", **by), street.shop.cast.carol, address="", now=now
    )
    assert taken is not None
    held.share_id, held.open_link = taken.pk, shares.make(street.shop.cast.alice, held.vm, **by)
    held.shared = grant_by_share(street.carol, taken.pk)


def grant_of(client: Client, vm: VirtualMachine) -> str:
    """What the page's script is given; empty where it is refused."""
    return _grant(client, f"/vms/{vm.pk}/console/grant")


def grant_by_share(client: Client, share_id: int) -> str:
    """The same on a guest's page."""
    return _grant(client, f"/consoles/guest/{share_id}/grant")


def _grant(client: Client, path: str) -> str:
    answer = client.post(path)
    return str(json.loads(answer.content).get("grant", "")) if answer.status_code == 200 else ""


def mac(house: int, number: int) -> str:
    """An address that no other machine has."""
    return f"BC:24:11:{house:02X}:{number // 256:02X}:{number % 256:02X}"
