"""The trip to a fresh proof and back: what asks, what proves, what is kept meanwhile."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.factors import check_code
from accounts.models import User
from accounts.proof import SESSION_KEY
from accounts.spent import spend_once
from tests.accounts.proof.browser import code, kept_form, prove
from tests.cast import PASSWORD, Cast
from tests.factories import make_vm
from tests.figures import figure
from tests.sign_in import sign_in
from vms.models import Operation, VirtualMachine
from vms.states import OperationKind, Power

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def web(cast: Cast) -> VirtualMachine:
    return make_vm(cast.alices, "web-01", power=Power.RUNNING)


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    return sign_in(client, cast.rita, fresh=False)


def shut_down(client: Client, vm: VirtualMachine, **fields: str) -> str:
    """Asks for it; where the answer leads."""
    answer = client.post(f"/vms/{vm.pk}/actions/shutdown/", {"key": KEY} | fields)
    return f"{answer.status_code} {answer.headers['Location']}"


def test_power_over_somebody_elses_machine_asks_for_a_proof_first(rita: Client, web: VirtualMachine) -> None:
    assert shut_down(rita, web).startswith("303 /accounts/proof/?form=")
    assert not Operation.objects.exists()


def test_after_the_proof_the_form_goes_on_as_it_was_typed(rita: Client, web: VirtualMachine) -> None:
    url = shut_down(rita, web, note='a "quoted" <b>\r\n line &amp; ü').split()[1]

    answer = prove(rita, url)
    path, fields = kept_form(rita.get(answer.headers["Location"]).content.decode())

    assert (answer.status_code, path) == (302, f"/vms/{web.pk}/actions/shutdown/")
    assert fields == {"key": KEY, "note": 'a "quoted" <b>\r\n line &amp; ü'}
    assert not Operation.objects.exists()
    assert rita.post(path, fields).status_code == 302
    assert Operation.objects.get().kind == OperationKind.SHUTDOWN
    assert "not kept any longer" in rita.get(url).content.decode()


def test_an_own_machine_never_asks(cast: Cast, client: Client, web: VirtualMachine) -> None:
    sign_in(client, cast.alice, fresh=False)

    assert shut_down(client, web) == f"302 /vms/{web.pk}/"


def test_looking_never_asks(rita: Client, web: VirtualMachine) -> None:
    paths = ("/rtp/vms/", f"/vms/{web.pk}/", f"/vms/{web.pk}/console/", f"/vms/{web.pk}/actions/delete/",
             "/admin/", "/admin/accounts/user/", "/rtp/people/", "/rtp/directory/")  # fmt: skip

    assert [rita.get(path).status_code for path in paths] == [200] * len(paths)


def test_a_proof_counts_for_a_quarter_of_an_hour_and_for_one_person(
    cast: Cast, web: VirtualMachine, settings: Settings
) -> None:
    led = []
    for user, age_s in ((cast.rita, settings.PROOF_S - 5), (cast.rita, settings.PROOF_S + 1), (cast.alice, 0)):
        client = sign_in(Client(), cast.rita, fresh=False)
        session = client.session
        session[SESSION_KEY] = {"user": user.pk, "at": timezone.now().timestamp() - age_s, "how": "test"}
        session.save()
        led.append("/accounts/proof/" in shut_down(client, web, key=uuid4().hex))

    assert led == [False, True, True]


def test_a_proof_is_gone_with_the_role(cast: Cast, client: Client, web: VirtualMachine) -> None:
    sign_in(client, cast.rita)
    User.objects.filter(pk=cast.rita.pk).update(is_rtp=False)
    client.get("/")
    User.objects.filter(pk=cast.rita.pk).update(is_rtp=True)

    assert "/accounts/proof/" in shut_down(client, web)


@pytest.mark.parametrize("typed", [{"password": "wrong"}, {"code": "000000"}, {"code": ""}, {"password": ""}])
def test_a_wrong_answer_proves_nothing(rita: Client, web: VirtualMachine, typed: dict[str, str]) -> None:
    url = shut_down(rita, web).split()[1]

    answer = prove(rita, url, **typed)

    assert (answer.status_code, SESSION_KEY in rita.session) == (422, False)
    assert "There is a problem" in answer.content.decode()
    assert PASSWORD not in answer.content.decode()


def test_a_wrong_password_does_not_use_up_the_code(rita: Client) -> None:
    now = code()
    prove(rita, "/accounts/proof/", password="wrong", code=now)

    assert prove(rita, "/accounts/proof/", code=now).status_code == 302


def test_wrong_answers_run_out(cast: Cast, rita: Client) -> None:
    tried = [prove(rita, "/accounts/proof/", code="000000").status_code for _ in range(6)]

    assert tried == [422] * 5 + [429]
    assert prove(rita, "/accounts/proof/").status_code == 429  # not even the right one


def test_r27_a_code_counts_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same codes again, as from a page that was looked over the shoulder: none is taken."""
    tried = accepted = 0
    for second in range(0, 20 * 30, 30):
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda at=1_800_000_000 + second: at)
        monkeypatch.setattr("tests.accounts.proof.browser.time.time", lambda at=1_800_000_000 + second: at)
        now = code()
        assert check_code(cast.rita, now)
        again = [check_code(cast.rita, f" {now[:3]} {now[3:]} ") for _ in range(50)]
        tried, accepted = tried + len(again), accepted + sum(again)

    figure("R-27", "codes used again", tried, "accepted", accepted)
    assert (tried, accepted) == (1_000, 0)


