"""Accounts for emergencies: a one-time link, a second factor, an alarm each time, with everything else down."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import local, outbox
from accounts.alarms import open_alarms
from accounts.models import AuditEvent, OneTimeLink, OutgoingMail, User
from tests.accounts.local.house import NEW_PASSWORD, app_code, come_in, house_member, is_in, prove
from tests.cast import Cast, make_cast
from tests.children import free_port

TWICE = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}


def printed(name: str = "glass", **options: object) -> tuple[str, str]:
    """(path, code) that the command prints."""
    out = StringIO()
    call_command("create_break_glass", name, stdout=out, **options)
    path = re.search(r"http://127.0.0.1:8000(\S+)", out.getvalue())
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$", out.getvalue(), re.MULTILINE)
    assert path is not None
    assert code is not None
    return path[1], code[0]


def set_up(client: Client) -> str:
    """The second factor, set up right after the first sign-in; its secret."""
    prove(client, NEW_PASSWORD)
    client.get("/accounts/2fa/totp/activate/")
    secret = str(client.session["mfa.totp.secret"])
    client.post("/accounts/2fa/totp/activate/", {"code": app_code(secret)})
    return secret


@pytest.fixture
def everything_down(settings: LazySettings) -> None:
    """Directory, provider and mail are addresses where nobody listens."""
    settings.LDAP_URL = f"ldap://127.0.0.1:{free_port()}"
    settings.OIDC_ISSUER = f"http://127.0.0.1:{free_port()}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()


def test_from_the_printed_link_to_the_rtps_pages_with_everything_down(
    transactional_db: None, everything_down: None
) -> None:
    make_cast()
    path, code = printed()
    client = Client()

    page = client.get(path).content.decode()
    set_it = client.post(path, {"code": code} | TWICE)
    come_in("glass", NEW_PASSWORD, client=client)
    before = client.get("/rtp/vms/")
    secret = set_up(client)
    later = come_in("glass", NEW_PASSWORD, code=app_code(secret, steps=1))

    assert "Break-glass account" in page
    assert set_it.headers["Location"] == "/accounts/login/"
    assert before.headers["Location"] == "/accounts/2fa/"
    assert [browser.get("/rtp/vms/").status_code for browser in (client, later)] == [200, 200]
    assert User.objects.get(username="glass").has_rtp_power


def test_each_sign_in_raises_an_alarm_that_waits_for_the_mail(transactional_db: None, everything_down: None) -> None:
    rita = make_cast().rita
    path, code = printed()
    Client().post(path, {"code": code} | TWICE)

    come_in("glass", NEW_PASSWORD)
    come_in("glass", NEW_PASSWORD)
    sent = outbox.send_due(timezone.now())

    assert [alarm.kind for alarm in open_alarms()] == ["break_glass", "break_glass"]
    assert "The break-glass account glass signed in at" in open_alarms()[0].sentence
    waiting = OutgoingMail.objects.filter(to=rita.email, sent_at=None, subject__contains="break-glass")
    assert (sent, waiting.count()) == (0, 2)


def test_an_alarm_is_shown_until_an_rtp_has_seen_it(cast: Cast) -> None:
    path, code = printed()
    Client().post(path, {"code": code} | TWICE)
    come_in("glass", NEW_PASSWORD)
    alarm = open_alarms().get()

    seen = [local.acknowledge(alarm, cast.rita) for _ in range(2)]

    assert (seen, open_alarms().count()) == ([True, False], 0)
    assert AuditEvent.objects.get(verb="alarm.seen").actor == cast.rita


def test_other_local_accounts_raise_none(cast: Cast) -> None:
    come_in("alice")

    assert not open_alarms().exists()


def test_the_link_works_once(db: None) -> None:
    path, code = printed()

    answers = [Client().post(path, {"code": code} | TWICE).status_code for _ in range(2)]

    assert answers == [302, 422]
    assert AuditEvent.objects.filter(verb="password.set", target_name="glass").count() == 1


def test_five_wrong_codes_burn_the_link(db: None) -> None:
    path, code = printed()
    for _ in range(5):
        Client().post(path, {"code": "2345-6789-ABCD"} | TWICE)

    assert Client().post(path, {"code": code} | TWICE).status_code == 422
    assert not User.objects.get().has_usable_password()


def test_a_link_that_is_wrong_or_too_old_looks_like_a_good_one(db: None) -> None:
    path, code = printed()
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    faces = set()
    for address in (path, "/accounts/break-glass/nothing-here/"):
        for answer in (Client().get(address), Client().post(address, {"code": code} | TWICE)):
            ref = address.split("/")[-2]
            page = answer.content.decode().partition("<main")[2].replace(ref, "REF")
            faces.add((answer.status_code, re.sub(r'value="[^"]{64}"', "", page)))

    assert len(faces) == 2
    assert not User.objects.get().has_usable_password()


def test_neither_link_nor_audit_holds_the_code(db: None) -> None:
    path, code = printed()

    kept = str(list(OneTimeLink.objects.values())) + str(list(AuditEvent.objects.values()))
    assert code not in path + kept
    assert AuditEvent.objects.get().verb == "break_glass.link"


def test_a_new_link_ends_the_old_one_and_keeps_the_account(db: None) -> None:
    old_path, old_code = printed()
    Client().post(old_path, {"code": old_code} | TWICE)
    second_path, second_code = printed()
    path, code = printed("GLASS")

    assert Client().post(second_path, {"code": second_code} | TWICE).status_code == 422
    assert Client().post(path, {"code": code} | TWICE).status_code == 302
    assert User.objects.count() == 1


def test_the_factor_stays_unless_it_was_lost(cast: Cast) -> None:
    User.objects.filter(pk=cast.rita.pk).update(is_break_glass=True)
    printed("rita")
    kept = Authenticator.objects.filter(user=cast.rita).count()
    printed("rita", forget_factor=True)

    assert (kept, Authenticator.objects.filter(user=cast.rita).count()) == (1, 0)


def test_nobody_elses_name_becomes_a_break_glass_account(cast: Cast) -> None:
    house_member()

    for name in ("alice", "Rita", "hilda"):
        with pytest.raises(CommandError, match="somebody else's account"):
            printed(name)
    with pytest.raises(CommandError, match="Nothing was made"):
        printed("no good name!")
    assert not OneTimeLink.objects.exists()
    assert not is_in(come_in("hilda", NEW_PASSWORD))
