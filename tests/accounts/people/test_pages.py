"""What RTPs read about people."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.alarms import open_alarms, raise_alarm
from accounts.locks import lock_person, unlock_person
from accounts.models import DirectoryGroup, DirectoryMembership, SshKey, User
from tests.cast import Cast
from tests.factories import make_vm
from tests.sign_in import sign_in
from vms.states import Lifecycle, Power


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    return sign_in(client, cast.rita, fresh=False)


def line(page: str, name: str) -> str:
    """One person's row, tags left out."""
    row = next(part for part in page.split("<tr>") if f">{name}</a>" in part)
    return " ".join("".join(piece.split(">")[-1] for piece in row.split("<")).split())


def test_the_list_says_how_everybody_stands(cast: Cast, rita: Client) -> None:
    User.objects.filter(pk=cast.bob.pk).update(departed_at=timezone.now())
    User.objects.filter(pk=cast.carol.pk).update(locked_at=timezone.now(), lock_reason="x")
    make_vm(cast.alices, power=Power.RUNNING)
    make_vm(cast.alices)
    make_vm(cast.alices, lifecycle=Lifecycle.GONE, vmid=None, power=Power.RUNNING)

    page = rita.get("/rtp/people/").content.decode()

    told = {name: line(page, name) for name in ("alice", "bob", "carol", "rita")}
    words = {"alice": "Active", "bob": "Left the house", "carol": "Locked", "rita": "RTP"}
    assert [words[name] in told[name] for name in told] == [True] * 4
    assert told["alice"].endswith("21")  # two machines, one of them runs


def test_their_page_leads_to_all_of_their_activity(cast: Cast, rita: Client) -> None:
    page = rita.get(f"/rtp/people/{cast.alice.pk}/").content.decode()

    assert 'href="/activity/?member=alice">All of their activity</a>' in page
    assert rita.get("/activity/?member=alice").status_code == 200


def test_the_list_is_searched_by_name_full_name_and_mail(cast: Cast, rita: Client) -> None:
    User.objects.filter(pk=cast.bob.pk).update(first_name="Robert Tables")

    def names(words: str) -> list[str]:
        page = rita.get("/rtp/people/", {"q": words}).content.decode()
        return [name for name in ("alice", "bob", "carol", "rita") if f">{name}</a>" in page]

    assert [names(words) for words in ("ali", "tables", "bob@", "'; --")] == [["alice"], ["bob"], ["bob"], []]


def test_the_list_asks_the_database_the_same_for_many(
    cast: Cast, rita: Client, django_assert_max_num_queries: object
) -> None:
    User.objects.bulk_create(User(username=f"member-{n:03}") for n in range(120))

    with django_assert_max_num_queries(12):  # type: ignore[operator]  # a fixture without a stub
        page = rita.get("/rtp/people/").content.decode()

    assert ("124 people" in page, "member-119" in page) == (True, False)


def test_one_persons_page_has_groups_machines_sessions_keys_and_events(cast: Cast, rita: Client) -> None:
    sign_in(Client(), cast.alice)
    group = DirectoryGroup.objects.create(name="drinkers", seen_at=timezone.now())
    DirectoryMembership.objects.create(user=cast.alice, group=group)
    SshKey.objects.create(
        user=cast.alice, public_key="ssh-ed25519 SECRETBODY x", fingerprint="SHA256:abc", comment="lap"
    )
    make_vm(cast.alices, "web-01")
    lock_person(cast.alice.pk, by=cast.rita, reason="an open relay", address="")
    unlock_person(cast.alice.pk, by=cast.rita, address="")

    page = rita.get(f"/rtp/people/{cast.alice.pk}/").content.decode()

    words = ("drinkers", "web-01", "SHA256:abc", "alice@example.org", "Lock alice", "View as alice",
             "Locked alice", "an open relay", "Unlocked alice")  # fmt: skip
    assert [word in page for word in words] == [True] * len(words)
    assert "SECRETBODY" not in page


def test_whoever_left_is_told_apart_with_their_days(cast: Cast, rita: Client) -> None:
    until = timezone.now() + timedelta(days=7)
    User.objects.filter(pk=cast.bob.pk).update(departed_at=timezone.now(), run_on_until=until)

    page = rita.get(f"/rtp/people/{cast.bob.pk}/").content.decode()

    assert "Left the house, as the directory says since" in page
    assert "Their VMs run on until" in page


def test_an_open_alarm_stands_above_the_people_until_an_rtp_has_seen_it(cast: Cast, rita: Client) -> None:
    alarm = raise_alarm("break_glass", "1", "ron came in by break-glass.")
    assert "ron came in by break-glass." in rita.get("/rtp/people/").content.decode()

    assert rita.post(f"/rtp/alarms/{alarm.pk}/seen/").status_code == 303  # takes a fresh proof
    sign_in(rita, cast.rita).post(f"/rtp/alarms/{alarm.pk}/seen/")

    assert not open_alarms().exists()
    assert "ron came in" not in rita.get("/rtp/people/").content.decode()


def test_the_pages_are_for_rtps(cast: Cast) -> None:
    alice = sign_in(Client(), cast.alice)
    paths = ("/rtp/people/", f"/rtp/people/{cast.bob.pk}/")

    assert [alice.get(path).status_code for path in paths] == [403, 403]
    assert [Client().get(path).status_code for path in paths] == [302, 302]
    assert sign_in(Client(), cast.rita).get("/rtp/people/987654/").status_code == 404
