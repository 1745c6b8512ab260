"""Who is asking: API token header or ticket cookie, and the proof that a browser form is ours."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import unquote

from devcluster.refusals import unauthorised
from devcluster.site import Site
from devcluster.state import Identity

TOKEN = re.compile(
    r"^PVEAPIToken[=\s]\s*(?P<user>[^\s:/!]+@[A-Za-z0-9.\-_]+)!(?P<id>[A-Za-z][A-Za-z0-9.\-_]+)[=:](?P<secret>\S+)$"
)
TICKET = re.compile(r"^PVE:(?P<user>[^:\s]+):(?P<time>[0-9A-F]{8})::(?P<signature>[0-9a-f]{64})$")
WRONG = "Authentication failed!"


def signature(site: Site, *parts: str) -> str:
    return hmac.new(site.cluster.secret.encode(), ":".join(parts).encode(), hashlib.sha256).hexdigest()


def make_ticket(site: Site, userid: str) -> str:
    stamp = f"{int(site.clock.now()):08X}"
    return f"PVE:{userid}:{stamp}::{signature(site, 'ticket', userid, stamp)}"


def make_csrf(site: Site, userid: str) -> str:
    stamp = f"{int(site.clock.now()):08X}"
    return f"{stamp}:{signature(site, 'csrf', userid, stamp)}"


def identify(site: Site, headers: Mapping[str, str], method: str) -> Identity:
    """The caller of a request. A cookie wins over a token. Raises the 401 refusals, which the caller delays."""
    ticket = _cookie(headers.get("cookie", ""))
    if ticket is not None:
        who = identify_ticket(site, ticket)
        if method != "GET" and not _csrf_fits(site, who.userid, headers.get("csrfpreventiontoken", "")):
            raise unauthorised("Permission denied - invalid csrf token")
        return who
    header = headers.get("authorization", "")
    if not header.startswith("PVEAPIToken"):
        raise unauthorised("No ticket")
    return _token(site, unquote(header))


def identify_ticket(site: Site, ticket: str) -> Identity:
    found = TICKET.match(ticket)
    if found is None:
        raise unauthorised(WRONG)
    userid, stamp = found["user"], found["time"]
    fits = hmac.compare_digest(found["signature"], signature(site, "ticket", userid, stamp))
    young = site.clock.now() - int(stamp, 16) < site.settings.windows.login_valid
    if not fits or not young or not _enabled(site, userid):
        raise unauthorised(WRONG)
    return Identity(userid)


def _token(site: Site, header: str) -> Identity:
    found = TOKEN.match(header)
    user = site.cluster.users.get(found["user"]) if found else None
    token = user.tokens.get(found["id"]) if found and user else None
    if found is None or user is None or token is None or not user.enable:
        raise unauthorised(WRONG)
    expired = token.expire and token.expire < site.clock.now()
    if expired or not hmac.compare_digest(found["secret"], token.value):
        raise unauthorised(WRONG)
    return Identity(user.userid, token.tokenid)


def _enabled(site: Site, userid: str) -> bool:
    user = site.cluster.users.get(userid)
    return user is not None and user.enable


def _cookie(header: str) -> str | None:
    try:
        cookie = SimpleCookie(header).get("PVEAuthCookie")
    except CookieError:
        return None
    return unquote(cookie.value) if cookie else None


def _csrf_fits(site: Site, userid: str, token: str) -> bool:
    stamp, _, given = token.partition(":")
    return hmac.compare_digest(given, signature(site, "csrf", userid, stamp))
