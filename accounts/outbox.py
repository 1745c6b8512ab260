"""Mail: a row first, sent by a task, tried again until it is sent. With mail down nothing is lost.

A mail never holds a secret: its links are references that do nothing without a sign-in and a POST.
"""

import logging
from datetime import datetime, timedelta

from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.utils import timezone

from accounts.models import OutgoingMail, User

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60, 3600
AT_ONCE = 50


def post(to: User | str, subject: str, text: str, *, html: str = "") -> OutgoingMail | None:
    """A mail to be sent, inside the caller's transaction; None for a person without an address.

    `html`: the same again, for programs that show it.
    """
    address = to if isinstance(to, str) else to.email
    if not address:
        return None
    now = timezone.now()
    one_line = " ".join(subject.split())[:150]
    return OutgoingMail.objects.create(to=address, subject=one_line, text=text, html=html, made_at=now, next_try_at=now)


def tell_rtps(subject: str, text: str) -> int:
    """The same mail to every RTP who has an address; to how many."""
    rtps = [user for user in User.objects.filter(is_rtp=True, is_active=True) if user.has_rtp_power]
    return sum(post(user, subject, text) is not None for user in rtps)


def send_due(now: datetime) -> int:
    """Sends what is due; how many went out. One that fails is tried again after 1, 2, 4 … minutes, an hour at most.

    A mail is claimed by moving its next try, so that two senders do not send it twice.
    """
    due = OutgoingMail.objects.filter(sent_at=None, next_try_at__lte=now).order_by("next_try_at")
    return sum(_send(mail, now) for mail in due[:AT_ONCE])


def _send(mail: OutgoingMail, now: datetime) -> bool:
    pause_s = min(FIRST_PAUSE_S * 2**mail.tries, LONGEST_PAUSE_S)
    mine = OutgoingMail.objects.filter(pk=mail.pk, sent_at=None, tries=mail.tries)
    if mine.update(tries=F("tries") + 1, next_try_at=now + timedelta(seconds=pause_s)) != 1:
        return False
    try:
        _message(mail).send()
    except Exception as error:  # whatever the backend's library raises: the mail stays and is tried again
        log.warning("mail %s was not sent (%s), next try in %s s", mail.pk, type(error).__name__, pause_s)
        OutgoingMail.objects.filter(pk=mail.pk).update(error=type(error).__name__[:100])
        return False
    OutgoingMail.objects.filter(pk=mail.pk).update(sent_at=timezone.now(), error="")
    return True


def _message(mail: OutgoingMail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to])
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message
