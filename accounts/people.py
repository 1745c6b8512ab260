"""Questions RTPs ask about people."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import AuditEvent, SsoSession, User

LAST_EVENTS = 20
#: How a pool's machines stand, in the words the app to the right of this one keeps them in.
PRESENT, RUNNING = ("creating", "ready", "deleting"), "running"


def everybody(words: str = "") -> QuerySet[User]:
    """People by name, with `machines` and `running` of their own pool; `words`: in name, full name or address."""
    present = Q(personal_pool__vms__lifecycle__in=PRESENT)
    people = User.objects.annotate(
        machines=Count("personal_pool__vms", filter=present),
        running=Count("personal_pool__vms", filter=present & Q(personal_pool__vms__power=RUNNING)),
    )
    if words:
        named = Q(first_name__icontains=words) | Q(last_name__icontains=words)
        people = people.filter(Q(username__icontains=words) | Q(email__icontains=words) | named)
    return people.order_by("username")


def live_sessions(person: User) -> int:
    """In how many browsers the person is signed in now."""
    keys = set(UserSession.objects.filter(user=person).values_list("session_key", flat=True))
    keys |= set(SsoSession.objects.filter(user=person).values_list("session_key", flat=True))
    return Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).count()


def last_events(person: User) -> QuerySet[AuditEvent]:
    """What the person did and what was done to them, newest first."""
    return AuditEvent.objects.filter(Q(actor=person) | Q(target_kind="user", target_id=str(person.pk)))[:LAST_EVENTS]
