"""R-24: ten faults of a real directory, each met by a full pass over 400 members. Nobody leaves, nobody gains."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Thread

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.alarms import open_alarms
from accounts.directory import guard
from accounts.identity import DirectoryReading
from accounts.ldap.reader import read
from accounts.models import Alarm, DirectoryRun, User
from accounts.roles import RunOutcome
from accounts.sync import run_pass
from tests.accounts.directory.house import later
from tests.cast import person
from tests.figures import figure
from tests.sign_in import sign_in
from tests.slapd import BlackHole, SlapdServer, asked, let_in, many

MEMBERS = 400
QUICK = {"LDAP_CONNECT_TIMEOUT_S": 0.3, "LDAP_TIMEOUT_S": 0.4}
PEOPLE = many(MEMBERS)
UIDS = [person.uid for person in PEOPLE]
HALF = UIDS[: MEMBERS // 2]
RTPS = UIDS[:3]
MOST_RATIO, TURNS, ASKED_A_TURN = 1.2, 12, 5
Fault = Callable[[SlapdServer], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def running_house() -> Iterator[SlapdServer]:
    with SlapdServer(people=PEOPLE, groups={"active": UIDS, "rtp": RTPS}) as running:
        yield running


@pytest.fixture
def house(running_house: SlapdServer) -> Iterator[SlapdServer]:
    with asked(running_house, **QUICK):
        yield running_house


@contextmanager
def stopped(house: SlapdServer) -> Iterator[None]:
    house.down()
    yield
    house.up()


@contextmanager
def frozen(house: SlapdServer) -> Iterator[None]:
    house.freeze()
    yield
    house.thaw()


@contextmanager
def dropped_packets(house: SlapdServer) -> Iterator[None]:
    with BlackHole() as hole, asked(house, **QUICK, LDAP_URL=hole.url):
        yield


@contextmanager
def emptied(house: SlapdServer) -> Iterator[None]:
    house.move_away(*UIDS)
    yield
    house.move_back(*UIDS)


@contextmanager
def truncated(house: SlapdServer) -> Iterator[None]:
    house.limit_size("150")
    yield
    house.limit_size("unlimited")


@contextmanager
def half_the_tree(house: SlapdServer) -> Iterator[None]:
    house.move_away(*HALF)
    yield
    house.move_back(*HALF)


@contextmanager
def group_renamed(house: SlapdServer) -> Iterator[None]:
    house.rename_group("active", "aktiv")
    yield
    house.rename_group("aktiv", "active")


@contextmanager
def wrong_base(house: SlapdServer) -> Iterator[None]:
    with asked(house, **QUICK, LDAP_MEMBER_BASE="ou=nowhere,dc=house,dc=test"):
        yield


@contextmanager
def referred(house: SlapdServer) -> Iterator[None]:
    house.refer()
    yield
    house.refer_no_more()


@contextmanager
def password_expired(house: SlapdServer) -> Iterator[None]:
    house.expire_password()
    yield
    house.expire_password(expired=False)


FAULTS: tuple[Fault, ...] = (
    stopped, frozen, dropped_packets, emptied, truncated, half_the_tree, group_renamed, wrong_base, referred,
    password_expired,
)  # fmt: skip


def standing() -> dict[str, tuple[bool, bool]]:
    """Who counts as active, and who is RTP."""
    rows = User.objects.values_list("username", "departed_at", "is_active", "is_rtp")
    return {name: (departed is None and is_active, is_rtp) for name, departed, is_active, is_rtp in rows}


def lost_and_gained(before: dict[str, tuple[bool, bool]]) -> tuple[int, int]:
    """How many were deactivated, and how many have more rights than before."""
    after = standing()
    lost = sum(was[0] and not after[name][0] for name, was in before.items())
    gained = sum(is_rtp and not before.get(name, (False, False))[1] for name, (_, is_rtp) in after.items())
    return lost, gained + len(after.keys() - before.keys())


@pytest.mark.django_db
def test_r24_ten_faults_change_nobody_and_end_without_hands(house: SlapdServer) -> None:
    run_pass(now=timezone.now())
    before = standing()
    deactivated = gained = alarms = recovered = 0
    for minutes, fault in enumerate(FAULTS, 1):
        house.set_group("rtp", [*RTPS, UIDS[-1]])  # a right that a wrong reading must not give
        with fault(house):
            run = run_pass(now=later(20 * minutes))
            lost, more = lost_and_gained(before)
        deactivated, gained = deactivated + lost, gained + more
        alarms += open_alarms().count()
        assert run.outcome != RunOutcome.APPLIED, fault.__name__
        house.set_group("rtp", RTPS)
        run = run_pass(now=later(20 * minutes + 10))
        recovered += run.outcome == RunOutcome.APPLIED and not open_alarms()

    figure(
        "R-24", "faults", len(FAULTS), "members", len(before), "deactivated", deactivated, "rights gained", gained,
        "alarms", alarms, "recovered", recovered,
    )  # fmt: skip
    assert (len(FAULTS), len(before), Alarm.objects.count()) == (10, MEMBERS, 10)
    assert (deactivated, gained, alarms, recovered) == (0, 0, 10, 10)
    assert standing() == before


@pytest.mark.django_db
def test_without_the_guard_a_fault_sends_people_away(house: SlapdServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run_pass(now=timezone.now())
    monkeypatch.setattr(guard, "objection", lambda *_: None)

    with half_the_tree(house):
        run = run_pass(now=later())

    assert run.departed == len(HALF)


@pytest.mark.django_db(transaction=True)
def test_r24_pages_do_not_wait_for_a_frozen_directory(house: SlapdServer) -> None:
    client = sign_in(Client(), person("rita", is_rtp=True))
    run_pass(now=timezone.now())
    before, meanwhile = list[float](), list[float]()
    with asked(house, LDAP_TIMEOUT_S=60):
        for turn in range(TURNS):
            if turn % 2:
                before += [seconds_of(client) for _ in range(ASKED_A_TURN)]
            with a_pass_that_hangs(house, turn):
                meanwhile += [seconds_of(client) for _ in range(ASKED_A_TURN)]
            if not turn % 2:
                before += [seconds_of(client) for _ in range(ASKED_A_TURN)]

    # The quicker quarter of each: what the other worker does to the slower ones says nothing about the directory.
    ratio = statistics.quantiles(meanwhile, n=4)[0] / statistics.quantiles(before, n=4)[0]
    figure("R-24", "web requests while slapd is frozen", len(meanwhile), "ratio to before", f"{ratio:.2f}")
    assert DirectoryRun.objects.filter(outcome=RunOutcome.APPLIED).count() == 1 + TURNS
    assert len(meanwhile) == len(before) >= 48
    assert ratio <= MOST_RATIO


@contextmanager
def a_pass_that_hangs(house: SlapdServer, turn: int) -> Iterator[None]:
    """A worker's pass waits for a frozen directory meanwhile; it goes on when the directory does."""
    asking = Event()

    def ask() -> DirectoryReading:
        let_in()
        asking.set()
        return read()

    def work() -> None:
        run_pass(ask, now=later(10 * (turn + 1)))
        connections.close_all()

    worker = Thread(target=work)
    with frozen(house):
        worker.start()
        assert asking.wait(20)
        yield
        assert worker.is_alive()
    worker.join(60)
    assert not worker.is_alive()


def seconds_of(client: Client) -> float:
    """How long the RTPs' page about the directory takes."""
    begun = time.perf_counter()
    assert client.get("/rtp/directory/").status_code == 200
    return time.perf_counter() - begun
