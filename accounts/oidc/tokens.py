"""What a token of the provider must say before a word of it is believed (OpenID Connect Core 1.0, 3.1.3.7).

No Django and no network: keys and expectations are handed in.
"""

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jwt

from accounts.oidc.errors import SignInRefused

MAX_TOKEN = 16 * 1024  # characters; it is kept in the session as the hint for signing out
MAX_ID = 255  # characters of a subject or session id (OpenID Connect Core 1.0, 2)
MAX_KEYS = 50
LOGOUT_AGE_S = 120  # Back-Channel Logout 1.0, 2.4 recommends tokens that live at most two minutes
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
PUBLIC_PARTS = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")
#: What PyJWT raises for values of unheard-of types and sizes, besides its own.
ODD = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
UNTIMELY = (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError)


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose tokens, for whom, signed how, and by how much the clocks may differ."""

    issuer: str
    client_id: str
    algorithm: str
    leeway_s: int


def id_token_claims(
    token: object, keys: Iterable[object], expected: Expected, *, nonce: str, age_s: float
) -> dict[str, Any]:
    """The claims of an ID token that was made for this sign-in just now, at most `age_s` ago. Raises SignInRefused."""
    claims = _verified(token, keys, expected, required=("iss", "sub", "aud", "exp", "iat"))
    if not (isinstance(claims.get("nonce"), str) and nonce and claims["nonce"] == nonce):
        raise SignInRefused("rejected", "nonce")
    _check_party(claims, expected)
    _check_age(claims, expected, age_s)
    if not is_id(claims["sub"]):
        raise SignInRefused("claims", "sub")
    return claims


def logout_token_claims(token: object, keys: Iterable[object], expected: Expected) -> dict[str, Any]:
    """The claims of a logout token: `sub`, `sid` or both, and `jti`. Raises SignInRefused."""
    claims = _verified(token, keys, expected, required=("iss", "aud", "iat", "jti", "events"))
    events = claims["events"]
    if not (isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict)):
        raise SignInRefused("rejected", "events")
    if "nonce" in claims:
        raise SignInRefused("rejected", "nonce in a logout token")
    _check_age(claims, expected, LOGOUT_AGE_S)
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not (named and all(is_id(value) for value in named) and is_id(claims["jti"])):
        raise SignInRefused("rejected", "sub, sid or jti")
    return claims


def is_id(value: object) -> bool:
    """True for what may be a subject, a session or a token's id: short, ASCII, printable."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isascii() and value.isprintable()


def moment(value: object) -> float | None:
    """A time in a claim, in seconds since 1970; None for anything else, also for true and false."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _verified(
    token: object, keys: Iterable[object], expected: Expected, *, required: tuple[str, ...]
) -> dict[str, Any]:
    if not (isinstance(token, str) and 0 < len(token) <= MAX_TOKEN and token.isascii()):
        raise SignInRefused("rejected", "no token")
    header = _header(token, expected)
    fitting = [key for jwk in islice(keys, MAX_KEYS) if (key := _fitting(jwk, header, expected))]
    if not fitting:
        raise SignInRefused("key", "no published key fits")
    for key in fitting:
        try:
            return dict(_decode(token, key, expected, required))
        except jwt.InvalidSignatureError:
            continue
    raise SignInRefused("rejected", "signature")


def _header(token: str, expected: Expected) -> Mapping[str, Any]:
    """The header, of which only the algorithm and the key's id are used: never a key that it brings along."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, *ODD) as error:
        raise SignInRefused("rejected", "header") from error
    if header.get("alg") != expected.algorithm:
        raise SignInRefused("rejected", "alg")
    if "crit" in header or "b64" in header:
        raise SignInRefused("rejected", "crit")
    return header


def _fitting(jwk: object, header: Mapping[str, Any], expected: Expected) -> jwt.PyJWK | None:
    """The key, if this token may have been signed with it."""
    if not isinstance(jwk, dict) or jwk.get("kty") != KEY_TYPES[expected.algorithm[:2]]:
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", expected.algorithm) != expected.algorithm:
        return None
    if "kid" in header and "kid" in jwk and jwk["kid"] != header["kid"]:
        return None
    try:
        return jwt.PyJWK({part: jwk[part] for part in PUBLIC_PARTS if part in jwk}, algorithm=expected.algorithm)
    except (jwt.PyJWTError, *ODD):
        return None


def _decode(token: str, key: jwt.PyJWK, expected: Expected, required: tuple[str, ...]) -> Mapping[str, Any]:
    try:
        return jwt.decode(
            token, key, algorithms=[expected.algorithm], audience=expected.client_id, issuer=expected.issuer,
            leeway=expected.leeway_s, options={"require": list(required), "enforce_minimum_key_length": True},
        )  # fmt: skip
    except jwt.InvalidSignatureError:
        raise
    except UNTIMELY as error:
        raise SignInRefused("clock", type(error).__name__) from error
    except (jwt.PyJWTError, *ODD) as error:
        raise SignInRefused("rejected", type(error).__name__) from error


def _check_party(claims: Mapping[str, Any], expected: Expected) -> None:
    """A token for several must name us as the one it was given to."""
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise SignInRefused("rejected", "aud of several without azp")
    if "azp" in claims and claims["azp"] != expected.client_id:
        raise SignInRefused("rejected", "azp")


def _check_age(claims: Mapping[str, Any], expected: Expected, age_s: float) -> None:
    """Made just now: the clocks agree to within the leeway, in both directions."""
    issued = moment(claims["iat"])
    if issued is None:
        raise SignInRefused("rejected", "iat")
    now = time.time()
    if not now - expected.leeway_s - age_s <= issued <= now + expected.leeway_s:
        raise SignInRefused("clock", "iat")
