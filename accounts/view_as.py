"""View as member: an RTP looks at the portal with a member's eyes. Only looking, for PROOF_S at most, audited."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.access import is_rtp
from accounts.addresses import address_of
from accounts.models import User
from accounts.standing import may_be_signed_in

SESSION_KEY = "view_as"
P = ParamSpec("P")
R = TypeVar("R")

HIMSELF = "That is your own account."
AN_RTP = "Nobody looks with the eyes of another RTP."
OUT = "They cannot sign in now, so there is nothing they would see."


def readable_as_member(view: Callable[P, R]) -> Callable[P, R]:
    """Marks a page that may be opened while an RTP views as a member: it shows no key and opens no console."""
    view.readable_as_member = True  # type: ignore[attr-defined]
    return view


def why_not(viewer: User, member: User) -> str:
    """Why this RTP may not look with this person's eyes; empty when they may."""
    if viewer.pk == member.pk:
        return HIMSELF
    if member.is_rtp:
        return AN_RTP
    return "" if may_be_signed_in(member) else OUT


def begin(request: HttpRequest, viewer: User, member: User) -> None:
    """From the next request on this session shows what the member would see. The caller has settled `why_not`."""
    request.session[SESSION_KEY] = {"viewer": viewer.pk, "member": member.pk, "at": timezone.now().timestamp()}
    _record(viewer, "person.view_begin", member.pk, member.username, address_of(request))


def end(request: HttpRequest, viewer: User, why: str) -> User | None:
    """The session shows the RTP's own portal again; who was viewed."""
    entry = request.session.pop(SESSION_KEY, None)
    if not isinstance(entry, dict):
        return None
    member = _member(entry)
    name = member.username if member else ""
    _record(viewer, "person.view_end", entry.get("member"), name, address_of(request), why=why)
    return member


def viewed(request: HttpRequest, viewer: User) -> User | None:
    """The member this session looks as, everything read anew; ends the view where it does not hold any more."""
    entry = request.session.get(SESSION_KEY)
    if not isinstance(entry, dict):
        return None
    member = _member(entry)
    why = _over(entry, viewer, member)
    if why:
        end(request, viewer, why)
        return None
    return member


def _member(entry: dict[str, Any]) -> User | None:
    return User.objects.filter(pk=entry.get("member") or 0).first()


def _over(entry: dict[str, Any], viewer: User, member: User | None) -> str:
    age_s = timezone.now().timestamp() - float(entry.get("at", 0))
    if not 0 <= age_s <= settings.PROOF_S:
        return "time"
    if entry.get("viewer") != viewer.pk or not is_rtp(viewer):
        return "no RTP any more"
    return "person" if member is None or why_not(viewer, member) else ""


def _record(viewer: User, verb: str, member_id: object, name: str, address: str, **detail: Any) -> None:
    audit.record(
        actor=viewer,
        verb=verb,
        target_kind="user",
        target_id=member_id,
        target_name=name,
        address=address,
        **detail,
    )
