"""What the portal keeps of the house's directory, and of its readings."""

from django.db import models

from accounts.models.choices import choices
from accounts.models.people import User
from accounts.roles import RunOutcome


class DirectoryGroup(models.Model):
    """A group of the house's directory, kept while the directory knows it. Written by the directory pass."""

    name = models.CharField(max_length=100, unique=True)
    seen_at = models.DateTimeField(help_text="When a complete reading held it last.")
    members_seen = models.PositiveIntegerField(default=0, help_text="How many it had then.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DirectoryMembership(models.Model):
    """A person is in a group of the directory. Written by the directory pass, and at sign-in by the groups claim."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="directory_memberships")
    group = models.ForeignKey(DirectoryGroup, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        ordering = ["group", "user"]
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="once_in_a_group")]

    def __str__(self) -> str:
        return f"{self.user} is in {self.group}"


class DirectoryRun(models.Model):
    """One pass over the directory: what it read, what it changed, or why it changed nobody."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=choices(RunOutcome))
    members_read = models.PositiveIntegerField(default=0)
    groups_read = models.PositiveIntegerField(default=0)
    joined = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    departed = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    plan = models.JSONField(default=dict, blank=True, help_text="Names of whom it changed, or would have.")
    problems = models.JSONField(default=list, blank=True, help_text="Entries that were skipped, and why.")
    note = models.CharField(max_length=400, blank=True, default="", help_text="Why nobody was changed.")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    consumed_at = models.DateTimeField(null=True, blank=True, help_text="When a later pass made use of the release.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.outcome}"


class DirectoryException(models.Model):
    """Somebody who counts as active until a date although the directory says otherwise. Made by an RTP."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="directory_exception")
    reason = models.CharField(max_length=200)
    until = models.DateField(help_text="The last day it holds.")
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["until"]

    def __str__(self) -> str:
        return f"{self.user} until {self.until}"
