"""The audit trail, what RTPs have to know, and mail on its way."""

from django.db import models
from django.db.models import Q

from accounts.models.people import User
from accounts.models.pools import Pool


class AuditEvent(models.Model):
    """One row for each privileged effect, written in the transaction of the intent; never changed, never deleted."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    actor_name = models.CharField(
        max_length=150, help_text="The name at the time; 'portal' or 'Proxmox' without a person."
    )
    address = models.CharField(max_length=45, blank=True, default="", help_text="Where the request came from.")
    verb = models.CharField(max_length=40)
    pool = models.ForeignKey(Pool, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    target_kind = models.CharField(max_length=20, blank=True, default="")
    target_id = models.CharField(max_length=40, blank=True, default="")
    target_name = models.CharField(max_length=120, blank=True, default="")
    machine_uuid = models.CharField(max_length=36, blank=True, default="", db_index=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.target_name}"


class AuditSeal(models.Model):
    """A keyed seal over a batch of audit rows, chained to the seal before. Written by accounts/seals.py; never changed.

    `rows` maps each row's id to its own short code, so that a check can name the row that is not as it was.
    """

    first_id = models.BigIntegerField(unique=True)
    last_id = models.BigIntegerField(unique=True)
    rows = models.JSONField()
    code = models.CharField(max_length=64, help_text="HMAC-SHA-256 over the seal before and the rows.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_id"]

    def __str__(self) -> str:
        return f"{self.last_id}:{self.code}"


class Alarm(models.Model):
    """Something RTPs have to know, told once by mail when it begins and shown until it ends."""

    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=64, blank=True, default="")
    sentence = models.CharField(max_length=400)
    detail = models.JSONField(default=dict, blank=True)
    raised_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], condition=Q(ended_at=None), name="one_open_alarm"),
        ]

    def __str__(self) -> str:
        return self.sentence


class OutgoingMail(models.Model):
    """A mail to be sent, tried again until it is. It never holds a secret."""

    to = models.EmailField()
    subject = models.CharField(max_length=150)
    text = models.TextField()
    html = models.TextField(blank=True, default="", help_text="The same in HTML; empty: text alone.")
    made_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(sent_at=None), name="mail_to_send")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"


class Announcement(models.Model):
    """What RTPs tell everybody on every page, until they end it. One at a time: a new one ends the one before."""

    text = models.CharField(max_length=300)
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=Q(ended_at=None), name="one_announcement_at_a_time"),
        ]

    def __str__(self) -> str:
        return self.text
