"""Asks for more and decides about it. Each request is decided once: the database says by whom."""

import secrets
from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, outbox
from accounts.access import is_rtp, pools_managed_by, role_in
from accounts.models import Pool, User
from quotas import allowances
from quotas.allowances import Numbers, numbers_of
from quotas.errors import Refused
from quotas.models import MoreRequest
from quotas.states import RequestState

ONE_OPEN = "There is a request for this pool already. Wait for its answer, or withdraw it."
DECIDED = "This request was answered already. Nothing was changed."


def may_ask(user: User, pool: Pool) -> bool:
    """The owner of a personal pool and the managers of a shared one."""
    return pools_managed_by(user).filter(pk=pool.pk).exists()


def may_see(user: User, request: MoreRequest) -> bool:
    """RTPs, who asked, and whoever has a role in the pool."""
    return is_rtp(user) or request.asked_by_id == user.pk or role_in(request.pool, user) is not None


def ask(pool: Pool, numbers: Numbers, *, reason: str, until: date | None, by: User, address: str = "") -> MoreRequest:
    """A request, its audit row and the RTPs' mail. Raises PermissionDenied or Refused; nothing was written then."""
    if not may_ask(by, pool):
        raise PermissionDenied("Only its managers ask for more for a pool.")
    try:
        with transaction.atomic():
            made = MoreRequest.objects.create(
                ref=secrets.token_urlsafe(16), pool=pool, asked_by=by, reason=reason[:300], until=until,
                cores=numbers.cores, memory_mib=numbers.memory_mib, disk_gib=numbers.disk_gib,
            )  # fmt: skip
            _record(made, "request.asked", by, address)
            outbox.tell_rtps(f"{by} asks for more for {pool}", _mail(made))
    except IntegrityError as error:
        raise Refused(ONE_OPEN) from error
    return made


def approve(
    request: MoreRequest, numbers: Numbers, *, until: date | None, answer: str, by: User, address: str = ""
) -> MoreRequest:
    """Gives an allowance with these numbers: all that was asked for, or a part. Raises Refused when it was decided."""
    is_all = numbers == numbers_of(request) and until == request.until
    to = RequestState.APPROVED if is_all else RequestState.PARTLY
    with transaction.atomic():
        _decide(request, to, by, answer)
        given = allowances.give(
            request.pool, numbers, reason=f"Asked for by {request.asked_by}: {request.reason}", until=until, by=by,
            address=address,
        )  # fmt: skip
        MoreRequest.objects.filter(pk=request.pk).update(allowance=given)
        _end(request, by, address, f"Your request for {request.pool} was granted: {numbers.words}.", answer)
    return request


def decline(request: MoreRequest, *, answer: str, by: User, address: str = "") -> MoreRequest:
    """Says no, with a reason. Raises Refused when it was decided."""
    with transaction.atomic():
        _decide(request, RequestState.DECLINED, by, answer)
        _end(request, by, address, f"Your request for {request.pool} was declined.", answer)
    return request


def withdraw(request: MoreRequest, *, by: User, address: str = "") -> MoreRequest:
    """Takes it back. Raises Refused when it was decided, PermissionDenied for whoever may not ask for that pool."""
    if not may_ask(by, request.pool):
        raise PermissionDenied("Only the pool's managers withdraw a request.")
    with transaction.atomic():
        _decide(request, RequestState.WITHDRAWN, by, "")
        _record(request, "request.withdrawn", by, address)
    return request


def _decide(request: MoreRequest, to: RequestState, by: User, answer: str) -> None:
    """The move, by an update filtered by the old state: of two answers one counts."""
    now = timezone.now()
    changed: dict[str, Any] = {"state": to, "decided_by": by, "decided_at": now, "answer": answer[:300]}
    if MoreRequest.objects.filter(pk=request.pk, state=RequestState.OPEN).update(**changed) != 1:
        raise Refused(DECIDED)
    for name, value in changed.items():
        setattr(request, name, value)


def _end(request: MoreRequest, by: User, address: str, sentence: str, answer: str) -> None:
    _record(request, f"request.{request.state}", by, address)
    text = sentence + (f"\n\n{by} wrote: {answer}" if answer else "") + f"\n\n{_address_of(request)}"
    outbox.post(request.asked_by, sentence, text)


def _mail(request: MoreRequest) -> str:
    until = f" until {request.until:%-d %B %Y}" if request.until else ""
    return (
        f"{request.asked_by} asks for {numbers_of(request).words}{until} for the pool {request.pool}.\n\n"
        f"{request.reason}\n\nDecide here, after signing in: {_address_of(request)}"
    )


def _address_of(request: MoreRequest) -> str:
    return f"{settings.SITE_URL}/quotas/requests/{request.ref}/"


def _record(request: MoreRequest, verb: str, by: User, address: str) -> None:
    audit.record(
        actor=by, verb=verb, pool=request.pool, target_kind="request", target_id=request.pk,
        target_name=request.pool.name, address=address, numbers=numbers_of(request).words, reason=request.reason,
        answer=request.answer,
    )  # fmt: skip
