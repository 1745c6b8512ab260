"""What happens around local accounts: sign-ins, new passwords, factors, break-glass and its alarms."""

import logging
import uuid
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import attempts, audit, links, outbox
from accounts.addresses import address_of
from accounts.alarms import raise_alarm
from accounts.factors import has_factor
from accounts.models import Alarm, OneTimeLink, SsoSession, User
from accounts.roles import AccountKind
from accounts.signals import sessions_ended
from accounts.standing import end_sessions, may_be_signed_in

log = logging.getLogger(__name__)
BREAK_GLASS_ALARM = "break_glass"
RESET_S = 900
CODE_SENT = (
    "Somebody, perhaps you, wants to set a new password for {name} on {site}.\n\n"
    "The code is {code}\n\nType it within {minutes} minutes on\n{url}\n\n"
    "If it was not you, there is nothing to do: without the code nothing happens."
)


class LinkSpent(Exception):
    """The one-time link was used meanwhile, or must not be used any more."""


def is_local(user: User) -> bool:
    """True for a person who signs in with a password kept here."""
    return user.kind == AccountKind.LOCAL


def local_account(name: str) -> User | None:
    """The local account of this name, typed in any case. Somebody of the house with a like name is no obstacle."""
    found = list(User.objects.filter(username__iexact=name, kind=AccountKind.LOCAL)[:2])
    exact = [user for user in found if user.username == name]
    return exact[0] if exact else found[0] if len(found) == 1 else None


def must_add_factor(user: User) -> bool:
    """True for an RTP with a local account and nothing but a password. In the demo nobody has to."""
    return is_local(user) and user.is_rtp and not settings.DEMO and not has_factor(user)


def may_remove(authenticator: Authenticator) -> bool:
    """False for the last app or passkey of somebody who must have one."""
    user = authenticator.user
    assert isinstance(user, User)  # noqa: S101 (AUTH_USER_MODEL)
    if settings.DEMO or not (is_local(user) and user.is_rtp):
        return True
    others = Authenticator.objects.filter(user=user).exclude(pk=authenticator.pk)
    return bool(others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists())


def signed_in(user: User, *, address: str) -> None:
    """A local person came in; a break-glass account raises an alarm each time."""
    with transaction.atomic():
        audit.record(actor=user, verb="signin", target_kind="user", target_id=user.pk, address=address)
        if user.is_break_glass:
            at, where = f"{timezone.localtime():%d.%m.%Y %H:%M %Z}", address or "an unknown address"
            sentence = f"The break-glass account {user.username} signed in at {at} from {where}."
            raise_alarm(BREAK_GLASS_ALARM, uuid.uuid4().hex, sentence, user=user.username, address=address)


def sign_in_failed(name: str, *, address: str, what: str) -> None:
    """A wrong password or code. Only names of people are kept: what else was typed may be a password."""
    user = local_account(name) or User.objects.filter(username__iexact=name).first()
    if user is not None:
        audit.record(
            actor=None, by_name="somebody", verb="signin.failed", target_kind="user", target_id=user.pk,
            target_name=user.username, address=address, what=what,
        )  # fmt: skip


def acknowledge(alarm: Alarm, by: User) -> bool:
    """An RTP has seen it: it is shown no more. False where it was over already."""
    with transaction.atomic():
        if Alarm.objects.filter(pk=alarm.pk, ended_at=None).update(ended_at=timezone.now()) != 1:
            return False
        audit.record(
            actor=by, verb="alarm.seen", target_kind="alarm", target_id=alarm.pk, target_name=alarm.sentence[:120]
        )
    return True


def keep_only_this(request: HttpRequest, user: User) -> None:
    """Ends every session of the person but this request's. Runs inside the caller's transaction.

    The kept session gets the new proof in the same transaction: a page that polls meanwhile is not thrown out.
    """
    end_sessions(user, keep=request.session.session_key or "")
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.session.save()


def end_others(request: HttpRequest, user: User) -> None:
    """The person signs out everywhere else."""
    with transaction.atomic():
        keep_only_this(request, user)
        audit.record(actor=user, verb="sessions.ended", target_kind="user", target_id=user.pk,
                     address=address_of(request))  # fmt: skip


def end_one(user: User, session: UserSession, *, address: str) -> None:
    """The person signs out one of their browsers."""
    key, user_id = session.session_key, user.pk
    with transaction.atomic():
        Session.objects.filter(session_key=key).delete()
        SsoSession.objects.filter(session_key=key).delete()
        session.delete()
        audit.record(actor=user, verb="session.ended", target_kind="user", target_id=user_id, address=address)
        transaction.on_commit(lambda: sessions_ended.send(sender=User, user_id=user_id))


