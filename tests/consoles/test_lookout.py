"""Rights of many consoles are read together: as often as before, by as many queries as for one."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from consoles import authority, close_codes, grants, visits
from consoles.lookout import SURE_S, Question, Verdicts, facts_of
from consoles.models import ConsoleVisit
from tests.cast import Cast
from tests.consoles.portal import cookie_of
from tests.consoles.rows import make_visit
from tests.factories import make_vm
from vms.models import VirtualMachine
from vms.states import Power


def opened(user: User, vm: VirtualMachine, now: datetime) -> Question:
    """A console of this person: its right, and its visit's row."""
    cookie = cookie_of(user)
    token = grants.issue(user, cookie, vm, address="", now=now)
    settled = authority.settle(cookie, token, vm.pk, now)
    assert settled is not None
    return settled, visits.open_visit(settled, now)


def carols(cast: Cast, count: int, now: datetime) -> list[Question]:
    """Consoles of carol's, who has her right by a membership."""
    return [opened(cast.carol, make_vm(cast.shared, power=Power.RUNNING), now) for _ in range(count)]


def queries(verdicts: Verdicts, asked: list[Question], now: datetime) -> int:
    """How often the database is asked for all of them."""
    with CaptureQueriesContext(connection) as seen:
        assert [look.end for look in verdicts.look(asked, now)] == [None] * len(asked)
    return len(seen)


def test_the_second_look_costs_the_same_for_one_console_and_for_ten(cast: Cast) -> None:
    now, verdicts, asked = timezone.now(), Verdicts(), []
    for count in (1, 10):
        asked = carols(cast, count, now)
        verdicts.look(asked, now)

        assert queries(verdicts, asked, now) == 7


def test_each_table_that_the_rule_reads_is_compared(cast: Cast) -> None:
    now = timezone.now()
    (asked,) = carols(cast, 1, now)
    with CaptureQueriesContext(connection) as compared:
        facts_of([asked], now)
    with CaptureQueriesContext(connection) as by_the_rule:
        visits.look(*asked, now)

    assert tables(by_the_rule)
    assert tables(by_the_rule) <= tables(compared)


def tables(seen: CaptureQueriesContext) -> set[str]:
    """What was read."""
    return {name for query in seen for name in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])}


def test_a_change_is_seen_at_the_next_look_and_only_there(cast: Cast) -> None:
    now, verdicts = timezone.now(), Verdicts()
    asked = [*carols(cast, 1, now), opened(cast.alice, make_vm(cast.alices, power=Power.RUNNING), now)]
    verdicts.look(asked, now)
    User.objects.filter(pk=cast.carol.pk).update(locked_at=now)

    assert [look.end for look in verdicts.look(asked, now)] == [close_codes.SIGNED_OUT, None]


def test_who_else_is_there_is_seen_at_the_next_look(cast: Cast) -> None:
    now, verdicts = timezone.now(), Verdicts()
    vm = make_vm(cast.shared, power=Power.RUNNING)
    asked = [opened(cast.carol, vm, now)]
    verdicts.look(asked, now)
    opened(cast.alice, vm, now)

    assert [name for name, *_ in verdicts.look(asked, now)[0].people] == ["carol", "alice"]


@pytest.mark.parametrize(("mode", "people"), [("watch", ["carol", "rita"]), ("view", ["carol"])])
@pytest.mark.parametrize("how", ["closed_at", "end_asked_at"])
def test_a_watch_between_two_looks_is_seen_at_the_next_and_not_for_long(
    cast: Cast, how: str, mode: str, people: list[str]
) -> None:
    now, verdicts, vm = timezone.now(), Verdicts(), make_vm(cast.shared, power=Power.RUNNING)
    asked = [opened(cast.carol, vm, now)]
    verdicts.look(asked, now)
    make_visit(cast.rita, vm, mode=mode, minutes=0, **{how: now})

    assert [name for name, *_ in verdicts.look(asked, now)[0].people] == people
    ConsoleVisit.objects.filter(mode=mode).update(closed_at=now, opened_at=now - timedelta(seconds=2.1))
    assert [name for name, *_ in verdicts.look(asked, now)[0].people] == ["carol"]


def test_a_session_that_has_run_out_ends_the_console(cast: Cast) -> None:
    now, verdicts = timezone.now(), Verdicts()
    asked = carols(cast, 1, now)
    verdicts.look(asked, now)
    Session.objects.update(expire_date=now)

    assert verdicts.look(asked, now)[0].end == close_codes.SIGNED_OUT


@pytest.mark.parametrize(("later_s", "asks_the_rule"), [(SURE_S - 1, False), (SURE_S, True)])
def test_the_rule_itself_is_asked_again_after_a_while(later_s: int, asks_the_rule: bool, cast: Cast) -> None:
    now, verdicts = timezone.now(), Verdicts()
    asked = carols(cast, 1, now)
    verdicts.look(asked, now)

    assert (queries(verdicts, asked, now + timedelta(seconds=later_s)) > 7) is asks_the_rule
