"""An RTP locks a person out, with a reason the person is shown, whatever the directory says; and undoes it."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import WithSentence
from accounts.models import User
from accounts.signals import user_locked
from accounts.standing import end_sessions

LONGEST_REASON = User._meta.get_field("lock_reason").max_length or 200


class LockRefused(WithSentence):
    """Nothing was changed; `sentence` says why."""


def lock_person(person_id: int, *, by: User, reason: str, address: str) -> User:
    """Locks the person: every session and console of theirs ends, no sign-in, no start of their machines.

    The caller has settled that `by` is an RTP with a fresh proof. Raises LockRefused (also for somebody who is not).
    """
    reason = " ".join(reason.split())
    if not reason:
        raise LockRefused("Say why: the reason is shown to the person.")
    if len(reason) > LONGEST_REASON:
        raise LockRefused(f"Say it in {LONGEST_REASON} characters.")
    if person_id == by.pk:
        raise LockRefused("You cannot lock your own account.")
    with transaction.atomic():
        person = _person(person_id)
        if person.locked_at is not None:
            raise LockRefused(f"{person} is locked already: {person.lock_reason}")
        person.locked_at, person.locked_by, person.lock_reason = timezone.now(), by, reason
        person.save(update_fields=["locked_at", "locked_by", "lock_reason"])
        end_sessions(person)
        _record("person.lock", person, by, address, reason=reason)
        transaction.on_commit(lambda: user_locked.send(sender=User, user_id=person.pk))
    return person


def unlock_person(person_id: int, *, by: User, address: str) -> User:
    """Undoes the lock; the person signs in again by themselves. Raises LockRefused."""
    with transaction.atomic():
        person = _person(person_id)
        if person.locked_at is None:
            raise LockRefused(f"{person} is not locked.")
        person.locked_at, person.locked_by, person.lock_reason = None, None, ""
        person.save(update_fields=["locked_at", "locked_by", "lock_reason"])
        _record("person.unlock", person, by, address)
    return person


def sign_out_everywhere(person_id: int, *, by: User, address: str) -> User:
    """Ends every session and console of the person, who may sign in again."""
    with transaction.atomic():
        person = _person(person_id)
        end_sessions(person)
        _record("person.sign_out", person, by, address)
    return person


def _person(person_id: int) -> User:
    person = User.objects.select_for_update(no_key=True).filter(pk=person_id).first()
    if person is None:
        raise LockRefused("There is no such person.")
    return person


def _record(verb: str, person: User, by: User, address: str, **detail: Any) -> None:
    audit.record(
        actor=by,
        verb=verb,
        target_kind="user",
        target_id=person.pk,
        target_name=person.username,
        address=address,
        **detail,
    )
