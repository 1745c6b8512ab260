"""What every template may read."""

from django.conf import settings
from django.http import HttpRequest

from accounts.access import is_rtp


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name, the demo mark, and whether this person is an RTP."""
    user = getattr(request, "user", None)
    return {"site_name": settings.SITE_NAME, "is_demo": settings.DEMO, "is_rtp": bool(user and is_rtp(user))}
