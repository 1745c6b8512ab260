"""Policies, allowances, requests for more, and reservations."""

from datetime import date

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import DirectoryGroup, Pool, User
from quotas.footprint import Footprint
from quotas.states import RequestState, ReservationState


class Policy(models.Model):
    """What a pool may use at most. One row is the default; without it the settings QUOTA_DEFAULT_* hold.

    Written by RTPs in the admin. An empty number means no limit.
    """

    name = models.CharField(max_length=60, unique=True)
    is_default = models.BooleanField(default=False, help_text="The limit of every pool without one of its own.")
    groups = models.ManyToManyField(
        DirectoryGroup,
        blank=True,
        related_name="policies",
        help_text="Groups of the directory: for the personal pools of their members. Of several the best holds.",
    )
    pools = models.ManyToManyField(
        Pool, blank=True, related_name="policies", help_text="Shared pools that have this policy of their own."
    )
    counts_always = models.BooleanField(
        "CPU and memory always count",
        default=False,
        help_text="Otherwise they count while a machine runs, is paused, or starts with its node.",
    )
    cores = models.PositiveIntegerField(null=True, blank=True, help_text="Cores of machines that run.")
    memory_mib = models.PositiveIntegerField(
        "memory (MiB)", null=True, blank=True, help_text="Memory of machines that run."
    )
    disk_gib = models.PositiveIntegerField("disk (GiB)", null=True, blank=True, help_text="Disk of all machines.")
    vms = models.PositiveIntegerField("machines", null=True, blank=True, help_text="Number of machines.")
    vm_cores = models.PositiveIntegerField("cores of one machine", null=True, blank=True)
    vm_memory_mib = models.PositiveIntegerField("memory of one machine (MiB)", null=True, blank=True)
    vm_disk_gib = models.PositiveIntegerField("disk of one machine (GiB)", null=True, blank=True)
    snapshots_per_vm = models.PositiveIntegerField("snapshots of one machine", null=True, blank=True)
    disks_per_vm = models.PositiveIntegerField("disks of one machine", null=True, blank=True)
    lease_days = models.PositiveIntegerField(
        "lease (days)",
        null=True,
        blank=True,
        help_text="How long until it has to be renewed; empty: LEASE_DAYS.",
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_policy",
                violation_error_message="There is a default policy already. Change that one.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AllowanceQuerySet(QuerySet["Allowance"]):
    """Questions asked of many allowances."""

    def in_force(self, today: date) -> "AllowanceQuerySet":
        """Those that hold today."""
        return self.filter(Q(until=None) | Q(until__gte=today), ended_at=None)


class Allowance(models.Model):
    """A raised limit of one pool, for good or until a date. Where it names a number, that number is the limit.

    Written by quotas/allowances.py. One that ended is kept: it is the pool's history.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="allowances")
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mib = models.PositiveIntegerField("memory (MiB)", null=True, blank=True)
    disk_gib = models.PositiveIntegerField("disk (GiB)", null=True, blank=True)
    vms = models.PositiveIntegerField("machines", null=True, blank=True)
    reason = models.CharField(max_length=300)
    until = models.DateField(null=True, blank=True, help_text="The last day it holds; empty: for good.")
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When an RTP or a newer one ended it.")
    ended_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    warned_at = models.DateTimeField(null=True, blank=True, help_text="When its end was announced.")

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(cores__isnull=False) | Q(memory_mib__isnull=False) | Q(disk_gib__isnull=False)
                | Q(vms__isnull=False),
                name="allowance_names_a_number",
                violation_error_message="Name at least one number.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"allowance of {self.pool}"


class MoreRequest(models.Model):
    """Somebody asks for a higher limit of a pool. The numbers are the limits wished for, not the difference.

    Written by quotas/asking.py. Its address in a mail is a reference: it opens nothing without the right sign-in.
    """

    ref = models.CharField(max_length=22, unique=True)
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="requests")
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mib = models.PositiveIntegerField(null=True, blank=True)
    disk_gib = models.PositiveIntegerField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(
        max_length=9, choices=[(state.value, state.value) for state in RequestState], default=RequestState.OPEN
    )
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=300, blank=True, default="", help_text="What the RTP said.")
    allowance = models.OneToOneField(
        Allowance, on_delete=models.SET_NULL, null=True, blank=True, related_name="request"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["pool"], condition=Q(state=RequestState.OPEN), name="one_open_request_per_pool"
            ),
        ]

    def __str__(self) -> str:
        return f"request for {self.pool}"


class Reservation(models.Model):
    """Room held for an operation between its request and its end. Written by quotas/reservations.py only."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="reservations")
    cores = models.IntegerField(default=0)
    memory_mib = models.IntegerField(default=0)
    disk_gib = models.IntegerField(default=0)
    vms = models.IntegerField(default=0)
    state = models.CharField(
        max_length=8,
        choices=[(state.value, state.value) for state in ReservationState],
        default=ReservationState.HELD,
    )
    purpose = models.CharField(max_length=60, blank=True, default="")
    held_until = models.DateTimeField(help_text="Overdue after this; released when its operation is at rest.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["pool", "state"])]

    def __str__(self) -> str:
        return f"{self.purpose or 'reservation'} ({self.state})"

    @property
    def footprint(self) -> Footprint:
        """What is held."""
        return Footprint(cores=self.cores, memory_mib=self.memory_mib, disk_gib=self.disk_gib, vms=self.vms)
