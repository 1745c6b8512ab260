"""Where a request came from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = ""


def address_of(request: HttpRequest) -> str:
    """The client's address for the audit trail.

    Behind N trusted proxies it is the N-th entry of X-Forwarded-For from the right: what stands left of it was
    written by the client. Without proxies the header is not read at all.
    """
    if not settings.TRUSTED_PROXIES:
        return _clean(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if len(hops) < settings.TRUSTED_PROXIES:
        return _clean(request.META.get("REMOTE_ADDR", ""))
    return _clean(hops[-settings.TRUSTED_PROXIES])


def is_address(host: str) -> bool:
    """True for a Host header that is an address and no name."""
    bare = host.rsplit(":", 1)[0] if host.count(":") == 1 else host.partition("]")[0].lstrip("[")
    return _clean(bare) != UNKNOWN


def _clean(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return UNKNOWN
