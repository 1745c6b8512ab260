"""L-01: a pass over 5,000 members costs little more than ldapdb's own list of them.

`make bench` and `make soak` hold the ratios to their limits; `make test` makes the same passes over a tenth of the
members and prints theirs, because coverage slows the portal's part and not ldapdb's.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ldap
import ldapdb.models
import pytest
from django.db import connections
from django.utils import timezone
from ldapdb.models.fields import CharField

from accounts.models import DirectoryGroup, User
from accounts.sync import run_pass
from tests.figures import figure
from tests.slapd import SlapdServer, asked, many
from tests.slapd_tree import MEMBER_BASES, PORTAL

MEMBERS = 5000
A_TENTH = MEMBERS // 10
CHANGES = 50
#: Most that each kind of pass may cost, in lists of the same entries.
MOST = {"first": 2.5, "unchanged": 1.6, "changed": 1.6}


class Stock(ldapdb.models.Model):  # type: ignore[misc]  # ldapdb has no types
    """A member as ldapdb alone reads it, by ldapdb's own engine."""

    base_dn = MEMBER_BASES["freeipa"]
    object_classes = ["inetOrgPerson"]

    uuid = CharField(db_column="ipaUniqueID")
    uid = CharField(db_column="uid")
    full_name = CharField(db_column="cn")
    email = CharField(db_column="mail")

    class Meta:
        app_label = "tests"
        managed = False

    def __str__(self) -> str:
        return str(self.uid)


@contextmanager
def house_of(members: int) -> Iterator[SlapdServer]:
    """Active members in four groups, of which a few are RTPs."""
    uids = [person.uid for person in many(members)]
    groups = {"active": uids, "current_student": uids[::2], "cinema": uids[::10], "rtp": uids[:5]}
    with SlapdServer(people=many(members), groups=groups) as running:
        yield running


@contextmanager
def stock_list(house: SlapdServer) -> Iterator[Callable[[], int]]:
    """ldapdb's own list."""
    own = {"ENGINE": "ldapdb.backends.ldap", "NAME": house.url, "USER": PORTAL, "PASSWORD": house.password}
    connections.settings["stock"] = connections.configure_settings({"default": {}, "stock": own})["stock"]
    connections["stock"].alias = "asked"
    yield lambda: len(list(Stock.objects.using("stock").all()))
    connections["stock"].close()
    del connections["stock"]
    del connections.settings["stock"]


def raw_list(slapd: SlapdServer) -> int:
    """The same entries by python-ldap alone, in one search without pages."""
    connection = ldap.initialize(slapd.url)
    connection.simple_bind_s(PORTAL, slapd.password)
    attributes = ["ipaUniqueID", "uid", "cn", "mail"]
    found = connection.search_s(slapd.tree.member_base, ldap.SCOPE_SUBTREE, "(objectClass=inetOrgPerson)", attributes)
    connection.unbind_s()
    return len(found)


def busy_s(slapd: SlapdServer) -> float:
    """Processor seconds that this process and the directory have used; other work on the machine is not in them."""
    assert slapd.process
    stat = Path(f"/proc/{slapd.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return time.process_time() + (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def one_pass(members: int) -> None:
    """What the schedule starts."""
    assert run_pass(now=timezone.now()).members_read == members


def forget_everybody() -> None:
    """The portal as it was before its first pass."""
    DirectoryGroup.objects.all().delete()
    User.objects.all().delete()


def measured(members: int) -> dict[str, float]:
    """The ratios of one run to ldapdb's own list of the same entries, best of three turns; they are printed."""
    gc.collect()
    gc.freeze()  # whatever other tests left alive is no work of a pass, but would be looked through in each
    with house_of(members) as house, stock_list(house) as listed, asked(house):
        assert listed() == raw_list(house) == members
        best = best_of_three(house, members, listed)
    ratios = {what: round(best[what] / best["list"], 2) for what in (*MOST, "raw")}
    shown = [part for what in (*MOST, "raw") for part in (what, ratios[what])]
    figure("L-01", "members", members, "changes", CHANGES, *shown, "list_busy_s", round(best["list"], 2))
    return ratios


def best_of_three(house: SlapdServer, members: int, listed: Callable[[], int]) -> dict[str, float]:
    """Busy seconds of the list and of each kind of pass."""
    taken: dict[str, list[float]] = {"first": [], "unchanged": [], "changed": [], "list": [], "raw": []}

    def take(what: str, work: Callable[[], object]) -> None:
        began = busy_s(house)
        work()
        taken[what].append(busy_s(house) - began)

    for _ in range(3):
        forget_everybody()
        take("list", listed)
        take("first", lambda: one_pass(members))
    for turn in range(3):
        take("list", listed)
        take("unchanged", lambda: one_pass(members))
        for person in many(CHANGES):
            house.change(person.uid, cn=[f"Turn {turn}"])
        take("changed", lambda: one_pass(members))
        take("raw", lambda: raw_list(house))
    return {what: max(min(times), 0.01) for what, times in taken.items()}


@pytest.mark.bench
@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_a_pass_costs_little_more_than_ldapdbs_own_list() -> None:
    ratios = measured(MEMBERS)

    assert User.objects.filter(first_name="Turn 2").count() == CHANGES
    assert User.objects.count() == MEMBERS
    assert {what: ratios[what] for what in MOST if ratios[what] > MOST[what]} == {}


@pytest.mark.django_db(transaction=True)
def test_the_same_passes_over_a_tenth_write_what_they_should() -> None:
    measured(A_TENTH)

    assert User.objects.filter(first_name="Turn 2").count() == CHANGES
    assert User.objects.count() == A_TENTH
