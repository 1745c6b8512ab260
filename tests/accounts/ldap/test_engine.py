"""The engine answers rightly, or says that it cannot; it never writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import Count, F, Max, Q, Value
from django.db.utils import NotSupportedError, OperationalError

from accounts.ldap.models import Group, Member
from tests.slapd import SlapdServer, asked

pytestmark = pytest.mark.usefixtures("directory")

FOUR = Q(uid__in=["alice", "bob", "carol", "rita"])


def uids(found: Any) -> list[str]:
    return [member.uid for member in found]


def test_a_list_holds_every_entry_of_every_page(directory: SlapdServer) -> None:
    with asked(directory, LDAP_PAGE_SIZE=5):
        assert len(list(Member.objects.all())) == Member.objects.count() == 16


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (Q(uid="bob"), ["bob"]),
        (Q(uid="BOB"), ["bob"]),
        (Q(full_name="Bob Bobbins"), ["bob"]),
        (Q(uid__in=["bob", "carol", "nobody"]), ["bob", "carol"]),
        (Q(uid__startswith="ri") | Q(uid__endswith="ol"), ["carol", "rita"]),
        (Q(email__contains="alice@"), ["alice"]),
        (FOUR & ~Q(uid="bob"), ["alice", "carol", "rita"]),
        (Q(dn="uid=rita,cn=users,cn=accounts,dc=house,dc=test"), ["rita"]),
        (Q(uid__in=[]), []),
        (Q(uid__in=[]) | Q(uid="bob"), ["bob"]),
        (FOUR & ~Q(uid__in=[]), ["alice", "bob", "carol", "rita"]),
    ],
    ids=str,
)
def test_a_condition_becomes_a_filter(condition: Q, found: list[str]) -> None:
    assert uids(Member.objects.filter(condition).order_by("uid")) == found
    assert Member.objects.filter(condition).count() == len(found)
    assert Member.objects.filter(condition).exists() == bool(found)


@pytest.mark.parametrize(
    "value",
    ["*", "al*", ")(uid=*", "*)(objectClass=*", "%s", "%(uid)s", "\\2a", "alice\0", "|(uid=*)", "(", "ü", "alice)(&"],
)
@pytest.mark.parametrize("lookup", ["exact", "startswith", "contains", "endswith", "in"])
def test_a_value_stays_a_value(value: str, lookup: str) -> None:
    asked_for = [value] if lookup == "in" else value

    assert list(Member.objects.filter(**{f"uid__{lookup}": asked_for})) == []


def test_entries_are_ordered_and_cut() -> None:
    four = Member.objects.filter(FOUR)

    assert uids(four.order_by("-uid")) == ["rita", "carol", "bob", "alice"]
    assert uids(four.order_by("uid")[1:3]) == ["bob", "carol"]
    assert four.order_by("uid")[1:3].count() == 2
    assert four[9:].count() == 0
    first = four.first()
    assert first is not None
    assert first.uid == "alice"


def test_rows_are_ordered_by_a_field_that_was_not_asked_for() -> None:
    rows = Member.objects.filter(FOUR).order_by("-email").values_list("full_name", flat=True)

    assert list(rows) == ["Rita", "Carol", "Bob Bobbins", "Alice"]
    assert Member.objects.values("uid").filter(uid="bob").get() == {"uid": "bob"}


def test_a_group_lists_its_members_as_names() -> None:
    group = Group.objects.get(name="rtp")

    assert group.members == ["uid=rita,cn=users,cn=accounts,dc=house,dc=test"]
    assert Group.objects.filter(members__contains=group.members[0]).count() == 2


REFUSED: dict[str, Callable[[], object]] = {
    "last": lambda: Member.objects.order_by("uid").last(),
    "reverse": lambda: list(Member.objects.order_by("uid").reverse()),
    "latest": lambda: Member.objects.latest("uid"),
    "union": lambda: list(Member.objects.filter(uid="bob").union(Member.objects.filter(uid="rita"))),
    "intersection": lambda: list(Member.objects.all().intersection(Member.objects.filter(uid="rita"))),
    "only": lambda: list(Member.objects.only("uid")),
    "defer": lambda: list(Member.objects.defer("email")),
    "iexact": lambda: list(Member.objects.filter(uid__iexact="bob")),
    "isnull": lambda: list(Member.objects.filter(email__isnull=True)),
    "none": lambda: list(Member.objects.filter(email=None)),
    "lt": lambda: list(Member.objects.filter(uid__lt="m")),
    "gte": lambda: list(Member.objects.filter(uid__gte="m")),
    "range": lambda: list(Member.objects.filter(uid__range=("a", "b"))),
    "regex": lambda: list(Member.objects.filter(uid__regex="^a")),
    "istartswith": lambda: list(Member.objects.filter(uid__istartswith="a")),
    "xor": lambda: list(Member.objects.filter(Q(uid="bob") ^ Q(uid="rita"))),
    "another field": lambda: list(Member.objects.filter(uid=F("email"))),
    "a part of a DN": lambda: list(Member.objects.filter(dn__startswith="uid=a")),
    "a DN and more": lambda: list(Member.objects.filter(dn="uid=rita,dc=house", uid="rita")),
    "not a DN": lambda: list(Member.objects.exclude(dn="uid=rita,dc=house")),
    "annotate": lambda: list(Member.objects.annotate(one=Value(1))),
    "aggregate": lambda: Member.objects.aggregate(Max("uid")),
    "count of a field": lambda: Member.objects.aggregate(n=Count("uid", distinct=True)),
    "random order": lambda: list(Member.objects.order_by("?")),
    "order by an expression": lambda: list(Member.objects.order_by(F("uid").desc())),
    "distinct on": lambda: list(Member.objects.distinct("uid")),
    "extra": lambda: list(Member.objects.extra(select={"one": "1"})),
    "raw": lambda: list(Member.objects.raw("SELECT 1")),
    "update": lambda: Member.objects.filter(uid="bob").update(full_name="Robert"),
    "delete": lambda: Member.objects.filter(uid="bob").delete(),
    "delete one": lambda: Member.objects.get(uid="bob").delete(),
    "create": lambda: Member.objects.create(uid="new", full_name="New"),
    "bulk create": lambda: Member.objects.bulk_create([Member(uid="new")]),
    "SQL": lambda: connections["ldap"].cursor().execute("SELECT 1"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_directory_cannot_say_is_refused_aloud(what: str) -> None:
    with pytest.raises(NotSupportedError):
        REFUSED[what]()


def test_a_changed_member_cannot_be_saved() -> None:
    bob = Member.objects.get(uid="bob")
    bob.full_name = "Robert"

    with pytest.raises(NotSupportedError):
        bob.save()

    assert Member.objects.get(uid="bob").full_name == "Bob Bobbins"


def test_migrating_the_directory_is_refused() -> None:
    connections["ldap"].alias = "ldap"

    with pytest.raises(NotSupportedError):
        call_command("migrate", database="ldap", verbosity=0)


@pytest.mark.parametrize("write", ["add_s", "modify_s", "delete_s", "rename_s"])
def test_the_connection_has_no_way_to_write(write: str) -> None:
    with pytest.raises(NotSupportedError):
        getattr(connections["ldap"], write)("uid=bob,dc=house,dc=test", [])


def test_every_error_is_an_error_of_djangos(directory: SlapdServer) -> None:
    with asked(directory, LDAP_MEMBER_BASE="ou=wrong,dc=house,dc=test"), pytest.raises(OperationalError) as refused:
        list(Member.objects.all())

    assert str(refused.value).startswith("The directory has no such base; see LDAP_MEMBER_BASE")
    assert not Member.objects.filter(dn="uid=nobody,dc=house,dc=test").exists()


def test_a_block_of_a_transaction_may_ask(directory: SlapdServer) -> None:
    with transaction.atomic(using="ldap"):
        assert Member.objects.filter(uid="bob").exists()


def test_the_first_question_after_a_restart_is_answered(directory: SlapdServer) -> None:
    assert Member.objects.count() == 16

    directory.down()
    with pytest.raises(OperationalError, match="cannot be reached"):
        Member.objects.count()
    directory.up()

    assert Member.objects.count() == 16


def test_a_request_that_begins_or_ends_asks_the_directory_nothing(directory: SlapdServer) -> None:
    assert Member.objects.count() == 16
    directory.freeze()

    connections["ldap"].close_if_unusable_or_obsolete()

    assert connections["ldap"].connection is None
    directory.thaw()
