"""One page to sign in: the house's button first, local accounts folded below, and who is let in by it."""

from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts import local_views
from accounts.models import AuditEvent, User
from tests.accounts.local.house import (
    FACTOR,
    HOUSE_PASSWORD,
    SIGN_IN,
    app_code,
    come_in,
    house_member,
    house_session,
    is_in,
)
from tests.cast import PASSWORD, Cast


@pytest.fixture
def house(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[object, object]]:
    """A provider that is configured; what is known of it stands in "state"."""
    known: dict[str, tuple[object, object]] = {"state": (True, timezone.now())}
    settings.OIDC_ISSUER = "https://sso.example.org"
    monkeypatch.setattr(local_views, "house_sign_in_state", lambda: known["state"])
    return known


def test_without_a_house_the_page_is_the_local_form(client: Client, db: None) -> None:
    page = client.get(SIGN_IN).content.decode()

    assert "<details" not in page
    assert "house account" not in page
    assert 'id="id_password"' in page


def test_the_houses_button_comes_first_and_keeps_where_to_go(client: Client, db: None, house: object) -> None:
    page = client.get(f"{SIGN_IN}?next=/activity/").content.decode()

    button = page.index("Sign in with your house account")
    assert button < page.index("<details><summary>Local account") < page.index('id="id_password"')
    assert '<input type="hidden" name="next" value="/activity/"' in page


def test_a_house_that_does_not_answer_is_told_in_place_of_its_button(
    client: Client, db: None, house: dict[str, tuple[object, object]]
) -> None:
    house["state"] = (False, timezone.localtime().replace(hour=14, minute=2))

    page = client.get(SIGN_IN).content.decode()

    assert "The house's sign-in does not answer since" in page.replace("&#x27;", "'")
    assert "14:02" in page
    assert "Sign in with your house account" not in page
    assert "<details open>" in page


def test_a_wrong_password_leaves_the_form_open_and_the_name_typed(client: Client, cast: Cast, house: object) -> None:
    answer = client.post(SIGN_IN, {"login": "alice", "password": "wrong"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "<details open>" in page
    assert 'value="alice"' in page
    assert "wrong" not in page.replace('class="wrong"', "")


def test_only_known_reasons_reach_the_page(client: Client, db: None) -> None:
    known = client.get(f"{SIGN_IN}?why=cancelled").content.decode()
    unknown = client.get(f"{SIGN_IN}?why=Call+0900+now").content.decode()

    assert "You stopped the sign-in at the house." in known
    assert "0900" not in unknown.partition("<main")[2].replace("why=Call+0900+now", "")


def test_an_unknown_name_and_a_wrong_password_look_alike(cast: Cast) -> None:
    pages = []
    for name in ("alice", "nobody"):
        page = Client().post(SIGN_IN, {"login": name, "password": "wrong"}).content.decode()
        pages.append(page.partition("<main")[2].replace(name, "NAME").partition("csrf")[0])

    assert pages[0] == pages[1]


def test_a_sign_in_is_noted_good_or_bad(cast: Cast) -> None:
    Client().post(SIGN_IN, {"login": "alice", "password": "wrong"})
    Client().post(SIGN_IN, {"login": "my typed password", "password": "wrong"})
    come_in("alice")

    noted = list(AuditEvent.objects.order_by("pk").values_list("verb", "actor_name", "address"))
    assert noted == [("signin.failed", "somebody", "127.0.0.1"), ("signin", "alice", "127.0.0.1")]


def test_a_like_name_from_the_house_keeps_no_local_account_out(cast: Cast) -> None:
    house_member("ALICE")

    assert is_in(come_in("alice"))
    assert is_in(come_in("Alice"))


def test_a_house_account_never_comes_in_by_a_password(cast: Cast) -> None:
    hilda = house_member()
    hilda.set_password(HOUSE_PASSWORD)  # however it got there
    hilda.save()

    client = come_in("hilda", HOUSE_PASSWORD)

    assert not is_in(client)
    assert AuditEvent.objects.get().verb == "signin.failed"


@pytest.mark.parametrize(
    "path",
    ["password/change/", "password/set/", "reauthenticate/", "2fa/", "2fa/totp/activate/", "2fa/webauthn/add/",
     "2fa/recovery-codes/generate/", "email/", "signup/", "password/reset/key/1-set-password/"],
)  # fmt: skip
def test_no_address_gives_a_house_account_a_local_password_or_factor(
    db: None, settings: LazySettings, path: str
) -> None:
    client = house_session(house_member(), settings)

    new = {"password1": HOUSE_PASSWORD, "password2": HOUSE_PASSWORD, "oldpassword": ""}
    answers = [client.get(f"/accounts/{path}"), client.post(f"/accounts/{path}", new)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert not User.objects.get().has_usable_password()


@pytest.mark.parametrize("change", [{"locked_at": datetime(2026, 1, 1, tzinfo=UTC), "lock_reason": "Mining."},
                                    {"is_active": False}])  # fmt: skip
def test_who_may_not_come_in_reads_why_and_is_out(cast: Cast, change: dict[str, object]) -> None:
    User.objects.filter(pk=cast.alice.pk).update(**change)
    client = Client()

    answer = client.post(SIGN_IN, {"login": "alice", "password": PASSWORD})

    sentence = "An RTP locked this account: Mining." if "lock_reason" in change else "not active any more"
    assert answer.status_code == 403
    assert sentence in answer.content.decode()
    assert not is_in(client)


def test_a_lock_between_password_and_factor_holds(cast: Cast) -> None:
    client = come_in("rita")
    User.objects.filter(pk=cast.rita.pk).update(locked_at=timezone.now(), lock_reason="Lost phone.")

    answer = client.post(FACTOR, {"code": app_code()})

    assert answer.status_code == 403
    assert not is_in(client)


def test_a_new_password_between_password_and_factor_ends_the_sign_in(cast: Cast) -> None:
    client = come_in("rita")
    cast.rita.set_password("another long password, please")
    cast.rita.save()

    client.post(FACTOR, {"code": app_code()})

    assert not is_in(client)
    assert is_in(come_in("rita", "another long password, please", code=app_code(steps=1)))
