"""/healthz: is this process able to answer, and how old is what it knows?"""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vms.selectors import last_complete_reading_at


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 with the mirror's age in seconds; 503 when the database is away or the mirror is over 120 s old."""
    try:
        connection.ensure_connection()
        read_at = last_complete_reading_at()
    except DatabaseError:
        return JsonResponse({"ok": False, "database": "does not answer"}, status=503)
    age_s = (timezone.now() - read_at).total_seconds() if read_at else None
    fresh = age_s is not None and age_s <= max(120, 8 * settings.MIRROR_PERIOD_S)
    return JsonResponse({"ok": fresh, "database": "answers", "mirror_age_s": age_s}, status=200 if fresh else 503)
