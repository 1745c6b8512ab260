"""Machines."""

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import Pool, User
from vms.states import Lifecycle, Power


class VirtualMachineQuerySet(QuerySet["VirtualMachine"]):
    """Questions asked of many machines."""

    def visible_to(self, user: User) -> "VirtualMachineQuerySet":
        """Machines of the person's pools; all of them for an RTP. Agrees with vms.access.vm_for."""
        if user.has_rtp_power:
            return self
        return self.filter(pool__in=Pool.objects.visible_to(user))

    def present(self) -> "VirtualMachineQuerySet":
        """Machines that exist, are being made or are being removed."""
        return self.exclude(lifecycle__in=[Lifecycle.GONE, Lifecycle.FAILED])

    def listed(self) -> "VirtualMachineQuerySet":
        """What a list shows: present machines and failed creations that nobody dismissed yet."""
        return self.exclude(lifecycle=Lifecycle.GONE).exclude(lifecycle=Lifecycle.FAILED, dismissed_at__isnull=False)

    def counted(self) -> "VirtualMachineQuerySet":
        """Machines whose use counts against the quota; one being created is counted by its reservation."""
        return self.filter(lifecycle__in=[Lifecycle.READY, Lifecycle.DELETING])


class VirtualMachine(models.Model):
    """A machine. Its identity is the smbios uuid; the vmid is only the slot it sits in.

    Two writers, disjoint columns. Intended (written by operations): pool, name, lifecycle, created_by, source,
    lock_*, lease_*, trash*.
    Observed (written by vms/mirror/ only): node, power, lock, cores … last_seen, missing_since.
    In the trash (`trashed_at`) it is still READY: stopped, its disk counts, only restoring and deleting is allowed.
    A row whose machine went away becomes GONE and keeps its history; a new machine in its slot is a new row.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, null=True, blank=True, related_name="vms")
    name = models.CharField(max_length=63)
    lifecycle = models.CharField(
        max_length=8, choices=[(state.value, state.value) for state in Lifecycle], default=Lifecycle.CREATING
    )
    smbios_uuid = models.UUIDField(null=True, blank=True)
    vmid = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True, help_text="A failed creation its maker has put away.")
    source = models.CharField(max_length=120, blank=True, default="", help_text="What it was made from, in words.")
    locked_at = models.DateTimeField(null=True, blank=True, help_text="Since when an RTP keeps it from running.")
    locked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    lock_reason = models.CharField(max_length=200, blank=True, default="")
    login_user = models.CharField(max_length=32, blank=True, default="", help_text="Whom cloud-init made.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="When it expires; empty: it has no lease.")
    lease_exempt_reason = models.CharField(
        max_length=200, blank=True, default="", help_text="Why it never expires; written by an RTP."
    )
    trashed_at = models.DateTimeField(null=True, blank=True, help_text="Since when it lies in the trash.")
    trashed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    trash_until = models.DateTimeField(null=True, blank=True, help_text="When it is deleted for good.")

    node = models.CharField(max_length=63, blank=True, default="")
    power = models.CharField(max_length=8, choices=[(p.value, p.value) for p in Power], default=Power.UNKNOWN)
    last_known_power = models.CharField(
        max_length=8,
        choices=[(p.value, p.value) for p in Power],
        default=Power.UNKNOWN,
        help_text="What quota counts by.",
    )
    lock = models.CharField(max_length=40, blank=True, default="", help_text="Proxmox's lock, such as backup.")
    start_at_boot = models.BooleanField(default=False)
    cores = models.PositiveIntegerField(default=0)
    memory_mib = models.PositiveIntegerField(default=0)
    pending_cores = models.PositiveIntegerField(null=True, blank=True)
    pending_memory_mib = models.PositiveIntegerField(null=True, blank=True)
    disk_gib = models.PositiveIntegerField(default=0, help_text="All disks, also unused ones.")
    hardware = models.JSONField(default=dict, blank=True, help_text="Disks, network devices and drives as last read.")
    cpu_load = models.FloatField(null=True, blank=True, help_text="0 to 1 of its own cores.")
    uptime_s = models.PositiveBigIntegerField(null=True, blank=True)
    notes = models.TextField(blank=True, default="", help_text="Proxmox's description without the portal's line.")
    tags = models.JSONField(default=list, blank=True)
    snapshots = models.JSONField(default=list, blank=True, help_text="As last read; see vms/mirror/snapshots.py.")
    snapshot_gib = models.PositiveIntegerField(default=0, help_text="What memory kept in snapshots takes on disk.")
    snapshots_read_at = models.DateTimeField(null=True, blank=True)
    snapshots_digest = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Digest of the settings with which its snapshots were last read.",
    )
    guest = models.JSONField(default=dict, blank=True, help_text="Addresses and system as the guest agent told.")
    guest_asked_at = models.DateTimeField(null=True, blank=True)
    config_digest = models.CharField(max_length=40, blank=True, default="")
    config_read_at = models.DateTimeField(null=True, blank=True, help_text="When all of its settings were last read.")
    last_seen = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)
    missing_readings = models.PositiveIntegerField(default=0)
    seen_poolid = models.CharField(
        max_length=255, blank=True, default="", help_text="Proxmox pool it was last seen in."
    )
    seen_poolid_readings = models.PositiveIntegerField(default=0)

    objects = VirtualMachineQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["pool", "lifecycle"]), models.Index(fields=["lifecycle", "name"])]
        constraints = [
            models.UniqueConstraint(
                fields=["vmid"],
                condition=~Q(lifecycle__in=[Lifecycle.GONE, Lifecycle.FAILED]) & Q(vmid__isnull=False),
                name="one_machine_per_slot",
            ),
            models.UniqueConstraint(
                fields=["smbios_uuid"],
                condition=~Q(lifecycle__in=[Lifecycle.GONE, Lifecycle.FAILED]) & Q(smbios_uuid__isnull=False),
                name="one_row_per_machine",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UsedVmid(models.Model):
    """A slot the portal took once. The row is made before Proxmox is asked; it is never removed.

    One never used before is taken while there is one, so that old tickets and backups of a slot name nobody else.
    """

    vmid = models.PositiveIntegerField(primary_key=True)
    taken_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.vmid)
