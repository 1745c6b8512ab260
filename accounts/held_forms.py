"""Forms that wait for a fresh proof, in the session of who sent them.

At most three, small, for a quarter of an hour. Passwords, codes, keys that look private and files are never kept.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.keys import looks_private

SESSION_KEY = "held_forms"
MOST, LARGEST_BYTES, KEPT_S = 3, 64 * 1024, 900
SHORTEST_KEY = 100  # characters; a private key takes more
_SECRET = re.compile(r"pass(word|phrase|wd)|secret|token|private|\bcode\b|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HeldForm:
    """`fields` is None where nothing could be kept, or there was no form: `path` is then a page to go back to."""

    ref: str
    path: str
    what: str
    fields: list[tuple[str, str]] | None
    was_too_large: bool = False


def hold(request: HttpRequest, what: str) -> str:
    """Keeps the form of this request; its reference. One that is too large, or holds a secret, leaves only the way."""
    fields = _fields(request)
    size = sum(len(name.encode()) + len(value.encode()) for name, value in fields)
    if request.FILES or size > LARGEST_BYTES or any(_is_secret(name, value) for name, value in fields):
        return _keep(request, _page_before(request), what, None, was_too_large=True)
    return _keep(request, request.get_full_path(), what, fields)


def hold_page(request: HttpRequest, path: str, what: str) -> str:
    """Keeps where to go on after the proof; its reference."""
    return _keep(request, path, what, None)


def held(request: HttpRequest, ref: str) -> HeldForm | None:
    """What waits under this reference in this session; None when it is over."""
    entry = _entries(request).get(ref) if ref else None
    if entry is None:
        return None
    fields = None if entry["fields"] is None else [(name, value) for name, value in entry["fields"]]
    return HeldForm(ref, entry["path"], entry["what"], fields, entry["was_too_large"])


def drop_sent(request: HttpRequest) -> None:
    """The form that was kept for this address was sent again: it is not kept any longer."""
    entries = _entries(request)
    left = {ref: entry for ref, entry in entries.items() if entry["path"] != request.get_full_path()}
    if len(left) != len(entries):
        request.session[SESSION_KEY] = left


def drop(request: HttpRequest, ref: str) -> None:
    """Forgets one."""
    entries = _entries(request)
    if entries.pop(ref, None) is not None:
        request.session[SESSION_KEY] = entries


def _keep(
    request: HttpRequest, path: str, what: str, fields: list[tuple[str, str]] | None, *, was_too_large: bool = False
) -> str:
    """A page asked for again and again (a console's) takes one place."""
    ref = secrets.token_urlsafe(9)
    entry = {
        "path": path,
        "what": what[:200],
        "fields": fields,
        "was_too_large": was_too_large,
        "at": timezone.now().timestamp(),
    }
    others = [(old, kept) for old, kept in _entries(request).items() if (kept["path"], fields) != (path, None)]
    request.session[SESSION_KEY] = {**dict(others[-(MOST - 1) :]), ref: entry}
    return ref


def _entries(request: HttpRequest) -> dict[str, dict[str, Any]]:
    """What still counts, oldest first."""
    kept = request.session.get(SESSION_KEY)
    if not isinstance(kept, dict):
        return {}
    oldest_s = timezone.now().timestamp() - KEPT_S
    return {ref: entry for ref, entry in kept.items() if float(entry["at"]) >= oldest_s}


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    lists = request.POST.lists()
    return [(name, str(value)) for name, values in lists if name != "csrfmiddlewaretoken" for value in values]


def _is_secret(name: str, value: str) -> bool:
    return _SECRET.search(name) is not None or (len(value) >= SHORTEST_KEY and looks_private(value))


def _page_before(request: HttpRequest) -> str:
    """The page whose form it was, if it is one of ours."""
    before = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure())
    return urlsplit(before)._replace(scheme="", netloc="", fragment="").geturl() if before and is_ours else "/"
