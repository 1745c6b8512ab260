"""Entries that cannot be taken: each is left out with a line, and the rest of the pass goes on."""

import pytest

from accounts.identity import Problem
from accounts.models import Pool, SshKey, User
from accounts.pools import personal_pool_for
from accounts.roles import AccountKind, RunOutcome
from accounts.sync import run_pass
from tests.accounts.directory.house import house_of, later, member, reading, sync, uuid_of
from tests.cast import person

pytestmark = pytest.mark.django_db
HOUSE = house_of(3)
ALICE = member("alice", "active")
NEW_ALICE = member("alice", "active", key="another alice")


def test_two_members_whose_uid_differs_in_case_are_both_left_out() -> None:
    run = sync([*HOUSE, member("bert", "active"), member("Bert", "active", key="other")])

    assert run.joined == len(HOUSE)
    assert [problem["entry"] for problem in run.problems] == ["bert", "Bert"]


def test_whoever_is_left_out_has_not_left() -> None:
    sync([*HOUSE, ALICE])
    run = sync([*HOUSE, ALICE, member("ALICE", "active", key="other")], now=later())

    assert (run.departed, len(run.problems)) == (0, 2)
    assert User.objects.get(username="alice").departed_at is None


@pytest.mark.parametrize("uuid", [uuid_of("alice"), None], ids=["by uuid", "by name"])
def test_an_odd_entry_does_not_send_its_member_away(uuid: object) -> None:
    sync([*HOUSE, ALICE])
    odd = Problem("uid=Alice,cn=users,dc=example", "The entry holds two UUIDs.", uuid)  # type: ignore[arg-type]
    run = sync(HOUSE, problems=(odd,), now=later())

    assert (run.departed, run.outcome) == (0, RunOutcome.APPLIED)
    assert User.objects.get(username="alice").departed_at is None


def test_an_odd_group_of_somebodys_name_does_not_keep_them() -> None:
    sync([*HOUSE, ALICE])
    odd = Problem("cn=alice,cn=groups,dc=example", "The group's name holds <.")

    assert sync(HOUSE, problems=(odd,), now=later()).departed == 1


def test_a_reused_uid_is_a_new_person_who_inherits_nothing() -> None:
    sync([*HOUSE, ALICE])
    old = User.objects.get(username="alice")
    pool = personal_pool_for(old)
    SshKey.objects.create(user=old, public_key="ssh-ed25519 AAAA", fingerprint="SHA256:old")
    User.objects.filter(pk=old.pk).update(oidc_iss="https://id.example.org", oidc_sub="alice")

    sync([*HOUSE, NEW_ALICE], now=later())

    new = User.objects.get(username="alice")
    old.refresh_from_db()
    assert (new.ldap_uuid, new.ldap_uid, new.oidc_sub) == (uuid_of("another alice"), "alice", "")
    assert (new.ssh_keys.count(), Pool.objects.filter(owner=new).count()) == (0, 0)
    assert (old.username, old.ldap_uid, old.oidc_sub) == (f"alice~{old.ldap_uuid.hex[:8]}", "", "")  # type: ignore[union-attr]
    assert old.departed_at is not None
    assert personal_pool_for(new) != pool


def test_a_uid_reused_long_after_its_owner_left_is_a_new_person_as_well() -> None:
    sync([*HOUSE, ALICE])
    sync(HOUSE, now=later(1))
    sync([*HOUSE, NEW_ALICE], now=later(2))

    assert User.objects.get(username="alice").ldap_uuid == uuid_of("another alice")
    assert User.objects.get(ldap_uuid=uuid_of("alice")).username.startswith("alice~")
    assert sync([*HOUSE, NEW_ALICE], now=later(3)).plan == {}


def test_a_name_of_a_local_account_is_not_given_to_a_member() -> None:
    local = person("Alice")
    run = sync([*HOUSE, ALICE])

    local.refresh_from_db()
    assert (local.kind, local.username, run.joined) == (AccountKind.LOCAL, "Alice", len(HOUSE))
    assert run.problems == [
        {
            "entry": "alice",
            "sentence": "The username alice is somebody else's account here, so this new member was not taken. "
            "Give the member another uid.",
        }
    ]


def test_a_member_whose_new_uid_is_taken_keeps_the_old_name() -> None:
    person("annika")
    sync([*HOUSE, member("anna", "active")])
    run = sync([*HOUSE, member("annika", "active", key="anna")], now=later())

    anna = User.objects.get(ldap_uuid=uuid_of("anna"))
    assert (anna.username, anna.ldap_uid, len(run.problems)) == ("anna", "annika", 1)


def test_the_provider_link_of_an_old_uid_ends_with_it() -> None:
    sync([*HOUSE, ALICE])
    User.objects.filter(username="alice").update(oidc_iss="https://id.example.org", oidc_sub="alice")
    sync([*HOUSE, member("alicia", "active", key="alice"), NEW_ALICE], now=later())

    assert User.objects.get(username="alicia").oidc_sub == ""
    assert User.objects.get(username="alice").ldap_uuid == uuid_of("another alice")


def test_group_names_are_compared_without_case() -> None:
    run = run_pass(lambda: reading([member("rosa", "Active", "RTP"), member("anna", "Current_Student")]), now=later())

    assert (run.joined, User.objects.get(username="rosa").is_rtp) == (2, True)
