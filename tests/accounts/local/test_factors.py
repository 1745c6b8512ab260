"""Second factors: each code counts once, an RTP must have one, and a change ends other sessions."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from accounts import attempts, factors
from accounts.models import AuditEvent, OutgoingMail, SpentToken, User
from tests.accounts.local.house import (
    FACTOR,
    SIGN_IN,
    app_code,
    come_in,
    house_member,
    house_session,
    is_in,
    prove,
    recovery_codes,
)
from tests.cast import FACTOR_SECRET, PASSWORD, Cast, make_cast, person
from tests.figures import figure

TRIES = 50


def test_an_rtp_comes_in_with_password_and_code(cast: Cast) -> None:
    client = come_in("rita")
    halfway = is_in(client)

    client.post(FACTOR, {"code": app_code()})

    assert (halfway, is_in(client)) == (False, True)


def test_a_wrong_code_stays_at_the_door(cast: Cast) -> None:
    client = come_in("rita")

    answer = client.post(FACTOR, {"code": "000000"})

    assert "This code does not fit." in answer.content.decode()
    assert not is_in(client)
    assert AuditEvent.objects.get().detail == {"what": "second factor"}


def test_whoever_stops_at_the_second_factor_may_begin_anew(cast: Cast) -> None:
    client = come_in("rita")
    at_the_factor = client.get(SIGN_IN).headers["Location"]

    client.post("/accounts/logout/", {"next": SIGN_IN})

    assert at_the_factor == FACTOR
    assert client.get(SIGN_IN).status_code == 200
    assert client.get(FACTOR).headers["Location"] == SIGN_IN


def test_the_page_that_was_wanted_comes_after_the_factor(cast: Cast) -> None:
    client = Client()
    client.post(f"{SIGN_IN}?next=/rtp/vms/", {"login": "rita", "password": PASSWORD})

    assert client.post(FACTOR, {"code": app_code()}).headers["Location"] == "/rtp/vms/"


def test_a_code_that_was_used_opens_nothing_more(cast: Cast) -> None:
    code = app_code()
    first, second = come_in("rita", code=code), come_in("rita", code=code)

    assert (is_in(first), is_in(second)) == (True, False)


def test_a_recovery_code_lets_in_once(cast: Cast) -> None:
    RecoveryCodes.activate(cast.rita)
    code = recovery_codes(cast.rita)[0]
    first, second = come_in("rita", code=code), come_in("rita", code=code)

    assert (is_in(first), is_in(second)) == (True, False)
    assert code not in recovery_codes(cast.rita)


def test_five_wrong_codes_close_the_door_for_the_right_one(cast: Cast) -> None:
    client = come_in("rita")
    for _ in range(5):
        client.post(FACTOR, {"code": "000000"})

    answer = client.post(FACTOR, {"code": app_code()})

    assert "Wait five minutes" in answer.content.decode()
    assert not is_in(client)


@pytest.fixture
def rita(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    """rita, in a database that threads reach, with no limit in the way of the guard that is asked about."""
    monkeypatch.setattr(attempts, "may_try_code", lambda *_: True)
    return make_cast().rita


def enter_together(code: str, browsers: list[Client]) -> list[bool]:
    """Which of these browsers, halfway in, a code sent at the same moment lets in."""
    ready = Barrier(8)

    def enter(client: Client) -> bool:
        try:
            ready.wait(20)
            return client.post(FACTOR, {"code": code}).headers.get("Location") == "/"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(enter, browsers))


def halfway(count: int) -> list[Client]:
    """Browsers in which rita's password was right."""
    return [come_in("rita") for _ in range(count)]


def test_r27_of_many_who_send_one_code_at_once_one_comes_in(rita: User) -> None:
    tries = accepted_twice = 0
    browsers = halfway(8)
    while tries < TRIES:
        SpentToken.objects.all().delete()  # the same half minute again
        let_in = enter_together(app_code(), browsers)
        tries += len(browsers)
        accepted_twice += sum(let_in) - 1
        browsers = [come_in("rita") if inside else client for client, inside in zip(browsers, let_in, strict=True)]

    figure("R-27", "totp codes", tries, "tries", "accepted twice", accepted_twice)
    assert tries >= TRIES
    assert accepted_twice == 0


def test_without_the_guard_one_code_lets_in_several(rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "spend_once", lambda *_, **__: True)

    assert sum(enter_together(app_code(), halfway(8))) > 1


def test_a_recovery_code_sent_many_times_at_once_lets_in_one(rita: User) -> None:
    RecoveryCodes.activate(rita)

    assert sum(enter_together(recovery_codes(rita)[0], halfway(8))) == 1


