"""A person's browser between the portal and the lying provider."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth import SESSION_KEY
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import User
from accounts.oidc.callback import EXPIRATION
from accounts.roles import AccountKind
from tests.providers.hostile import HostileProvider

START, CALLBACK, LOGOUT = "/accounts/house/", "/accounts/house/callback/", "/accounts/house/logout/"


class Browser:
    """One browser: its cookies at the portal, and the way to the house and back."""

    def __init__(self, house: HostileProvider) -> None:
        self.house = house
        self.client = Client(raise_request_exception=False)
        self.statuses: list[int] = []

    def start(self, **form: str) -> str:
        """Presses the button; where the portal sends the browser."""
        return self._where(self.client.post(START, form))

    def open(self, url: str, **headers: str) -> Any:
        """Opens an address of the portal."""
        response = self.client.get(url, headers=headers)
        self.statuses.append(response.status_code)
        return response

    def back(self, url: str) -> Any:
        """From the portal's redirect over the house to the portal's answer."""
        return self.open(self.house.authorize(url))

    def sign_in(self, **form: str) -> Any:
        """All of it."""
        url = self.start(**form)
        return self.back(url) if url.startswith(self.house.issuer) else None

    def user(self) -> User | None:
        """Who is signed in here, as far as the session says."""
        pk = self.client.session.get(SESSION_KEY)
        return User.objects.filter(pk=pk).first() if pk else None

    def expire(self) -> None:
        """The session is due to be looked at again."""
        session = self.client.session
        session[EXPIRATION] = 0
        session.save()

    def _where(self, response: Any) -> str:
        self.statuses.append(response.status_code)
        assert response.status_code == 302, response.content
        return str(response["Location"])


def why(response: Any) -> str:
    """The code of the sentence on the sign-in page."""
    return str(parse_qs(urlsplit(response["Location"]).query).get("why", [""])[0])


def said(response: Any) -> str:
    """Messages that the next page shows."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def member(uid: str = "alice", **more: Any) -> User:
    """A row as the directory's pass makes it."""
    known = {"username": uid, "ldap_uid": uid, "ldap_uuid": f"00000000-0000-4000-8000-{sum(map(ord, uid)):012d}"}
    user = User(kind=AccountKind.HOUSE, **{**known, **more})
    user.set_unusable_password()
    user.save()
    return user
