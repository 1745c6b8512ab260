"""What every template may read."""

from django.conf import settings
from django.http import HttpRequest

from accounts import announcements
from accounts.access import is_rtp
from accounts.alarms import open_alarms
from accounts.departures import notice
from accounts.models import User
from accounts.preferences import DARK, LIGHT, theme_of


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name, the demo mark, whether this person is an RTP, and what somebody who left is told.

    `alarm_count` and `announcement` are asked for only where a page shows them: parts that poll do not.
    """
    user = getattr(request, "user", None)
    has_power = bool(user and is_rtp(user))
    return {
        "site_name": settings.SITE_NAME,
        "is_demo": settings.DEMO,
        "is_rtp": has_power,
        "alarm_count": open_alarms().count if has_power else 0,
        "theme": theme_for(request),
        "announcement": announcements.current if isinstance(user, User) else None,
        "departure": notice(user) if isinstance(user, User) else "",
    }


def theme_for(request: HttpRequest) -> str:
    """ "light" or "dark" where it was chosen, by the person or else in this browser; empty: as the device has it."""
    person = getattr(request, "viewer", None) or getattr(request, "user", None)
    chosen = theme_of(person) if isinstance(person, User) else ""
    chosen = chosen or request.COOKIES.get("theme", "")
    return chosen if chosen in {LIGHT, DARK} else ""
