"""Grants to open a console once, and who looked at which screen when."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from consoles.close_codes import ENDS
from consoles.modes import Mode
from vms.models import VirtualMachine

MODES = [(mode.value, mode.value) for mode in Mode]


class ConsoleShare(models.Model):
    """One console shared with one other person for a while. Only the hash of what stands in its address is kept.

    Written by consoles/shares.py only. A reference, not a right: it binds to its guest by a POST of the guest's own
    session, and what it gives is what its maker may do at the moment of use, never more.
    """

    ref_hash = models.CharField(max_length=64, unique=True)
    maker = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    vm = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="+")
    machine_uuid = models.UUIDField(help_text="The machine itself; its vmid is only a slot.")
    guest = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Named by the maker, or the first who opens it.",
    )  # fmt: skip
    may_control = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    taken_at = models.DateTimeField(null=True, blank=True, help_text="When its guest first took it.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    form_key = models.CharField(max_length=32, blank=True, default="", help_text="A form sent twice makes one.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["maker", "form_key"], condition=~Q(form_key=""), name="share_form_once"),
        ]

    def __str__(self) -> str:
        return f"share {self.pk} of {self.vm}"


class ConsoleGrant(models.Model):
    """Permission to open one console once within seconds, given to one session of one person for one machine.

    Only the hash of its token is stored. Written by consoles/grants.py: ISSUED > SPENT by a conditional update; expiry
    is a time, not a write. Old rows are pruned.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    session_hash = models.CharField(max_length=64, help_text="The session's key is a secret too.")
    vm = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="+")
    machine_uuid = models.UUIDField(help_text="The machine itself; its vmid is only a slot.")
    role = models.CharField(max_length=8, help_text="Role in the pool when it was issued; a right is read again.")
    share = models.ForeignKey(ConsoleShare, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    is_watch = models.BooleanField(default=False, help_text="An RTP watches: to look at only, and others are told.")
    address = models.CharField(max_length=45, blank=True, default="")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"grant {self.pk}"


class ConsoleVisit(models.Model):
    """One console from the accepted socket to its end. Holds who, when and how much, never what was typed.

    Written by consoles/visits.py only. A row left open by a crash is closed by a periodic task when `seen_at` is old.
    """

    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    user_name = models.CharField(max_length=150)
    vm = models.ForeignKey(VirtualMachine, on_delete=models.PROTECT, related_name="visits")
    machine_uuid = models.UUIDField()
    address = models.CharField(max_length=45, blank=True, default="")
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When the process that carries it last said so.")
    node = models.CharField(max_length=64, blank=True, default="", help_text="Where the machine was.")
    mode = models.CharField(max_length=8, choices=MODES, default=Mode.CONTROL.value)
    share = models.ForeignKey(ConsoleShare, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    end_asked_at = models.DateTimeField(null=True, blank=True, help_text="When somebody asked for its end.")
    end_asked = models.CharField(max_length=16, blank=True, default="", help_text="Which end was asked for.")
    end_asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True, default="", help_text="What its person reads.")
    closed_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(
        max_length=16, blank=True, default="", choices=[(end.word, end.word) for end in ENDS] + [("lost", "lost")]
    )
    bytes_to_browser = models.PositiveBigIntegerField(default=0)
    bytes_from_browser = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["seen_at"], condition=Q(closed_at=None), name="visit_open"),
            models.Index(fields=["-closed_at"], condition=Q(closed_at__isnull=False), name="visit_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} at {self.vm}"


class NodeSeats(models.Model):
    """The lock of a node's limit, for nodes the mirror knows and for those it does not.

    A row of our own: a node may have none in the mirror, which locks its rows while it writes. Written by
    consoles/seats.py only, at the first console of a node, and never removed: a cluster has few.
    """

    node = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return self.node
