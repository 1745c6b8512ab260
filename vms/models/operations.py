"""Operations: everything somebody asked for, from the request to its end."""

import secrets
import uuid

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import Pool, User
from quotas.models import Reservation
from vms.models.virtual_machine import VirtualMachine
from vms.states import AT_REST, BLOCKING, IN_FLIGHT, OperationKind, OperationState

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_code() -> str:
    """A short code a person can read to an RTP, such as OP-7F3KQ2."""
    return "OP-" + "".join(secrets.choice(ALPHABET) for _ in range(6))


class OperationQuerySet(QuerySet["Operation"]):
    """Questions asked of many operations."""

    def in_flight(self) -> "OperationQuerySet":
        """Not at rest yet."""
        return self.filter(state__in=IN_FLIGHT)

    def blocking(self) -> "OperationQuerySet":
        """In flight, or waiting for an RTP: the machine's next operation waits."""
        return self.filter(state__in=BLOCKING)

    def visible_to(self, user: User) -> "OperationQuerySet":
        """Operations on machines the person may look at."""
        return self.filter(vm__in=VirtualMachine.objects.visible_to(user))


class Operation(models.Model):
    """One thing somebody asked for. The row is the truth; Celery only wakes a worker.

    Written in one transaction with its reservation and audit row. Every change of state is an update filtered by the
    old state (vms/operations/base.py). `intent` says what is about to be sent and is saved before the call; `upid`
    names the Proxmox task and is saved after it. `steps` is the list a page shows:
    [{"name", "label", "state": "waiting|running|done|failed|uncertain", "at": iso, "note": text}].
    """

    code = models.CharField(max_length=12, unique=True, default=new_code)
    marker = models.UUIDField(
        default=uuid.uuid4, unique=True, help_text="Search hint written into Proxmox; never proof."
    )
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in OperationKind])
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in OperationState], default=OperationState.QUEUED
    )
    vm = models.ForeignKey(VirtualMachine, on_delete=models.PROTECT, related_name="operations")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+")
    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, null=True, blank=True)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    address = models.CharField(max_length=45, blank=True, default="")
    idempotency_key = models.CharField(max_length=64)
    wish = models.JSONField(default=dict, help_text="What was asked for.")
    step = models.CharField(max_length=24, blank=True, default="", help_text="The step at work.")
    steps = models.JSONField(default=list)
    intent = models.JSONField(default=dict, blank=True, help_text="What is about to be sent, saved before the call.")
    intent_at = models.DateTimeField(null=True, blank=True)
    upid = models.CharField(max_length=255, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    uncertain_since = models.DateTimeField(null=True, blank=True)
    sentence = models.CharField(max_length=400, blank=True, default="", help_text="How it ended, for the person.")
    detail = models.TextField(blank=True, default="", help_text="Proxmox's own words, for RTPs.")
    task_log = models.TextField(blank=True, default="", help_text="The log of its Proxmox tasks, as a worker read it.")
    log_wanted_at = models.DateTimeField(null=True, blank=True)
    log_read_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "lease_until"]), models.Index(fields=["vm", "-id"])]
        constraints = [
            models.UniqueConstraint(fields=["actor", "idempotency_key"], name="one_operation_per_request"),
            models.UniqueConstraint(
                fields=["vm"],
                condition=Q(state__in=sorted(BLOCKING)),
                name="one_operation_in_flight_per_machine",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.kind} {self.vm}"

    @property
    def is_at_rest(self) -> bool:
        """True when nothing will move it by itself."""
        return self.state in AT_REST
