"""Counts what a pool's machines use."""

from django.db.models import Case, Count, F, IntegerField, Q, Sum, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest

from quotas.footprint import Footprint, Usage
from vms.models import VirtualMachine
from vms.states import Power

#: CPU and memory count while running or paused, while start at boot is set, and while nobody ever saw that it is off.
#: A node that went silent changes nothing: the last known power counts.
AWAKE = Q(last_known_power__in=[Power.RUNNING, Power.PAUSED, Power.UNKNOWN]) | Q(start_at_boot=True)


def count_usage(pool_id: int) -> Usage:
    """The pool's use from its machine rows: disk always; CPU and memory of all, and of those that are AWAKE.

    Of current and pending the larger counts. A machine that was not seen keeps counting with what was last known.
    """
    cores = Greatest(F("cores"), Coalesce(F("pending_cores"), F("cores")))
    memory_mib = Greatest(F("memory_mib"), Coalesce(F("pending_memory_mib"), F("memory_mib")))
    sums = (
        VirtualMachine.objects.filter(pool_id=pool_id)
        .counted()
        .aggregate(
            running_cores=_while_awake(cores),
            running_memory_mib=_while_awake(memory_mib),
            all_cores=Sum(cores, default=0),
            all_memory_mib=Sum(memory_mib, default=0),
            disk_gib=Sum("disk_gib", default=0),
            vms=Count("pk"),
        )
    )
    disk_gib, vms = sums["disk_gib"], sums["vms"]
    return Usage(
        running=Footprint(sums["running_cores"], sums["running_memory_mib"], disk_gib, vms),
        always=Footprint(sums["all_cores"], sums["all_memory_mib"], disk_gib, vms),
    )


def _while_awake(amount: Combinable) -> Sum:
    return Sum(Case(When(AWAKE, then=amount), default=0, output_field=IntegerField()), default=0)