def test_an_rtp_without_a_factor_reaches_nothing_else(db: None) -> None:
    person("ruth", is_rtp=True)
    Authenticator.objects.all().delete()
    client = come_in("ruth")

    answers = {path: client.get(path) for path in ("/", "/rtp/vms/", "/admin/", "/accounts/", "/accounts/sessions/")}
    part = client.get("/", headers={"HX-Request": "true"})
    posted = client.post("/vms/new/", {"name": "web-01"})

    assert {answer.headers.get("Location") for answer in answers.values()} == {"/accounts/2fa/"}
    assert (part.status_code, part.headers["HX-Redirect"], part.content) == (401, "/accounts/2fa/", b"")
    assert posted.headers["Location"] == "/accounts/2fa/"
    assert "An RTP needs a second factor" in client.get("/accounts/2fa/").content.decode()
    assert client.get("/accounts/logout/").status_code == 200


def test_setting_up_an_app_opens_the_rest_and_spends_its_code(transactional_db: None) -> None:
    ruth = person("ruth", is_rtp=True)
    Authenticator.objects.all().delete()
    client = come_in("ruth")
    prove(client)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = str(client.session["mfa.totp.secret"])
    code = app_code(secret)

    answer = client.post("/accounts/2fa/totp/activate/", {"code": code})

    assert secret in page
    assert answer.headers["Location"] == "/accounts/2fa/recovery-codes/"
    assert len(re.findall(r"<li>\d{8}</li>", client.get(answer.headers["Location"]).content.decode())) == 10
    assert client.get("/").status_code == 200
    assert not is_in(come_in("ruth", code=code))
    assert is_in(come_in("ruth", code=app_code(secret, steps=1)))
    assert AuditEvent.objects.filter(verb="factor.added", target_name="Authenticator app", actor=ruth).count() == 1


def test_the_demo_asks_no_rtp_for_a_factor_and_says_so(db: None, settings: LazySettings) -> None:
    settings.DEMO = True
    person("ruth", is_rtp=True)
    Authenticator.objects.all().delete()
    client = come_in("ruth")

    assert client.get("/rtp/vms/").status_code == 200
    assert "This is the demo: RTPs need no second factor here." in client.get("/accounts/2fa/").content.decode()


def test_members_and_house_rtps_need_none_here(cast: Cast, settings: LazySettings) -> None:
    house = house_session(house_member("heidi", is_rtp=True), settings)

    assert come_in("alice").get("/").status_code == 200
    assert house.get("/rtp/vms/").status_code == 200


def test_an_rtp_keeps_the_last_factor(transactional_db: None) -> None:
    rita = make_cast().rita
    client = come_in("rita", code=app_code())
    prove(client)

    answer = client.post("/accounts/2fa/totp/deactivate/")

    assert "An RTP needs a second factor. Add another one first." in answer.content.decode()
    assert Authenticator.objects.filter(user=rita, type="totp").exists()


def test_a_last_passkey_stays_as_well(cast: Cast) -> None:
    Authenticator.objects.all().delete()
    key = Authenticator.objects.create(user=cast.rita, type="webauthn", data={"name": "Master key", "credential": {}})
    client = Client()
    client.force_login(cast.rita)
    prove(client)
    path = f"/accounts/2fa/webauthn/keys/{key.pk}/remove/"

    page, answer = client.get(path).content.decode(), client.post(path)

    assert "An RTP needs a second factor" in page
    assert answer.headers["Location"] == "/accounts/2fa/"
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_a_member_takes_the_app_off_again_and_other_browsers_end(transactional_db: None) -> None:
    alice = make_cast().alice
    TOTP.activate(alice, FACTOR_SECRET)
    here, there = come_in("alice", code=app_code()), come_in("alice", code=app_code(steps=1))
    prove(here)

    here.post("/accounts/2fa/totp/deactivate/")

    assert not Authenticator.objects.filter(user=alice).exists()
    assert (is_in(here), is_in(there)) == (True, False)
    assert AuditEvent.objects.filter(verb="factor.removed").count() == 1
    assert OutgoingMail.objects.get().subject == "[House VMs] Second factor removed"


def test_factors_are_changed_only_after_the_password_was_shown_again(cast: Cast) -> None:
    client = come_in("alice")

    for path in ("totp/activate/", "webauthn/add/", "recovery-codes/generate/"):
        answer = client.get(f"/accounts/2fa/{path}")
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/"), path
    assert client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code == 200
    assert client.post(SIGN_IN, {"login": "alice", "password": PASSWORD}).status_code == 302
