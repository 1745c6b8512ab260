"""What keeps the portal from stopping or deleting anything: each guard alone, in its own sentence."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.alarms import raise_alarm
from accounts.models import OutgoingMail
from accounts.sync import ALARM
from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_vm
from vms import lease_acts, leases, leasing
from vms.models import LeaseNotice, MirrorRun, Operation, VirtualMachine
from vms.states import Lifecycle, OperationKind

Guard = Callable[[Cast, VirtualMachine, datetime], object]


def due(cast: Cast, name: str = "old", *, warned: int = 3, now: datetime | None = None) -> VirtualMachine:
    """Alice's machine whose lease ended eight days ago, with so many warnings that reached her."""
    now = now or timezone.now()
    ended = now - timedelta(days=8)
    vm = make_vm(cast.alices, name, lease_until=ended)
    for n in range(warned):
        mail = OutgoingMail.objects.create(
            to="alice@example.org", subject="expires", text="", made_at=now, next_try_at=now, sent_at=now
        )
        LeaseNotice.objects.create(vm=vm, ends_at=ended, stage=str(n), mail=mail, told_id=cast.alice.pk, made_at=now)
    return vm


def held(now: datetime) -> list[str]:
    return [act.held for act in lease_acts.due(now)]


def columns(**changed: object) -> Guard:
    return lambda cast, vm, now: VirtualMachine.objects.filter(pk=vm.pk).update(**changed)


def old_reading(cast: Cast, vm: VirtualMachine, now: datetime) -> None:
    MirrorRun.objects.update(finished_at=now - timedelta(days=1))


def away(cast: Cast, vm: VirtualMachine, now: datetime) -> None:
    watch = leasing.watch()
    watch.back_at = now - timedelta(hours=23)
    watch.save()


GUARDS: dict[str, tuple[Guard, str]] = {
    "a partial reading": (lambda c, vm, now: MirrorRun.objects.update(is_complete=False), "is not complete"),
    "an old reading": (old_reading, "is too old"),
    "a frozen reading": (lambda c, vm, now: MirrorRun.objects.update(frozen=True), "is not complete"),
    "no reading": (lambda c, vm, now: MirrorRun.objects.all().delete(), "has not been read yet"),
    "the directory": (lambda c, vm, now: raise_alarm(ALARM, "", "Too many would leave."), "held back by an alarm"),
    "a return": (away, "it waits for 24 hours"),
    "an RTP's hold": (
        lambda c, vm, now: leases.hold_deletions(reason="Storage.", by=c.rita, address="", now=now), "rita holds all"),
    "an RTP's lock": (columns(locked_at=timezone.now(), lock_reason="Mining."), "An RTP locked this VM: Mining."),
    "not shown": (columns(missing_since=timezone.now()), "Proxmox does not show it"),
    "not known": (columns(power="unknown"), "Its state is not known"),
    "protected": (columns(hardware={"is_protected": True}), "It is protected against deletion"),
    "at work": (lambda c, vm, now: make_operation(vm, c.alice, kind=OperationKind.START), "Something else"),
    "a mail unsent": (lambda c, vm, now: OutgoingMail.objects.filter(pk=OutgoingMail.objects.latest("pk").pk).update(
        sent_at=None), "Its owner had 2 delivered warnings; 3 are needed."),
    "warned for another lease": (lambda c, vm, now: LeaseNotice.objects.update(ends_at=now), "had 0 delivered"),
}  # fmt: skip


@pytest.mark.parametrize("guard", GUARDS)
def test_each_guard_alone_keeps_a_machine_and_says_why(guard: str, cast: Cast) -> None:
    now = timezone.now()
    make_reading()
    vm = due(cast)
    leasing.watch()
    act, words = GUARDS[guard]

    act(cast, vm, now)

    assert [words in sentence for sentence in held(now)] == [True]
    assert (lease_acts.carry_out(now), Operation.objects.filter(kind=OperationKind.TRASH).count()) == (0, 0)


def test_without_any_of_them_it_goes(cast: Cast) -> None:
    """The control of all above."""
    make_reading()
    due(cast)

    assert held(timezone.now()) == [""]
    assert lease_acts.carry_out(timezone.now()) == 1
    assert Operation.objects.get().kind == OperationKind.TRASH


def test_more_than_five_a_day_wait_for_an_rtp(cast: Cast) -> None:
    now = timezone.now()
    make_reading()
    for n in range(7):
        due(cast, f"old-{n}")

    first, again = lease_acts.carry_out(now), lease_acts.carry_out(now)
    leases.release(by=cast.rita, address="", now=now)

    assert (first, again, lease_acts.carry_out(now)) == (5, 0, 2)


@pytest.mark.parametrize("change", ["unbound", "never expires", "exempt", "no pool"])
def test_what_has_no_lease_is_never_dated_stopped_or_deleted(change: str, cast: Cast) -> None:
    make_reading()
    vm = due(cast)
    pools = type(cast.alices).objects.filter(pk=cast.alices.pk)
    {
        "unbound": lambda: pools.update(proxmox_poolid=None),
        "never expires": lambda: pools.update(never_expires=True),
        "exempt": lambda: VirtualMachine.objects.update(lease_exempt_reason="DNS."),
        "no pool": lambda: VirtualMachine.objects.update(pool=None),
    }[change]()

    leases.look_once(timezone.now().replace(hour=12))

    vm.refresh_from_db()
    assert (vm.lifecycle, vm.trashed_at, Operation.objects.count()) == (Lifecycle.READY, None, 0)


@pytest.mark.parametrize(("lifecycle", "days", "left"), [("gone", 31, 0), ("gone", 29, 3), ("ready", 31, 3)])
def test_stages_are_forgotten_a_month_after_the_machine_is_gone(
    lifecycle: str, days: int, left: int, cast: Cast
) -> None:
    now = timezone.now()
    vm = due(cast)
    VirtualMachine.objects.filter(pk=vm.pk).update(
        lifecycle=lifecycle, gone_at=now - timedelta(days=days) if lifecycle == "gone" else None
    )

    leases.look_once(now.replace(hour=1))

    assert LeaseNotice.objects.filter(vm=vm).count() == left


def test_renewing_never_ends_a_lease_sooner_than_an_rtp_let_it_run(cast: Cast) -> None:
    vm, now = make_vm(cast.alices, lease_until=timezone.now()), timezone.now()
    far = timezone.localtime(now).date() + timedelta(days=300)
    extended = leases.extend(vm, until=far, by=cast.rita, address="", now=now).lease_until

    renewed = leases.renew(vm, by=cast.alice, address="", now=now)

    assert renewed.lease_until == extended