def password_changed(request: HttpRequest, user: User) -> None:
    """A local person chose a new password while signed in."""
    address = address_of(request)
    with transaction.atomic():
        keep_only_this(request, user)
        audit.record(actor=user, verb="password.changed", target_kind="user", target_id=user.pk, address=address)
        _tell(user, "Your password was changed", "Your password was changed.")


def factor_changed(request: HttpRequest, user: User, kind: str, what: str) -> None:
    """A factor was added or removed, or recovery codes were made anew: `what` is added, removed or renewed."""
    address = address_of(request)
    name = FACTOR_NAMES.get(kind, kind)
    with transaction.atomic():
        keep_only_this(request, user)
        audit.record(actor=user, verb=f"factor.{what}", target_kind="user", target_id=user.pk, target_name=name,
                     address=address)  # fmt: skip
        _tell(user, f"Second factor {what}", f"{name}: {what}.")


FACTOR_NAMES = {"totp": "Authenticator app", "webauthn": "Passkey", "recovery_codes": "Recovery codes"}


def set_password(link: OneTimeLink, password: str, *, address: str, now: datetime) -> None:
    """The new password of the link's person; every session ends, and nobody is signed in.

    Raises LinkSpent where the link was used meanwhile, or its person may not sign in with a password.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=link.user_id)
        if not may_have_password(user) or not links.spend_link(link, now):
            raise LinkSpent
        user.set_password(password)
        user.save(update_fields=["password"])
        end_sessions(user)
        verb = "password.reset" if link.purpose == links.RESET else "password.set"
        audit.record(actor=user, verb=verb, target_kind="user", target_id=user.pk, target_name=user.username,
                     address=address)  # fmt: skip
        _tell(user, "Your password was changed", "A new password was set for your account.")


def may_have_password(user: User) -> bool:
    """True for a local account that is active and not locked. A house account never has a password here."""
    return is_local(user) and may_be_signed_in(user)


def can_mail() -> bool:
    """False where mail is only printed: a code would stand in the worker's log."""
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")


def ask_for_reset(name: str, *, now: datetime) -> str:
    """The ref of the page where a code is typed; alike whether or not somebody of that name gets a code."""
    user = local_account(name)
    if user is None or not user.email or not may_have_password(user) or not can_mail():
        return links.new_ref()
    with transaction.atomic():
        link = links.make_link(links.RESET, user, code="", for_s=RESET_S, now=now, made_by_name=user.username)
    return link.ref


def send_reset_codes(now: datetime) -> int:
    """Mails a code for each request that waits for one; how many. The code is made here and kept nowhere."""
    waiting = OneTimeLink.objects.filter(purpose=links.RESET, code_hash="", used_at=None, expires_at__gt=now)
    return sum(_send_code(link) for link in waiting.select_related("user")[: outbox.AT_ONCE])


def _send_code(link: OneTimeLink) -> bool:
    code, row = links.new_code(), OneTimeLink.objects.filter(pk=link.pk)
    if row.filter(code_hash="").update(code_hash=links.hash_of(link.ref, code)) != 1:
        return False
    text = CODE_SENT.format(
        name=link.user.username, site=settings.SITE_NAME, code=code, minutes=RESET_S // 60,
        url=settings.SITE_URL + reverse("account_reset_password_code", args=[link.ref]),
    )  # fmt: skip
    try:
        EmailMessage(f"[{settings.SITE_NAME}] Your code", text, to=[link.user.email]).send()
    except Exception as error:  # whatever the backend's library raises: another code goes out with the next look
        log.warning("a code was not sent (%s), next try with the next look", type(error).__name__)
        row.update(code_hash="")
        return False
    return True


def forget_tries(user: User) -> None:
    """The administrator lets a name in again that strangers tried too often."""
    attempts.BY_NAME.clear(user.username.casefold())
    attempts.code_was_right(user.pk)


def _tell(user: User, subject: str, text: str) -> None:
    seen = f"{timezone.localtime():%d.%m.%Y %H:%M %Z}"
    after = "Other browsers were signed out. If it was not you, tell an RTP at once."
    outbox.post(user, f"[{settings.SITE_NAME}] {subject}", f"{text} ({user.username}, {seen})\n\n{after}")
