"""What a directory and a provider write about somebody becomes our words, or a line that says why not."""

import random
from uuid import UUID

import pytest

from accounts.identity import Problem
from accounts.mapping import (
    LAYOUTS,
    Mapped,
    UnmappableEntry,
    clean_group,
    groups_of_claims,
    member_of,
    shown,
    uid_of,
    uuid_of,
)

FREEIPA = LAYOUTS["freeipa"]
ALICE = UUID("5b6f7f4e-0f3a-4c52-9d3c-2f4f8c1e9b10")
ENTRY = {"ipaUniqueID": [str(ALICE).encode()], "uid": [b"alice"], "cn": [b"Alice A."], "mail": [b"alice@house.test"]}
DN = "uid=alice,cn=users"


def mapped(**changed: list[str | bytes]) -> Mapped:
    return member_of(DN, {**ENTRY, **changed}, FREEIPA)


def test_an_entry_becomes_a_member() -> None:
    assert mapped() == Mapped(ALICE, "alice", "Alice A.", "alice@house.test")
    assert member_of(DN, {name.upper(): values for name, values in ENTRY.items()}, FREEIPA) == mapped()


def test_text_and_bytes_mean_the_same() -> None:
    assert mapped(uid=["ALICE"], cn=["Zo\N{COMBINING DIAERESIS}e"]) == mapped(uid=[b"alice"], cn=["Zö".encode() + b"e"])


@pytest.mark.parametrize("uid", ["alice", "a", "0", "_svc", "a.b-c_d@house.test", "x" * 64, "ALICE"])
def test_a_uid_is_kept_in_lower_case(uid: str) -> None:
    assert uid_of(uid) == uid_of(uid.encode()) == uid.lower()


@pytest.mark.parametrize(
    "uid",
    ["", " ", "a b", "a/b", "../a", ".a", "-a", "@a", "a\0", "a\n", "al\u0456ce", "a\u202eb", "ﬁ", "\u212a",
     "<b>", "x" * 65, b"\xff", b"J\xfcrgen"],
)  # fmt: skip
def test_another_uid_is_refused_with_a_sentence(uid: str | bytes) -> None:
    with pytest.raises(UnmappableEntry) as refused:
        uid_of(uid)

    assert refused.value.sentence.isprintable()
    assert refused.value.sentence.startswith("The uid ")


@pytest.mark.parametrize("text", ["", "x", "autogenerate", "0" * 32, "1" * 31, b"\xff" * 16, str(ALICE) + "0"])
def test_what_is_no_uuid_is_refused_with_a_sentence(text: str | bytes) -> None:
    with pytest.raises(UnmappableEntry) as refused:
        uuid_of(text, "entryUUID")

    assert refused.value.sentence.startswith("entryUUID ")


@pytest.mark.parametrize("attribute", ["uid", "ipaUniqueID"])
@pytest.mark.parametrize("values", [[], [b"a", b"b"]], ids=["none", "two"])
def test_who_it_is_must_be_said_once(attribute: str, values: list[str | bytes]) -> None:
    with pytest.raises(UnmappableEntry, match=attribute) as refused:
        mapped(**{attribute: values})

    assert refused.value.uuid == (ALICE if attribute == "uid" else None)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "\0",
        "a\nb",
        "a\x1b[31mb",
        "\u202eEve",
        "a\u200bb",
        "a\u2066b",
        "<b>",
        "x" * 151,
        b"\xff\xfe",
        b"J\xfcrgen",
    ],
)
def test_an_odd_name_is_replaced_by_the_uid(name: str | bytes) -> None:
    taken = mapped(cn=[name])

    assert (taken.full_name, taken.email, len(taken.problems)) == ("alice", "alice@house.test", 1)
    assert taken.problems[0].sentence.isprintable()
    assert taken.problems[0].uuid == ALICE


@pytest.mark.parametrize("name", ["李小龍", "Zoë Ünal", "O'Neil, Jr. (Ops)", "محمد", "x" * 150])
def test_a_name_is_kept_as_people_write_it(name: str) -> None:
    assert mapped(cn=[name.encode()]) == Mapped(ALICE, "alice", name, "alice@house.test")


@pytest.mark.parametrize(
    "mail",
    ["", "alice", "alice@", "@house.test", "a@b", "a b@house.test", "a@house.test\nBcc: x@y.test", "<a@house.test>",
     "a@house.test, b@house.test", "a@-house.test", "a@house..test", "ä@house.test", "a" * 65 + "@house.test",
     "a@" + "b." * 130 + "test", "a@1.2.3.4", "a\0@house.test", b"\xff@house.test"],
)  # fmt: skip
def test_an_odd_address_is_left_out(mail: str | bytes) -> None:
    taken = mapped(mail=[mail])

    assert (taken.full_name, taken.email) == ("Alice A.", "")
    assert [problem.sentence[:5] for problem in taken.problems] == ["mail:"]


def test_of_several_values_the_first_that_is_good_is_used_and_said() -> None:
    taken = mapped(mail=["nope", "b@house.test"], cn=["One", "Two"])

    assert (taken.full_name, taken.email) == ("One", "b@house.test")
    assert taken.problems == (
        Problem(DN, "cn has 2 values; the first, 'One', is used.", ALICE),
        Problem(DN, "mail: 'nope' is no mail address; 'b@house.test' is used.", ALICE),
    )


def test_a_member_without_name_and_address_is_a_member() -> None:
    assert mapped(cn=[], mail=[]) == Mapped(ALICE, "alice", "alice", "")


def test_noise_is_a_member_or_a_sentence_and_never_an_error() -> None:
    draw = random.Random(5)
    taken = refused = 0
    for _ in range(2000):
        changed = {name: [draw.randbytes(draw.randrange(40)) for _ in range(draw.randrange(3))]
                   for name in draw.sample(list(ENTRY), draw.randrange(1, 5))}  # fmt: skip
        try:
            member = member_of(DN, {**ENTRY, **changed}, FREEIPA)
            taken += 1
            assert (member.uid + member.full_name + member.email).isprintable()
        except UnmappableEntry as odd:
            refused += odd.sentence.isprintable()
    assert taken > 100
    assert refused > 100


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"groups": ["rtp", "active"]}, {"rtp", "active"}),
        ({"groups": "rtp"}, {"rtp"}),
        ({"groups": []}, set()),
        ({}, None),
        ({"Groups": ["rtp"]}, None),
        ({"groups": None}, None),
        ({"groups": {"rtp": True}}, None),
        ({"groups": 1}, None),
        ({"groups": [1]}, None),
        ({"groups": ["rtp", None]}, None),
        ({"groups": [["rtp"]]}, None),
        ({"groups": [""]}, None),
        ({"groups": ["a\0"]}, None),
        ({"groups": ["rtp"] * 501}, None),
    ],
)
def test_a_claim_of_groups_is_a_list_of_names_or_grants_nothing(
    claims: dict[str, object], groups: set[str] | None
) -> None:
    assert groups_of_claims(claims, "groups") == groups


def test_a_groups_name_is_one_short_line() -> None:
    assert clean_group(b" current_student ") == "current_student"
    for odd in ("", "a\nb", "<b>", "x" * 101, b"\xff", None, 5):
        with pytest.raises(UnmappableEntry):
            clean_group(odd)


def test_a_value_in_a_sentence_does_nothing_to_the_screen() -> None:
    assert shown("a\u202e\x1b[2J<b>") == "'a\\u202e\\x1b[2J<b>'"
    assert shown(b"\xff") == "'\\\\xff'"
    assert len(shown("x" * 10_000)) == 61