def test_r27_the_count_notices_a_code_that_counts_twice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.factors.spend_once", lambda *_, **__: True)

    assert [check_code(cast.rita, code()) for _ in range(2)] == [True, True]


def test_a_recovery_code_proves_once(cast: Cast, rita: Client) -> None:
    spare = RecoveryCodes.activate(cast.rita).get_unused_codes()[0]

    assert prove(rita, "/accounts/proof/", code=spare).status_code == 302
    assert not check_code(cast.rita, spare)


def test_without_a_factor_only_the_demo_is_content_with_the_password(
    cast: Cast, rita: Client, settings: Settings
) -> None:
    Authenticator.objects.all().delete()
    assert rita.get("/accounts/proof/").headers["Location"] == "/accounts/2fa/"
    assert (prove(rita, "/accounts/proof/").status_code, SESSION_KEY in rita.session) == (302, False)

    settings.DEMO = True
    assert "This is the demo: the password is enough" in rita.get("/accounts/proof/").content.decode()
    assert (prove(rita, "/accounts/proof/").status_code, SESSION_KEY in rita.session) == (302, True)


def test_a_passkey_stands_for_the_code_but_not_for_the_password(cast: Cast, rita: Client) -> None:
    session = rita.session
    shown = {"method": "mfa", "type": "webauthn", "at": timezone.now().timestamp(), "reauthenticated": True}
    session["account_authentication_methods"] = [shown]
    session["account_authentication_methods_user"] = str(cast.rita.pk)
    session.save()

    assert "Your passkey was right" in rita.get("/accounts/proof/").content.decode()
    assert rita.post("/accounts/proof/", {"password": "wrong"}).status_code == 422
    assert rita.post("/accounts/proof/", {"password": PASSWORD}).status_code == 302


def test_parts_of_pages_and_scripts_are_led_there_in_their_own_way(rita: Client, web: VirtualMachine) -> None:
    part = rita.post(f"/vms/{web.pk}/actions/start/", {"key": "k"}, headers={"HX-Request": "true"})
    script = rita.post(f"/vms/{web.pk}/console/grant", headers={"Accept": "application/json"})

    assert (part.status_code, part.headers["HX-Redirect"][:21]) == (403, "/accounts/proof/?form")
    assert (script.status_code, script.json()["code"]) == (403, "proof")
    answer = prove(rita, script.json()["url"])
    assert rita.get(answer.headers["Location"]).headers["Location"] == f"/vms/{web.pk}/console/"
    assert "grant" in rita.post(f"/vms/{web.pk}/console/grant").json()


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "x" * 70_000},
        {"password": "hunter22hunter22"},
        {"public_key": "-----BEGIN OPENSSH PRIVATE KEY-----" + "b" * 90},
    ],
)
def test_what_is_large_or_secret_is_not_kept(cast: Cast, rita: Client, fields: dict[str, str]) -> None:
    answer = rita.post(f"/rtp/people/{cast.bob.pk}/lock/", fields, headers={"Referer": "http://testserver/rtp/people/"})

    stored = str(dict(rita.session))
    page = rita.get(answer.headers["Location"]).content.decode()
    assert not any(value in stored for value in fields.values())
    assert "cannot be kept" in page
    prove(rita, answer.headers["Location"])
    assert 'href="/rtp/people/">Go back' in rita.get(answer.headers["Location"]).content.decode()


def test_three_forms_are_kept_for_a_quarter_of_an_hour(cast: Cast, rita: Client) -> None:
    urls = [rita.post(f"/rtp/people/{pk}/lock/", {"reason": "x"}).headers["Location"]
            for pk in (cast.alice.pk, cast.bob.pk, cast.carol.pk, cast.alice.pk)]  # fmt: skip
    session = rita.session
    assert len(session["held_forms"]) == 3
    assert [("is kept" in rita.get(url).content.decode()) for url in urls] == [False, True, True, True]

    for entry in session["held_forms"].values():
        entry["at"] = (timezone.now() - timedelta(minutes=16)).timestamp()
    session.save()
    assert not any("is kept" in rita.get(url).content.decode() for url in urls)


def test_a_form_of_somebody_elses_session_is_not_shown(cast: Cast, rita: Client) -> None:
    url = rita.post(f"/rtp/people/{cast.bob.pk}/lock/", {"reason": "canary"}).headers["Location"]
    other = sign_in(Client(), cast.rita)

    assert "canary" not in other.get(url).content.decode()
    assert Client().get(url).headers["Location"].startswith("/accounts/login/")


def test_the_password_in_the_proof_is_in_no_log_and_no_url(rita: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = prove(rita, "/accounts/proof/?form=x")

    assert PASSWORD not in caplog.text + answer.headers["Location"] + str(dict(rita.session))


def test_spent_codes_are_kept_as_hashes_only(cast: Cast) -> None:
    now = code()
    check_code(cast.rita, now)

    assert not spend_once("totp", f"{cast.rita.pk}:{now}", for_s=1, now=timezone.now())
