"""The limit of a pool."""

from django.conf import settings

from accounts.models import Pool
from quotas.errors import UNLIMITED
from quotas.footprint import Footprint
from quotas.models import Policy


def default_limit() -> Footprint:
    """The default policy's numbers, or the settings' where RTPs wrote none."""
    policy = Policy.objects.filter(is_default=True).first()
    if policy is None:
        return Footprint(
            cores=settings.QUOTA_DEFAULT_CORES,
            memory_mib=settings.QUOTA_DEFAULT_MEMORY_MIB,
            disk_gib=settings.QUOTA_DEFAULT_DISK_GIB,
            vms=UNLIMITED,
        )
    return Footprint(
        cores=_or_unlimited(policy.cores),
        memory_mib=_or_unlimited(policy.memory_mib),
        disk_gib=_or_unlimited(policy.disk_gib),
        vms=_or_unlimited(policy.vms),
    )


def effective_limit(pool: Pool) -> Footprint:
    """What the pool may use at most. An RTP's own pool is unlimited (and still counted)."""
    if pool.owner is not None and pool.owner.has_rtp_power:
        return Footprint(cores=UNLIMITED, memory_mib=UNLIMITED, disk_gib=UNLIMITED, vms=UNLIMITED)
    return default_limit()


def _or_unlimited(number: int | None) -> int:
    return UNLIMITED if number is None else number
