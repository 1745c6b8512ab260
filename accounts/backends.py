"""Authentication backends."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.local import local_account
from accounts.models import User
from accounts.roles import AccountKind
from accounts.standing import may_be_signed_in


class LocalOnlyBackend(AuthenticationBackend):
    """allauth's backend, for local accounts only: a house account can never enter by a password.

    allauth sets aside somebody whose password is right but who may not come in, and hands them to the adapter, which
    tells them why (accounts/adapter.py).
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The local person these credentials belong to, or None."""
        user = super().authenticate(request, **credentials)
        return user if isinstance(user, User) and self.user_can_authenticate(user) else None

    def _authenticate_by_username(self, username: str, password: str) -> AbstractBaseUser | None:
        """Looks among local accounts only: allauth finds nobody where names differ in case alone."""
        found: AbstractBaseUser | None = self._check_password(local_account(username), password)
        return found

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        """Read at each request: a local account that is active and not locked."""
        return isinstance(user, User) and user.kind == AccountKind.LOCAL and may_be_signed_in(user)
