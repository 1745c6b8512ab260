"""Dora, who left the house, and Lou, whom an RTP locked."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from accounts.models import Pool, PoolMembership, User
from accounts.roles import Role
from tests.cast import person, personal_pool

LEFT = datetime(2099, 11, 3, 9, 30, tzinfo=UTC)
UNTIL = datetime(2099, 11, 10, 9, 30, tzinfo=UTC)


def make_dora(shared: Pool, *, until: datetime | None = None) -> User:
    """Left on LEFT, managed a shared pool once; her machines run on until UNTIL."""
    dora = person("dora")
    PoolMembership.objects.create(pool=shared, user=dora, role=Role.MANAGER)
    personal_pool(dora)
    User.objects.filter(pk=dora.pk).update(departed_at=LEFT, run_on_until=until or UNTIL)
    dora.refresh_from_db()
    return dora


def make_lou(rita: User) -> User:
    """Locked by rita an hour ago."""
    lou = person("lou")
    personal_pool(lou)
    since = timezone.now() - timedelta(hours=1)
    User.objects.filter(pk=lou.pk).update(locked_at=since, locked_by=rita, lock_reason="Mining on the lab.")
    lou.refresh_from_db()
    return lou
