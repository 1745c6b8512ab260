"""Runs of the mirror."""

from django.db import models


class MirrorRun(models.Model):
    """One reading of the cluster: when, how complete, what came of it. Written by vms/mirror/apply.py."""

    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    is_complete = models.BooleanField(default=False, help_text="All nodes online, quorate, rights self-tested.")
    answered = models.BooleanField(default=False, help_text="Proxmox answered at all.")
    silent_nodes = models.JSONField(default=list)
    frozen = models.BooleanField(default=False, help_text="Too many machines vanished at once: removal is frozen.")
    requests = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"reading of {self.started_at:%Y-%m-%d %H:%M:%S}"


class JobLock(models.Model):
    """Which process may run a periodic job now: the row is the lock, with a time at which it ends by itself."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=64, blank=True, default="")
    until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class ClusterPool(models.Model):
    """A pool of the cluster as last listed, bound or not. Written by vms/mirror/pools_seen.py; it gives no right."""

    poolid = models.CharField(max_length=255, unique=True)
    machines = models.PositiveIntegerField(default=0)
    seen_at = models.DateTimeField(help_text="When it was first listed, or its number of machines last changed.")

    class Meta:
        ordering = ["poolid"]

    def __str__(self) -> str:
        return self.poolid
