"""What every template may read."""

from django.conf import settings
from django.http import HttpRequest

from accounts.access import is_rtp
from accounts.departures import notice
from accounts.models import User


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name, the demo mark, whether this person is an RTP, and what somebody who left is told."""
    user = getattr(request, "user", None)
    return {
        "site_name": settings.SITE_NAME,
        "is_demo": settings.DEMO,
        "is_rtp": bool(user and is_rtp(user)),
        "departure": notice(user) if isinstance(user, User) else "",
    }
