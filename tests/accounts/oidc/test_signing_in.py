"""People come in by the house, and become who the house says they are, no more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, DirectoryGroup, SsoSession, User
from accounts.oidc.errors import SignInRefused
from accounts.sign_in import admit
from tests.accounts.oidc.browser import Browser, member, said, why
from tests.cast import person
from tests.providers.hostile import HostileProvider

DIRECTORY = "ldap://directory.example"


def test_a_member_comes_in_and_the_session_holds_nothing_but_what_signing_out_needs(browser: Browser) -> None:
    alice = member()

    response = browser.sign_in(next="/vms/new/")

    assert response["Location"] == "/vms/new/"
    assert browser.user() == alice
    house = {key for key in browser.client.session.keys() if key.startswith("oidc")}  # noqa: SIM118 (no mapping)
    assert house == {"oidc_id_token", "oidc_sid", "oidc_confirmed_at", "oidc_id_token_expiration"}
    assert SsoSession.objects.get(user=alice).session_key == browser.client.session.session_key
    assert UserSession.objects.get(user=alice).session_key == browser.client.session.session_key


def test_the_session_gets_a_new_key_at_the_sign_in(browser: Browser) -> None:
    member()
    url = browser.start()
    before = browser.client.session.session_key

    browser.back(url)

    assert browser.client.session.session_key != before


def test_the_portal_asks_with_pkce_state_and_nonce(browser: Browser) -> None:
    url = browser.start()

    for part in ("code_challenge_method=S256", "state=", "nonce=", "response_type=code", "client_id=vmportal"):
        assert part in url
    assert "prompt" not in url


def test_who_signed_in_once_is_found_by_the_subject_whatever_the_name(browser: Browser, house: HostileProvider) -> None:
    alice = member()
    browser.sign_in()
    house.person(sub="sub-alice", preferred_username="alice-the-second", groups=["active"])

    again = Browser(house)
    again.sign_in()

    assert again.user() == alice


def test_the_uid_claim_can_have_another_name(browser: Browser, house: HostileProvider, settings: Settings) -> None:
    settings.OIDC_UID_CLAIM = "uid"
    alice = member()
    house.person(sub="sub-alice", preferred_username="Alice A.", uid="ALICE", groups=["active"])

    browser.sign_in()

    assert browser.user() == alice


def test_two_first_sign_ins_at_once_link_one_row(
    house: HostileProvider, transactional_db: None, settings: Settings
) -> None:
    alice = member()
    together = Barrier(2)

    def first_sign_in(subject: str) -> str:
        together.wait(10)
        try:
            return str(admit(subject, {"preferred_username": "alice"}).pk)
        except SignInRefused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(first_sign_in, ["sub-one", "sub-two"]))

    assert found == [str(alice.pk), "taken"]


def test_somebody_whom_the_directory_does_not_list_yet_is_told_when_it_is_read(
    browser: Browser, settings: Settings
) -> None:
    settings.LDAP_URL = DIRECTORY

    assert why(browser.sign_in()) == "unknown"
    assert not User.objects.exists()


def test_a_house_without_a_directory_makes_active_members_from_claims(browser: Browser) -> None:
    browser.sign_in()

    alice = browser.user()
    assert alice is not None
    assert (alice.username, alice.first_name, alice.kind, alice.is_rtp) == ("alice", "Alice", "house", False)
    assert not alice.has_usable_password()
    assert AuditEvent.objects.filter(verb="person.made", target_name="alice").count() == 1


@pytest.mark.parametrize("groups", [None, [], ["guests"], "guests", 7, {"active": True}, [["active"]], ["active", 3]])
def test_nobody_is_made_from_a_claim_that_names_no_active_group(
    browser: Browser, house: HostileProvider, groups: object
) -> None:
    house.person(sub="sub-alice", preferred_username="alice", groups=groups)

    assert why(browser.sign_in()) == "not_member"
    assert not User.objects.exists()


def test_the_groups_claim_gives_and_takes_the_rtp_role(browser: Browser, house: HostileProvider) -> None:
    alice = member()
    DirectoryGroup.objects.create(name="rtp", seen_at=timezone.now())
    house.person(sub="sub-alice", preferred_username="alice", groups=["active", "RTP"])
    browser.sign_in()
    alice.refresh_from_db()
    assert alice.is_rtp
    assert [group.name for group in alice.directory_groups.all()] == ["rtp"]

    house.person(sub="sub-alice", preferred_username="alice", groups=["active"])
    Browser(house).sign_in()

    alice.refresh_from_db()
    assert not alice.is_rtp
    assert not alice.directory_groups.exists()
    assert [event.verb for event in AuditEvent.objects.order_by("pk")] == ["person.linked", "rtp.gained", "rtp.lost"]


@pytest.mark.parametrize("groups", [None, 7, {"rtp": True}, [["rtp"]], ["rtp", None], ["rtp"] * 501])
def test_a_claim_that_is_missing_or_odd_grants_nothing(
    browser: Browser, house: HostileProvider, groups: object
) -> None:
    alice = member(is_rtp=True)
    house.person(sub="sub-alice", preferred_username="alice", groups=groups)

    browser.sign_in()

    alice.refresh_from_db()
    assert browser.user() == alice
    assert not alice.is_rtp


def test_with_a_directory_a_missing_claim_takes_nothing_either(
    browser: Browser, house: HostileProvider, settings: Settings
) -> None:
    settings.LDAP_URL = DIRECTORY
    alice = member(is_rtp=True)
    house.person(sub="sub-alice", preferred_username="alice")

    browser.sign_in()

    alice.refresh_from_db()
    assert alice.is_rtp


def test_without_a_directory_the_claim_says_who_left_and_who_is_back(browser: Browser, house: HostileProvider) -> None:
    browser.sign_in()
    house.person(sub="sub-alice", preferred_username="alice", groups=["alumni", "rtp"])
    Browser(house).sign_in()
    alice = User.objects.get()
    assert alice.departed_at is not None
    assert not alice.is_rtp

    User.objects.update(is_active=False)
    house.person(sub="sub-alice", preferred_username="alice", groups=["active"])
    Browser(house).sign_in()

    alice.refresh_from_db()
    assert alice.departed_at is None
    assert alice.is_active


def test_who_left_may_come_in_to_look(browser: Browser, house: HostileProvider, settings: Settings) -> None:
    settings.LDAP_URL = DIRECTORY
    until = timezone.now() + timedelta(days=7)
    alice = member(oidc_iss=house.issuer, oidc_sub="sub-alice", departed_at=timezone.now(), run_on_until=until)
    house.person(sub="sub-alice", preferred_username="alice", groups=["rtp"])

    browser.sign_in()

    assert browser.user() == alice
    alice.refresh_from_db()
    assert not alice.is_rtp


def test_the_row_of_somebody_who_left_is_not_given_to_the_next_of_that_name(
    browser: Browser, settings: Settings
) -> None:
    settings.LDAP_URL = DIRECTORY
    member(departed_at=timezone.now())

    assert why(browser.sign_in()) == "taken"


def test_who_is_locked_is_told_so_after_the_house_let_them_in(browser: Browser) -> None:
    member(locked_at=timezone.now(), lock_reason="mining coins")

    response = browser.sign_in()

    assert why(response) == "locked"
    assert "mining coins" in said(response)
    assert "mining" not in response["Location"]
    assert browser.user() is None


def test_who_is_not_active_is_told_so(browser: Browser) -> None:
    member(is_active=False)

    assert why(browser.sign_in()) == "inactive"
    assert User.objects.get().oidc_sub == ""


def test_a_lock_ends_a_session_of_the_house_at_the_next_page(browser: Browser) -> None:
    member()
    browser.sign_in()

    User.objects.update(locked_at=timezone.now())

    assert browser.open("/")["Location"].startswith("/accounts/login/")


def test_a_password_opens_no_house_account(browser: Browser) -> None:
    alice = member()
    alice.set_password("correct horse battery staple")
    alice.save()

    browser.client.post("/accounts/login/", {"login": "alice", "password": "correct horse battery staple"})

    assert browser.user() is None


def test_local_people_still_come_in_by_password(browser: Browser) -> None:
    bob = person("bob")

    browser.client.post("/accounts/login/", {"login": "bob", "password": "correct horse battery staple"})

    assert browser.user() == bob


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "no-view", "javascript:x", "/\\evil"])
def test_the_way_on_leads_to_no_other_site(browser: Browser, wanted: str) -> None:
    member()

    assert browser.sign_in(next=wanted)["Location"] == "/"
    assert browser.client.post("/accounts/house/", {"next": wanted})["Location"] == "/"


def test_a_house_without_user_info_says_all_in_its_token(browser: Browser, house: HostileProvider) -> None:
    house.document["userinfo_endpoint"] = None
    house.id_token.update(preferred_username="alice", groups=["active"])

    browser.sign_in()

    assert browser.user() is not None


def test_nothing_is_said_of_the_house_where_there_is_none(browser: Browser, settings: Settings) -> None:
    settings.OIDC_ISSUER = ""

    assert browser.start() == "/accounts/login/?why=off"
    assert browser.open("/accounts/house/callback/?code=x&state=y").status_code == 302
