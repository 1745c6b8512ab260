"""The reader hands out everything, or says why it does not; an odd entry never ends a reading."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ldap
import pytest
from django.db import connections
from django.test import override_settings

from accounts.errors import DirectoryError, DirectoryIncomplete, DirectoryUnavailable
from accounts.identity import DirectoryReading, Identity
from accounts.ldap.reader import read
from tests.slapd import BlackHole, Person, SlapdServer, asked, many, uuid_for
from tests.slapd_tree import GROUP_BASES, MEMBER_BASES

pytestmark = pytest.mark.usefixtures("outside_the_database")
BOTH = pytest.mark.parametrize("layout", ["freeipa", "plain"])


def member(reading: DirectoryReading, uid: str) -> Identity:
    return next(identity for identity in reading.members if identity.uid == uid)


def lines(reading: DirectoryReading) -> list[tuple[str, str]]:
    return [(problem.entry.split(",")[0], problem.sentence) for problem in reading.problems]


@BOTH
def test_a_reading_holds_everybody_and_every_group(layout: str) -> None:
    people = [Person("alice", name="Alice A.", mail="alice@example.org"), Person("rita"), *many(20)]
    groups = {"active": ["alice", "m0001", "m0002"], "rtp": ["rita"]}

    with SlapdServer(layout=layout, people=people, groups=groups) as slapd, asked(slapd, LDAP_PAGE_SIZE=7):
        reading = read()

    assert len(reading.members) == 22
    assert member(reading, "alice") == Identity(
        uuid_for("alice"), "alice", "Alice A.", "alice@example.org", frozenset({"active"})
    )
    assert reading.groups == {"active": frozenset(groups["active"]), "rtp": frozenset({"rita"})}
    assert reading.problems == ()


@BOTH
def test_a_uid_that_is_given_again_is_somebody_else(layout: str) -> None:
    with SlapdServer(layout=layout, people=many(3)) as slapd, asked(slapd):
        before = member(read(), "m0001").uuid
        slapd.remove("m0001")
        slapd.add(Person("m0001", uuid=uuid_for("another")))

        assert member(read(), "m0001").uuid != before
        assert member(read(), "m0001").uuid == slapd.uuid_of("m0001")


@BOTH
def test_groups_in_groups_count_and_loops_do_no_harm(layout: str) -> None:
    people = [Person("alice"), Person("bob"), Person("carol")]
    base = GROUP_BASES[layout]
    groups = {
        "outer": [f"cn=middle,{base}", "carol"],
        "middle": [f"CN=Inner, {base}", "bob"],
        "inner": ["alice", f"cn=outer,{base}", f"cn=inner,{base}"],
        "alone": [f"cn=alone,{base}"],
    }

    with SlapdServer(layout=layout, people=people, groups=groups) as slapd, asked(slapd):
        reading = read()

    everybody = frozenset({"alice", "bob", "carol"})
    assert reading.groups == {"outer": everybody, "middle": everybody, "inner": everybody, "alone": frozenset()}


def test_membership_is_what_the_groups_list_with_and_without_the_overlay() -> None:
    with SlapdServer(people=many(3), groups={"active": ["m0001"]}, memberof=True) as slapd, asked(slapd):
        with slapd.root() as directory:
            entry = directory.search_s(slapd.tree.member_dn("m0001"), ldap.SCOPE_BASE, attrlist=["memberOf"])[0][1]
        assert entry == {"memberOf": [slapd.tree.group_dn("active").encode()]}
        slapd.set_group("active", ["m0002"])

        assert read().groups == {"active": frozenset({"m0002"})}


def test_the_settings_name_other_bases_classes_and_attributes() -> None:
    odd = Person(
        "x1", attributes={"employeeNumber": ["alice"], "displayName": ["Alice"], "objectClass": ["inetOrgPerson"]}
    )
    other = {
        "LDAP_UID_ATTRIBUTE": "EmployeeNumber",
        "LDAP_NAME_ATTRIBUTE": "displayName",
        "LDAP_MAIL_ATTRIBUTE": "mailAlternateAddress",
        "LDAP_UUID_ATTRIBUTE": "entryuuid",
        "LDAP_MEMBER_CLASS": "person",
        "LDAP_GROUP_CLASS": "top",
        "LDAP_MEMBER_BASE": "dc=house,dc=test",
        "LDAP_GROUP_BASE": GROUP_BASES["plain"],
    }

    with SlapdServer(layout="plain", people=[odd], groups={"rtp": ["x1"]}) as slapd, asked(slapd, **other):
        assert read().members == (Identity(uuid_for("x1"), "alice", "Alice", "", frozenset({"rtp"})),)


NO_UID: dict[str, Sequence[str | bytes]] = {
    "objectClass": ["inetOrgPerson", "ipaObject"], "cn": ["no uid"],
    "uid": [], "uidNumber": [], "gidNumber": [], "homeDirectory": [],
}  # fmt: skip
HOSTILE = [
    (Person("none", attributes={"ipaUniqueID": []}), "It has no ipaUniqueID, or the portal may not read it."),
    (Person("auto", attributes={"ipaUniqueID": ["autogenerate"]}), "ipaUniqueID 'autogenerate' is no UUID."),
    (
        Person("two", attributes={"ipaUniqueID": [str(uuid_for("a")), str(uuid_for("b"))]}),
        f"It has 2 values of ipaUniqueID ('{uuid_for('a')}', '{uuid_for('b')}'); keep one.",
    ),
    (
        Person("x", rdn="cn=no uid", attributes=NO_UID),
        "It has no uid, or the portal may not read it.",
    ),
    (Person("twins", attributes={"uid": ["twins", "twin"]}), "It has 2 values of uid ('twins', 'twin'); keep one."),
    (Person("../etc"), "The uid '../etc' cannot be used: "),
    (Person("a b"), "The uid 'a b' cannot be used: "),
    (Person("al\N{CYRILLIC SMALL LETTER I}ce"), "The uid 'al\\u0438ce' cannot be used: "),
    (Person("<script>"), "The uid '<script>' cannot be used: "),
    (Person("l" * 65), f"The uid '{'l' * 59}… cannot be used: "),
]


@pytest.mark.parametrize(("hostile", "sentence"), HOSTILE, ids=[person.uid[:8] for person, _ in HOSTILE])
def test_an_entry_that_is_nobody_is_skipped_with_a_line(hostile: Person, sentence: str) -> None:
    with (
        SlapdServer(people=[Person("alice"), hostile, Person("zoe")], groups={"g": ["alice", "zoe"]}) as slapd,
        asked(slapd),
    ):
        reading = read()

    assert [identity.uid for identity in reading.members] == ["alice", "zoe"]
    assert [said[: len(sentence)] for _entry, said in lines(reading)] == [sentence]


def test_an_odd_name_or_address_is_left_out_and_its_member_stays() -> None:
    people = [
        Person("rtl", name="Eve \N{RIGHT-TO-LEFT OVERRIDE}nimda"),
        Person("tag", name="<b onload=x>"),
        Person("long", name="x" * 10_000),
        Person("bell", name="a\abell"),
        Person("mail", mail="not an address"),
        Person("mails", attributes={"mail": ["nope", "first@house.test", "second@house.test"]}),
        Person("nomail", attributes={"mail": []}),
        Person("bytes", attributes={"anyBytes": [b"J\xfcrgen"]}),
    ]
    with SlapdServer(people=people) as slapd, asked(slapd):
        reading, raw = read(), None
        with override_settings(LDAP_NAME_ATTRIBUTE="anyBytes"):
            raw = read()

    shown = {identity.uid: (identity.full_name, identity.email) for identity in reading.members}
    assert {uid: name for uid, (name, _mail) in shown.items() if name != uid.title()} == {
        uid: uid for uid in ("rtl", "tag", "long", "bell")
    }
    assert shown["mail"][1] == shown["nomail"][1] == ""
    assert shown["mails"][1] == "first@house.test"
    assert lines(reading) == [
        ("uid=rtl", "cn: 'Eve \\u202enimda' holds control characters or characters that turn the direction of writing; "
                    "it is left out."),
        ("uid=tag", "cn: '<b onload=x>' holds < or >; it is left out."),
        ("uid=long", f"cn: '{'x' * 59}… is 10000 characters long, more than 150; it is left out."),
        ("uid=bell", "cn: 'a\\x07bell' holds control characters or characters that turn the direction of writing; "
                     "it is left out."),
        ("uid=mail", "mail: 'not an address' is no mail address; it is left out."),
        ("uid=mails", "mail: 'nope' is no mail address; 'first@house.test' is used."),
    ]  # fmt: skip
    assert lines(raw)[-1] == ("uid=bytes", "anyBytes: 'J\\\\xfcrgen' is not UTF-8; it is left out.")


def test_two_members_whose_uid_differs_in_case_are_both_left_out_by_name() -> None:
    people = [Person("alice"), Person("Bob", rdn="cn=first"), Person("bob", rdn="cn=second")]
    people = [
        Person(p.uid, rdn=p.rdn, uuid=uuid_for(p.rdn or p.uid), attributes={"cn": [p.rdn[3:] or "a"]}) for p in people
    ]
    base = MEMBER_BASES["freeipa"]

    with SlapdServer(people=people, groups={"rtp": ["alice", f"cn=first,{base}"]}) as slapd, asked(slapd):
        reading = read()

    said = f"2 entries have the uid 'bob', without case: cn=first,{base} and cn=second,{base}. "
    assert [identity.uid for identity in reading.members] == ["alice"]
    assert [problem.sentence[: len(said)] for problem in reading.problems] == [said, said]
    assert {problem.uuid for problem in reading.problems} == {uuid_for("cn=first"), uuid_for("cn=second")}
    assert reading.groups == {"rtp": frozenset({"alice"})}


def test_two_members_with_one_uuid_are_both_left_out() -> None:
    people = [Person("alice"), Person("bob"), Person("impostor", uuid=uuid_for("bob"))]

    with SlapdServer(people=people) as slapd, asked(slapd):
        reading = read()

    assert [identity.uid for identity in reading.members] == ["alice"]
    assert {problem.uuid for problem in reading.problems} == {uuid_for("bob")}


def test_two_groups_of_one_name_are_nobodys() -> None:
    with SlapdServer(people=many(3), groups={"rtp": ["m0001"]}) as slapd, asked(slapd):
        with slapd.root() as directory:
            below = f"ou=own,{slapd.tree.group_base}"
            directory.add_s(below, [("objectClass", [b"organizationalUnit"]), ("ou", [b"own"])])
            directory.add_s(f"cn=RTP,{below}", list(slapd.tree.group("RTP", ["m0002"]).items()))

        reading = read()

    assert reading.groups == {}
    assert all("2 groups are called" in problem.sentence for problem in reading.problems)


UIDS = [person.uid for person in many(16)]
FAULTS: dict[str, tuple[Callable[[SlapdServer], None], Callable[[SlapdServer], None], dict[str, Any], type, str]] = {
    "stopped": (SlapdServer.down, SlapdServer.up, {}, DirectoryUnavailable, "cannot be reached"),
    "frozen": (SlapdServer.freeze, SlapdServer.thaw, {"LDAP_TIMEOUT_S": 0.5}, DirectoryUnavailable, "not answer in"),
    "empty": (
        lambda slapd: slapd.move_away(*UIDS), lambda slapd: slapd.move_back(*UIDS), {},
        DirectoryIncomplete, "answered with no member",
    ),
    "size limit": (
        lambda slapd: slapd.limit_size("10"), lambda slapd: slapd.limit_size("unlimited"), {},
        DirectoryIncomplete, "at its size limit",
    ),
    "page limit": (
        lambda slapd: slapd.limit_size("unlimited size.pr=5"), lambda slapd: slapd.limit_size("unlimited"),
        {"LDAP_PAGE_SIZE": 10}, DirectoryIncomplete, "LDAP_PAGE_SIZE",
    ),
    "referral": (SlapdServer.refer, SlapdServer.refer_no_more, {}, DirectoryIncomplete, "is on another server"),
    "expired password": (
        SlapdServer.expire_password, lambda slapd: slapd.expire_password(expired=False), {},
        DirectoryUnavailable, "perhaps the password expired",
    ),
    "other password": (
        lambda slapd: slapd.change_password("another"), lambda slapd: slapd.change_password(slapd.password), {},
        DirectoryUnavailable, "LDAP_BIND_PASSWORD",
    ),
    "wrong base": (
        lambda slapd: None, lambda slapd: None, {"LDAP_MEMBER_BASE": "ou=wrong,dc=house,dc=test"},
        DirectoryIncomplete, "no such base",
    ),
    "another directory's base": (
        lambda slapd: None, lambda slapd: None, {"LDAP_GROUP_BASE": "dc=another,dc=test"},
        DirectoryIncomplete, "no such base",
    ),
    "no base": (
        lambda slapd: None, lambda slapd: None, {"LDAP_MEMBER_BASE": ""},
        DirectoryUnavailable, "LDAP_MEMBER_BASE is not set",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def broken() -> Iterator[SlapdServer]:
    with SlapdServer(people=many(16), groups={"rtp": ["m0001"]}) as slapd:
        yield slapd


@pytest.mark.parametrize("fault", FAULTS)
def test_silence_is_an_error_and_recovery_needs_no_hands(broken: SlapdServer, fault: str) -> None:
    begin, end, settings, kind, said = FAULTS[fault]
    begin(broken)
    with asked(broken, **settings), pytest.raises(DirectoryError, match=said) as refused:
        read()
    end(broken)

    assert type(refused.value) is kind
    with asked(broken):
        assert len(read().members) == 16


def test_dropped_packets_are_an_error_in_time(broken: SlapdServer) -> None:
    with BlackHole() as hole, asked(broken, LDAP_URL=hole.url, LDAP_CONNECT_TIMEOUT_S=0.5):
        began = time.monotonic()

        with pytest.raises(DirectoryUnavailable, match="cannot be reached"):
            read()

        assert time.monotonic() - began < 2 * 0.5


def test_a_size_limit_above_the_first_pages_hands_out_nothing(broken: SlapdServer) -> None:
    broken.limit_size("12")
    with asked(broken, LDAP_PAGE_SIZE=5), pytest.raises(DirectoryIncomplete):
        read()
    broken.limit_size("unlimited")


def test_a_directory_whose_members_are_all_odd_is_no_reading() -> None:
    with (
        SlapdServer(people=[Person("a b"), Person("c d")]) as slapd,
        asked(slapd),
        pytest.raises(
            DirectoryIncomplete, match=r"None of the directory's 2 members could be taken. The first: The uid 'a b'"
        ),
    ):
        read()


def test_after_a_reading_no_connection_stays_open(broken: SlapdServer) -> None:
    with asked(broken):
        read()
        assert connections["ldap"].connection is None
