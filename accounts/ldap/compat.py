"""ldapdb 1.5.1 was written for Django 3: it wants `django.utils.timezone.utc`, as pytz made it."""

from datetime import UTC, datetime, timedelta, tzinfo

from django.utils import timezone


class _Utc(tzinfo):
    """UTC with the two methods that ldapdb calls."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    dst = utcoffset

    def tzname(self, moment: datetime | None) -> str:
        return "UTC"

    def localize(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC)

    def normalize(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC)


def put_back_utc() -> None:
    """Gives Django's module its old name back, where it is missing; before any import of ldapdb."""
    if not hasattr(timezone, "utc"):
        timezone.utc = _Utc()  # type: ignore[attr-defined]  # that it is missing is the point
