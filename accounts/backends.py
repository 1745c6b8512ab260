"""Authentication backends."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import AccountKind


class LocalOnlyBackend(AuthenticationBackend):
    """allauth's backend, for local accounts only: a house account can never enter by a password."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The local person these credentials belong to, or None."""
        user = super().authenticate(request, **credentials)
        return user if isinstance(user, User) and user.kind == AccountKind.LOCAL else None
