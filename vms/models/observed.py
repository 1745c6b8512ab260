"""What was read of machines beside their settings: plots, tasks of the cluster, leftovers on storages."""

from django.db import models

from vms.models.virtual_machine import VirtualMachine


class Plot(models.Model):
    """Proxmox's measurements of one machine over one span, fetched by a worker while somebody looks."""

    vm = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="plots")
    span = models.CharField(max_length=5, help_text="hour, day, week, month or year")
    rows = models.JSONField(default=list)
    wanted_at = models.DateTimeField(help_text="When somebody last looked.")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When a worker last took it up.")
    read_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, default="", help_text="Why there is nothing new.")

    class Meta:
        ordering = ["vm", "span"]
        constraints = [models.UniqueConstraint(fields=["vm", "span"], name="one_plot_per_span")]

    def __str__(self) -> str:
        return f"{self.span} of {self.vm}"


class ClusterTaskQuerySet(models.QuerySet["ClusterTask"]):
    """Adds `migrations`."""

    def migrations(self) -> "ClusterTaskQuerySet":
        """Those that move a machine to another node now."""
        return self.filter(kind="qmigrate", ended_at=None)


class ClusterTask(models.Model):
    """A Proxmox task on a machine, also one that somebody else than the portal began."""

    upid = models.CharField(max_length=255, unique=True)
    vm = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="cluster_tasks")
    kind = models.CharField(max_length=40, help_text="Proxmox's word, such as qmstart.")
    user = models.CharField(max_length=150)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    exit_text = models.CharField(max_length=300, blank=True, default="")
    target = models.CharField(
        max_length=63, blank=True, default="", help_text="The node a migration goes to, as its own log says."
    )

    objects = ClusterTaskQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-pk"]
        indexes = [models.Index(fields=["vm", "-began_at"])]

    def __str__(self) -> str:
        return f"{self.kind} of {self.vm}"


class Leftover(models.Model):
    """A disk on a storage that belongs to no machine, found by the storage scan."""

    node = models.CharField(max_length=63, blank=True, default="", help_text="Empty on a shared storage.")
    volid = models.CharField(max_length=255)
    vmid = models.PositiveIntegerField(null=True, blank=True, help_text="The slot its name speaks of.")
    size_bytes = models.BigIntegerField(null=True, blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["volid"]
        constraints = [models.UniqueConstraint(fields=["node", "volid"], name="leftover_once_per_place")]

    def __str__(self) -> str:
        return self.volid
