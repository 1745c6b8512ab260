"""What RTPs have to know: told once when it begins, shown until it ends."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import outbox
from accounts.models import Alarm


def raise_alarm(kind: str, key: str, sentence: str, **detail: Any) -> Alarm:
    """The open alarm of this kind and key. A new one is mailed to every RTP; an open one takes the newest sentence."""
    now = timezone.now()
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(kind=kind, key=key, sentence=sentence[:400], detail=detail, raised_at=now)
            outbox.tell_rtps(f"[VMPortal] {sentence}"[:150], sentence)
    except IntegrityError:
        Alarm.objects.filter(kind=kind, key=key, ended_at=None).update(sentence=sentence[:400], detail=detail)
        return Alarm.objects.filter(kind=kind, key=key).latest("pk")
    return alarm


def end_alarm(kind: str, key: str) -> bool:
    """Ends the open alarm of this kind and key; False when there was none."""
    return Alarm.objects.filter(kind=kind, key=key, ended_at=None).update(ended_at=timezone.now()) == 1


def open_alarms() -> QuerySet[Alarm]:
    """What RTPs have to know now, newest first."""
    return Alarm.objects.filter(ended_at=None)
