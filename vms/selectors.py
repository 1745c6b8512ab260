"""Read-only page data."""

from datetime import datetime

from vms.models import MirrorRun


def last_complete_reading_at() -> datetime | None:
    """When the newest reading that Proxmox answered was finished; None before the first."""
    return (
        MirrorRun.objects.filter(answered=True, finished_at__isnull=False).values_list("finished_at", flat=True).first()
    )
