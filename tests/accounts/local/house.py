"""What a person with a browser does on the pages of local accounts."""

import re
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import local
from accounts.models import User
from accounts.roles import AccountKind
from tests.cast import FACTOR_SECRET, PASSWORD

SIGN_IN, FACTOR, PAGE = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/"
HOUSE_BACKEND = "django.contrib.auth.backends.ModelBackend"
NEW_PASSWORD = "a quite different long sentence"
HOUSE_PASSWORD = "found in somebody's old database"


def app_code(secret: str = FACTOR_SECRET, *, steps: int = 0) -> str:
    """What an app shows now, or some steps of 30 s from now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def come_in(name: str, password: str = PASSWORD, *, code: str = "", client: Client | None = None) -> Client:
    """A browser in which this person signed in by the page, with a code where one is asked for."""
    client = client or Client()
    client.post(SIGN_IN, {"login": name, "password": password})
    if code:
        client.post(FACTOR, {"code": code})
    return client


def is_in(client: Client) -> bool:
    """True where the browser is let in."""
    return client.get(PAGE).status_code == 200


def prove(client: Client, password: str = PASSWORD) -> None:
    """The password once more, before factors are changed."""
    answer = client.post("/accounts/reauthenticate/", {"password": password})
    assert answer.status_code == 302


def house_member(name: str = "hilda", *, is_rtp: bool = False) -> User:
    """Somebody who comes by the house's sign-in."""
    user = User.objects.create_user(name, f"{name}@example.org", kind=AccountKind.HOUSE, oidc_iss="i", oidc_sub=name)
    user.is_rtp = user.is_staff = is_rtp
    user.save()
    return user


def house_session(user: User, settings: LazySettings) -> Client:
    """A browser of somebody who came by the house; any backend that is not ours stands for the house's."""
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, HOUSE_BACKEND]
    client = Client()
    client.force_login(user, backend=HOUSE_BACKEND)
    return client


def recovery_codes(user: User) -> list[str]:
    """The unused ones."""
    codes: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return codes


def mailed_code() -> tuple[str, str]:
    """(path of the page, code) of the newest mail with a code, after the worker's look."""
    local.send_reset_codes(timezone.now())
    text = str(mail.outbox[-1].body)
    path = re.search(r"https?://[^/]+(/\S+)", text)
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}", text)
    assert path
    assert code
    return path[1], code[0]
