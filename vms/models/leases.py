"""Leases: which warnings were given, and what holds deletions back."""

from django.db import models

from accounts.models import OutgoingMail, User
from vms.models.virtual_machine import VirtualMachine


class LeaseNotice(models.Model):
    """One stage of one machine's lease, recorded before it is told or done, so that it happens once.

    `stage` is the days left as text: "10" … "0", "-1" … "-6" for warnings, "stop-…" and "trash" for acts.
    `mail` is what told the owner; delivered when it was sent.
    """

    vm = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="lease_notices")
    ends_at = models.DateTimeField(help_text="The end of the lease it belongs to.")
    stage = models.CharField(max_length=16)
    told_id = models.PositiveBigIntegerField(default=0, help_text="Who was told; 0 for an act.")
    mail = models.ForeignKey(OutgoingMail, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["vm", "ends_at", "stage", "told_id"], name="one_lease_notice_per_stage")
        ]

    def __str__(self) -> str:
        return f"{self.stage} of {self.vm}"


class LeaseWatch(models.Model):
    """The one row about the leases as a whole: when the portal last looked, since when it is back, what is held."""

    looked_at = models.DateTimeField(null=True, blank=True)
    back_at = models.DateTimeField(null=True, blank=True, help_text="When it looked again after a long silence.")
    reported_at = models.DateTimeField(null=True, blank=True, help_text="When RTPs last had the daily report.")
    held_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is deleted before this.")
    held_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    held_reason = models.CharField(max_length=200, blank=True, default="")
    released_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then an RTP lets more go at once than the limit of one run."
    )
    released_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return "the leases"


class RenewalLink(models.Model):
    """What stands in a mail's address: it opens one page, for one person, behind the sign-in. Only its hash is kept."""

    ref_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    vms = models.ManyToManyField(VirtualMachine, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"renewal for {self.user}"
