"""Whether consoles may go on, for many at once.

`visits.look` is the rule, and asks the database eight times: for six hundred consoles every second that
would be all that the process does. So the rows that the rule reads are read for all consoles that are due, one query
for each kind; a console whose rows are as they were when the rule said yes goes on. After SURE_S, and where a session
runs out, the rule is asked anyway: it may look at the time. So it is at each turn for a console held by a share.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet
from django.utils import timezone

from accounts.models import Pool, PoolMembership, User
from consoles import seats, visits
from consoles.authority import Authority
from consoles.models import ConsoleVisit
from consoles.visits import Look
from vms.models import VirtualMachine

#: A console's question: its right and its visit; 0 before there is one.
Question = tuple[Authority, int]
Facts = tuple[object, ...]

#: How long questions are gathered before all are answered together.
GATHER_S = 0.05
SURE_S = 30
#: What a reading of the cluster writes again and again and no right depends on.
READINGS = {
    "cpu_load", "uptime_s", "last_seen", "guest", "guest_asked_at", "hardware", "config_read_at", "config_digest",
    "snapshots", "snapshots_read_at", "snapshots_digest", "snapshot_gib", "notes", "missing_readings",
}  # fmt: skip
#: What a console's own word that it goes on writes.
COUNTS = {"seen_at", "bytes_to_browser", "bytes_from_browser"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rule said yes on these facts; it holds until then where they stay the same."""

    facts: Facts
    until: datetime
    look: Look


class Verdicts:
    """What the rule said last about each visit, in this process."""

    def __init__(self) -> None:
        self._last: dict[int, Verdict] = {}

    def look(self, asked: Collection[Question], now: datetime) -> list[Look]:
        """The answer to each question. Raises DatabaseError."""
        self._last = {visit: known for visit, known in list(self._last.items()) if now < known.until}
        # The facts first: what changes between them and the rule makes them differ at the next turn.
        facts = facts_of(asked, now)
        return [self._one(question, found, now) for question, found in zip(asked, facts, strict=True)]

    def _one(self, question: Question, facts: Facts | None, now: datetime) -> Look:
        authority, visit_id = question
        known = self._last.get(visit_id)
        if known is not None and known.facts == facts:
            return known.look
        self._last.pop(visit_id, None)
        look = visits.look(authority, visit_id, now)
        if look.end is None and facts is not None:
            self._last[visit_id] = Verdict(facts, now + timedelta(seconds=SURE_S), look)
        return look


class Lookout:
    """Gathers the questions of all consoles of a process. `run` calls a function in a thread that has a database."""

    def __init__(self, run: Callable[..., Awaitable[list[Look]]]) -> None:
        self._run = run
        self._verdicts = Verdicts()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[Question, asyncio.Future[Look]]] = []
        self._answering: set[asyncio.Task[None]] = set()

    async def look(self, authority: Authority, visit_id: int) -> Look:
        """What `visits.look` says, now or by facts that are the same. Raises DatabaseError."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting = loop, []
        answer: asyncio.Future[Look] = loop.create_future()
        self._waiting.append(((authority, visit_id), answer))
        if len(self._waiting) == 1:
            loop.call_later(GATHER_S, self._begin)
        return await answer

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        task = asyncio.ensure_future(self._answer(waiting))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, waiting: list[tuple[Question, "asyncio.Future[Look]"]]) -> None:
        try:
            looks = await self._run(self._verdicts.look, [question for question, _ in waiting], timezone.now())
        except Exception as error:  # each console decides what its own unanswered question means
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), look in zip(waiting, looks, strict=True):
            if not answer.done():
                answer.set_result(look)


def facts_of(asked: Collection[Question], now: datetime) -> list[Facts | None]:
    """The rows that the rule would read for each question, None where only the rule itself will do.

    tests/consoles/test_lookout.py holds the tables against those that the rule reads.
    """
    sessions = _rows(Session.objects, (one.session_key for one, _ in asked))
    users = _rows(User.objects, (one.user_id for one, _ in asked))
    vms = _rows(VirtualMachine.objects, (one.vm_id for one, _ in asked), READINGS)
    pools = _rows(Pool.objects, (vm["pool_id"] for vm in vms.values()))
    seated = _rows(ConsoleVisit.objects, (visit_id for _, visit_id in asked), COUNTS)
    roles, people = _roles(users, pools), _people(vms, now)

    def facts(authority: Authority, visit_id: int) -> Facts | None:
        session, vm = sessions.get(authority.session_key), vms.get(authority.vm_id)
        if not visit_id or authority.share_id is not None or vm is None or session is None:
            return None
        if session["expire_date"] <= now:
            return None
        pool_id = vm["pool_id"]
        rows = (session, users.get(authority.user_id), vm, pools.get(pool_id), seated.get(visit_id))
        return authority, *rows, roles.get((pool_id, authority.user_id)), people.get(authority.vm_id, ())

    return [facts(*question) for question in asked]


def _rows(objects: Any, keys: Iterable[object], left_out: Collection[str] = ()) -> dict[Any, dict[str, Any]]:
    """Key to row, every column but those left out: one that is added later counts until somebody says it does not."""
    model: type[Model] = objects.model
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in left_out]
    found: QuerySet[Any] = objects.filter(pk__in=set(keys))
    return {row[model._meta.pk.attname]: row for row in found.values(*names)}


def _roles(users: Collection[int], pools: Collection[int]) -> dict[tuple[int, int], str]:
    members = PoolMembership.objects.filter(user__in=users, pool__in=pools)
    return {(pool, user): role for pool, user, role in members.values_list("pool_id", "user_id", "role")}


def _people(vms: Collection[int], now: datetime) -> dict[int, Facts]:
    there = seats.shown(now).filter(vm__in=vms).order_by("pk").values_list("vm_id", "user_name", "mode", "pk")
    found: dict[int, Facts] = {}
    for vm_id, *person in there:
        found[vm_id] = (*found.get(vm_id, ()), tuple(person))
    return found
