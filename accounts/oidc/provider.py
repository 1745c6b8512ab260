"""Every call to the provider: short, bounded in time and size, never redirected, checked before it is believed."""

import json
import logging
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError as WireError

from accounts.oidc.errors import ProviderUnavailable, SignInRefused
from accounts.oidc.wire import cut_off

log = logging.getLogger(__name__)
WELL_KNOWN = "/.well-known/openid-configuration"
DOCUMENT_KEPT_S = 600
LARGEST_ANSWER = 512 * 1024  # bytes
CHUNK = 16 * 1024
#: A connection is cut after so many time-outs, whatever comes through it: a time-out counts from the last byte.
GRACE = 2
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
FURTHER = ("userinfo_endpoint", "end_session_endpoint")
#: What a token endpoint says when it is we who are not known, not the code (RFC 6749, 5.2).
OUR_FAULT = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})


@dataclass(frozen=True, slots=True)
class Document:
    """What the provider says about itself (OpenID Connect Discovery 1.0, 3). The last two endpoints may be ""."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    names_itself: bool = False  # it says in every callback who it is (RFC 9207)
    prefers_basic: bool = False


_kept: dict[str, tuple[float, Document]] = {}


def discover(*, fresh: bool = False, timeout_s: float | None = None) -> Document:
    """The provider's document, at most ten minutes old; `fresh`: asked now. Raises ProviderUnavailable."""
    issuer = settings.OIDC_ISSUER
    read_at, document = _kept.get(issuer, (0.0, None))
    if document is not None and not fresh and time.monotonic() - read_at < DOCUMENT_KEPT_S:
        return document
    answer = _answer("GET", issuer.rstrip("/") + WELL_KNOWN, timeout_s=timeout_s)
    document = _document(_json_of(answer, "discovery"), issuer)
    _kept[issuer] = (time.monotonic(), document)
    return document


def forget() -> None:
    """The next question is asked anew."""
    _kept.clear()


def keys() -> Iterator[object]:
    """The keys that are published now: asked each time, so that a new one works and a withdrawn one does not.

    Asked when the first one is wanted, so that rubbish in place of a token costs no call.
    """
    found = _json_of(_answer("GET", discover().jwks_uri), "jwks").get("keys")
    if not isinstance(found, list):
        raise ProviderUnavailable("jwks: no list of keys")
    yield from found


def redeem(form: dict[str, str]) -> dict[str, Any]:
    """Tokens for a code. Raises SignInRefused where the provider does not take the code.

    The secret travels the way the document prefers, and the other way where the provider does not know us by that.
    """
    document = discover()
    for as_basic in (document.prefers_basic, not document.prefers_basic):
        answer = _answer("POST", document.token_endpoint, **_with_secret(form, as_basic=as_basic))
        if answer.status == 200:
            return _json_of(answer, "token")
        error = _error_of(answer)
        if error not in OUR_FAULT:
            raise SignInRefused("rejected", f"token endpoint: {error}")
        if error != "invalid_client":
            break
    log.error("the provider does not know us: %s. Check OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.", error)
    raise ProviderUnavailable(f"token endpoint: {error}")


def user_info(access_token: object) -> dict[str, Any] | None:
    """Claims of the user info endpoint; None where the provider has no such endpoint."""
    document = discover()
    if not document.userinfo_endpoint:
        return None
    if not (isinstance(access_token, str) and 0 < len(access_token) <= LARGEST_ANSWER and access_token.isascii()):
        raise SignInRefused("rejected", "access token")
    if not access_token.isprintable():
        raise SignInRefused("rejected", "access token")
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = _answer("GET", document.userinfo_endpoint, headers=headers)
    if answer.status in {401, 403}:
        raise SignInRefused("rejected", "user info refused")
    return _json_of(answer, "userinfo")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


def _answer(method: str, url: str, *, timeout_s: float | None = None, **how: Any) -> _Answer:
    """One exchange. Proxies, netrc and CA files of the environment are not looked at."""
    timeout_s = timeout_s or settings.OIDC_TIMEOUT_S
    deadline = time.monotonic() + timeout_s
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", **how.pop("headers", {})}
    with requests.Session() as session, cut_off(session, GRACE * timeout_s):
        session.trust_env = False
        session.verify = settings.OIDC_CA_FILE or True
        try:
            with session.request(
                method, url, headers=headers, timeout=timeout_s, allow_redirects=False, stream=True, **how
            ) as response:
                return _Answer(response.status_code, _body(response, deadline))
        # urllib3's own errors come out of `raw`; the rest is what odd headers, addresses and cut connections raise.
        except (requests.RequestException, OSError, ValueError, AttributeError, WireError) as error:
            raise ProviderUnavailable(f"{urlsplit(url).path}: {type(error).__name__}") from error


def _body(response: requests.Response, deadline: float) -> bytes:
    """The body, if it comes in time and is of a sensible size."""
    parts, size = [], 0
    while part := response.raw.read1(CHUNK, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise ProviderUnavailable("an answer of more than 512 KiB")
        if time.monotonic() > deadline:
            raise ProviderUnavailable("an answer that does not end")
    return b"".join(parts)


def _json_of(answer: _Answer, what: str) -> dict[str, Any]:
    if answer.status != 200:
        raise ProviderUnavailable(f"{what}: status {answer.status}")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable(f"{what}: no JSON") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{what}: no JSON object")
    return found


def _error_of(answer: _Answer) -> str:
    """The error code of a token endpoint; anything that is none means that it does not work."""
    if answer.status not in {400, 401, 403}:
        raise ProviderUnavailable(f"token endpoint: status {answer.status}")
    try:
        error = json.loads(answer.body).get("error")
    except (ValueError, RecursionError, AttributeError) as broken:
        raise ProviderUnavailable("token endpoint: no JSON") from broken
    return error if isinstance(error, str) and error.isidentifier() and len(error) < 50 else "no error code"


def _with_secret(form: dict[str, str], *, as_basic: bool) -> dict[str, Any]:
    """How the client proves itself (RFC 6749, 2.3.1); a client without a secret has PKCE only."""
    bare = {name: value for name, value in form.items() if name != "client_secret"}
    secret = form.get("client_secret", "")
    if not secret:
        return {"data": bare}
    if not as_basic:
        return {"data": form}
    pair = f"{quote_plus(form['client_id'])}:{quote_plus(secret)}"
    return {"data": bare, "headers": {"Authorization": "Basic " + b64encode(pair.encode()).decode()}}


def _document(found: dict[str, Any], issuer: str) -> Document:
    if found.get("issuer") != issuer:
        raise ProviderUnavailable("discovery: the document is another issuer's")
    endpoints: dict[str, Any] = {name: found.get(name) for name in ENDPOINTS}
    endpoints |= {name: found.get(name) or "" for name in FURTHER}
    for name, url in endpoints.items():
        if not (url == "" and name in FURTHER) and not _is_safe(url, issuer):
            raise ProviderUnavailable(f"discovery: {name} is missing or not https")
    methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Document(
        issuer=issuer,
        **endpoints,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        prefers_basic=not (isinstance(methods, list) and "client_secret_post" in methods),
    )


def _is_safe(url: object, issuer: str) -> bool:
    """https; or http on the loopback where the issuer is there too."""
    if not (isinstance(url, str) and url.isascii() and url.isprintable() and len(url) <= 2000):
        return False
    try:
        parts, home = urlsplit(url), urlsplit(issuer)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.fragment:
        return False
    is_local = parts.hostname in LOOPBACK and home.hostname in LOOPBACK and home.scheme == "http"
    return parts.scheme == "https" or (parts.scheme == "http" and is_local)
