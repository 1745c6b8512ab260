"""The limits of a shared pool, for the one that takes its place."""

from django.utils import timezone

from accounts.models import Pool
from quotas.models import Allowance, Policy


def take_over_limits(old: Pool, new: Pool) -> None:
    """`new` gets the policies of `old` and its allowances in force, inside the caller's transaction.

    They keep their reason, end and giver: the machines that move have to fit as they fitted before.
    """
    for policy in Policy.objects.filter(pools=old):
        policy.pools.add(new)
    for allowance in Allowance.objects.filter(pool=old).in_force(timezone.localdate()).order_by("pk"):
        Allowance.objects.create(
            pool=new, cores=allowance.cores, memory_mib=allowance.memory_mib, disk_gib=allowance.disk_gib,
            reason=allowance.reason, until=allowance.until, made_by=allowance.made_by,
        )  # fmt: skip
