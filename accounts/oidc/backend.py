"""mozilla-django-oidc's backend with the checks it leaves out, our calls in place of its own, and our people."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.addresses import address_of
from accounts.models import User
from accounts.oidc import provider
from accounts.oidc.errors import SignInRefused
from accounts.oidc.library import house_setting
from accounts.oidc.tokens import Expected, id_token_claims, is_id
from accounts.roles import AccountKind
from accounts.sign_in import admit
from accounts.standing import may_be_signed_in

log = logging.getLogger(__name__)
NAME = "accounts.oidc.backend.HouseBackend"
#: What only the signed token says; the user info endpoint does not get to say otherwise.
PROTOCOL = ("iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "auth_time", "sid", "acr", "amr")


def expected() -> Expected:
    """Whose tokens we take."""
    return Expected(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_SIGN_ALGO, settings.OIDC_LEEWAY_S)


class HouseBackend(OIDCAuthenticationBackend):
    """A member is (issuer, subject) of an ID token that was made for this browser's sign-in.

    `authenticate` raises ProviderUnavailable and SignInRefused, and leaves the verified ID token with its claims at
    `request.house_token` for the view.
    """

    get_settings = staticmethod(house_setting)

    def __init__(self) -> None:
        # The library's own reads the provider's endpoints, and a backend is made for every request.
        self.OIDC_RP_CLIENT_ID = settings.OIDC_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_CLIENT_SECRET
        self.UserModel = User

    def authenticate(self, request: HttpRequest | None, *, nonce: str, code_verifier: str) -> User | None:
        """The person, for the callback of a trip that has nonce and verifier; nobody else's credentials fit."""
        if request is None or not (nonce and code_verifier):
            return None
        found = super().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        return found if isinstance(found, User) else None

    def get_token(self, payload: dict[str, str]) -> dict[str, Any]:
        """Tokens for the code."""
        return provider.redeem(payload)

    def verify_token(self, token: object, **kwargs: Any) -> dict[str, Any]:
        """The ID token's claims; keys are read anew, so that the provider may change them at any time."""
        age_s = 2 * settings.OIDC_TIMEOUT_S  # from its making to this line: the answer's way, then the keys'
        return id_token_claims(token, provider.keys(), expected(), nonce=str(kwargs.get("nonce") or ""), age_s=age_s)

    def store_tokens(self, access_token: object, id_token: object) -> None:
        """Nothing is kept before it is known that the person may come in."""

    def get_or_create_user(self, access_token: object, id_token: str, payload: dict[str, Any]) -> User:
        """The person here, with roles as claimed now."""
        claims = self._claims(access_token, payload)
        self._check_person(payload["sub"])
        user = admit(payload["sub"], claims, address=address_of(self.request))
        self.request.house_token = (id_token, payload)
        return user

    def get_user(self, user_id: int) -> User | None:
        """Read at each request: a house account of the configured issuer that is active and not locked."""
        user = User.objects.filter(pk=user_id, kind=AccountKind.HOUSE, oidc_iss=settings.OIDC_ISSUER).first()
        return user if user and user.oidc_sub and may_be_signed_in(user) else None

    def _claims(self, access_token: object, payload: dict[str, Any]) -> dict[str, Any]:
        more = provider.user_info(access_token)
        if more is None:
            return payload
        if more.get("sub") != payload["sub"]:
            raise SignInRefused("rejected", "user info of another subject")
        kept = {name: payload[name] for name in PROTOCOL if name in payload}
        return {**payload, **more, **kept}

    def _check_person(self, subject: str) -> None:
        """Whoever is signed in already only ever comes back as themselves."""
        signed_in = self.request.session.get(SESSION_KEY)
        if signed_in is None:
            return
        person = User.objects.filter(pk=signed_in).first()
        if person is None or (person.oidc_iss, person.oidc_sub) != (settings.OIDC_ISSUER, subject):
            raise SignInRefused("other_person", "the session is somebody else's")


def sid_of(payload: dict[str, Any]) -> str:
    """The session at the provider; "" where it does not say."""
    sid = payload.get("sid")
    return str(sid) if is_id(sid) else ""
