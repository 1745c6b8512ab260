"""Policies and reservations."""

from django.db import models
from django.db.models import Q

from accounts.models import Pool
from quotas.footprint import Footprint
from quotas.states import ReservationState


class Policy(models.Model):
    """What a pool may use at most. One row is the default; without it the settings QUOTA_DEFAULT_* hold.

    Written by RTPs in the admin. An empty number means no limit.
    """

    name = models.CharField(max_length=60, unique=True)
    is_default = models.BooleanField(default=True, help_text="The limit of every pool without one of its own.")
    cores = models.PositiveIntegerField(null=True, blank=True, help_text="Cores of machines that run.")
    memory_mib = models.PositiveIntegerField(
        "memory (MiB)", null=True, blank=True, help_text="Memory of machines that run."
    )
    disk_gib = models.PositiveIntegerField("disk (GiB)", null=True, blank=True, help_text="Disk of all machines.")
    vms = models.PositiveIntegerField("machines", null=True, blank=True, help_text="Number of machines.")
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
