"""R-22 and R-50: a lease never takes the wrong thing, and nobody is surprised."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from tests.cast import Cast
from tests.factories import make_vm
from tests.figures import figure, scaled
from tests.vms.leases.year import START, Year
from vms import lease_acts, lease_guards, leases, leasing
from vms.models import Operation, VirtualMachine
from vms.operations.rights import still_allowed
from vms.states import Power

DAY_S = 90_000


@pytest.fixture(autouse=True)
def one_look_a_day(settings: Settings, db: None) -> None:
    settings.LEASE_AWAY_S = DAY_S


def test_a_year_surprises_nobody() -> None:
    machines = scaled(20, 200)
    year = Year(machines, seed=22)
    year.run(365)
    figure("R-22", "machines", machines, "days", 365, dict(year.seen), "wrong", dict(year.wrong))
    assert {what: count for what, count in year.wrong.items() if count} == {}
    assert min(year.seen["delete"], year.seen["trash"], year.seen["shutdown"], year.seen["mails"]) >= 5
    figure("R-50", "acts within 24 h of a return", year.wrong["after return"])


@pytest.mark.parametrize(
    ("guard", "finds"), [("of_warnings", "unwarned"), ("of_reading", "on bad readings"), ("of_return", "after return")]
)
def test_without_its_guard_the_year_goes_wrong(monkeypatch: pytest.MonkeyPatch, guard: str, finds: str) -> None:
    monkeypatch.setattr(lease_guards, guard, lambda _: "")
    year = Year(20, seed=22)
    if guard == "of_warnings":
        VirtualMachine.objects.update(lease_until=START - timedelta(days=30))
    year.run(60)
    assert year.wrong[finds] > 0


def test_a_renewal_in_the_last_second_wins(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("of_everything", "of_warnings"):
        monkeypatch.setattr(lease_guards, name, lambda _: "")
    won = 0
    for n in range(40):
        vm = make_vm(cast.alices, f"late-{n}", power=Power.RUNNING, lease_until=START - timedelta(days=8))
        act = next(each for each in lease_acts.due(START) if each.vm.pk == vm.pk)
        if n % 2:
            leases.renew(vm, by=cast.alice, address="", now=START)
            won += not lease_acts.do(act, START)
        else:
            assert lease_acts.do(act, START)
            leases.renew(vm, by=cast.alice, address="", now=START)
            won += not still_allowed(Operation.objects.get(vm=vm))
    figure("R-22", "renewals in the last second", 40, "won", won)
    assert won == 40


def test_only_bound_pools_date_machines(cast: Cast) -> None:
    cast.shared.never_expires = True
    cast.shared.save()
    free = [make_vm(cast.shared, "adopted"), make_vm(None, "foreign"), make_vm(cast.alices, lease_exempt_reason="DNS")]
    mine = make_vm(cast.alices, "mine")
    leases.begin_missing(START)
    assert list(VirtualMachine.objects.exclude(lease_until=None)) == [mine]
    assert not any(leasing.is_dated(vm) for vm in free)
