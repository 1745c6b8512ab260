"""Mail is a row first: with mail down nothing is lost, and nothing is sent twice."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.utils import timezone

from accounts import outbox
from accounts.alarms import end_alarm, open_alarms, raise_alarm
from accounts.models import OutgoingMail, User
from tests.cast import Cast
from tests.children import free_port

MINUTE = timedelta(minutes=1)


def test_a_mail_is_sent_once(cast: Cast) -> None:
    outbox.post(cast.alice, "Two\nlines", "Hello")
    now = timezone.now()

    assert (outbox.send_due(now), outbox.send_due(now + MINUTE)) == (1, 0)
    assert [(m.subject, m.to) for m in mail.outbox] == [("Two lines", [cast.alice.email])]


def test_with_mail_down_it_waits_and_goes_out_later(cast: Cast, settings: LazySettings) -> None:
    outbox.post(cast.alice, "Hello", "Hello")
    now, locmem = timezone.now(), settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert outbox.send_due(now) == 0

    settings.EMAIL_BACKEND = locmem

    assert outbox.send_due(now + MINUTE / 2) == 0  # not yet
    assert outbox.send_due(now + MINUTE) == 1
    assert OutgoingMail.objects.get().tries == 2


def test_nobody_without_an_address_gets_one(cast: Cast) -> None:
    User.objects.filter(pk=cast.alice.pk).update(email="")
    cast.alice.refresh_from_db()

    assert outbox.post(cast.alice, "Hello", "Hello") is None


@pytest.mark.parametrize("gone", ["departed_at", "locked_at"])
def test_alarms_reach_rtps_who_are_there_and_once(cast: Cast, gone: str) -> None:
    ron = User.objects.create_user("ron", "ron@example.org", is_rtp=True)
    User.objects.filter(pk=ron.pk).update(**{gone: timezone.now()})
    raise_alarm("directory", "", "The directory does not answer.")
    raise_alarm("directory", "", "The directory does not answer since 14:02.")

    assert [m.to for m in OutgoingMail.objects.all()] == [cast.rita.email]
    assert [alarm.sentence for alarm in open_alarms()] == ["The directory does not answer since 14:02."]


def test_an_alarm_that_ended_can_come_again(cast: Cast) -> None:
    for _ in range(2):
        raise_alarm("directory", "", "The directory does not answer.")
        assert end_alarm("directory", "")

    assert not end_alarm("directory", "")
    assert OutgoingMail.objects.count() == 2
