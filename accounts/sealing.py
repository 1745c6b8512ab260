"""Seals what the database must not hold in the clear, such as the secret of an authenticator app.

The key comes from SECRET_KEY, and what an earlier key sealed opens while that key is among SECRET_KEY_FALLBACKS.
"""

import base64
import secrets
from contextlib import suppress
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

MARK = "sealed:"
PURPOSE = b"vmportal.accounts.sealing"


def seal(text: str) -> str:
    """The text, for the database."""
    return MARK + _box().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """The text again. What was never sealed is returned as it is.

    What no key opens comes back as something nobody can know: a fixed text would be a secret that everybody has.
    """
    if not sealed.startswith(MARK):
        return sealed
    try:
        return _box().decrypt(_token(sealed)).decode()
    except InvalidToken:
        return base64.b32encode(secrets.token_bytes(20)).decode("ascii")


def resealed(sealed: str) -> str:
    """Sealed with the newest key; as it is where it is already, and where no key opens it."""
    if not sealed.startswith(MARK):
        return seal(sealed)
    try:
        Fernet(_derived(settings.SECRET_KEY)).decrypt(_token(sealed))
    except InvalidToken:
        with suppress(InvalidToken):
            return MARK + _box().rotate(_token(sealed)).decode("ascii")
    return sealed


def _token(sealed: str) -> bytes:
    return sealed.removeprefix(MARK).encode("ascii")


def _box() -> MultiFernet:
    return _box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
