"""What the cluster offers: nodes, storages, templates, ISOs. Written by the mirror; marks by RTPs."""

from django.db import models


class Node(models.Model):
    """A node of the cluster as last read."""

    name = models.CharField(max_length=63, unique=True)
    is_online = models.BooleanField(default=False)
    cpus = models.PositiveIntegerField(null=True, blank=True)
    memory_mib = models.PositiveBigIntegerField(null=True, blank=True)
    memory_used_mib = models.PositiveBigIntegerField(null=True, blank=True)
    last_seen = models.DateTimeField(null=True, blank=True, help_text="When it last answered.")
    tasks_read_at = models.DateTimeField(null=True, blank=True, help_text="When its task list was last read.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Storage(models.Model):
    """A storage on a node; a shared one has a row for each node."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="storages")
    name = models.CharField(max_length=100)
    is_shared = models.BooleanField(default=False)
    content = models.CharField(max_length=200, blank=True, default="", help_text="Kinds it holds, by commas.")
    total_bytes = models.BigIntegerField(null=True, blank=True)
    used_bytes = models.BigIntegerField(null=True, blank=True)
    last_seen = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "node"]
        constraints = [models.UniqueConstraint(fields=["node", "name"], name="storage_once_per_node")]

    def __str__(self) -> str:
        return f"{self.name} on {self.node}"


class Template(models.Model):
    """A template of the cluster that members may clone unless hidden. Identity is the smbios uuid."""

    smbios_uuid = models.UUIDField(unique=True)
    vmid = models.PositiveIntegerField()
    node = models.CharField(max_length=63)
    name = models.CharField(max_length=120)
    title = models.CharField(max_length=80, blank=True, default="", help_text="What members read; empty: the name.")
    cores = models.PositiveIntegerField(default=1)
    memory_mib = models.PositiveIntegerField(default=512)
    disk_gib = models.PositiveIntegerField(default=1)
    disk_slot = models.CharField(max_length=16, blank=True, default="", help_text="The disk that grows, such as scsi0.")
    storage = models.CharField(max_length=100, blank=True, default="")
    has_cloud_init = models.BooleanField(default=False)
    cloud_init_user = models.CharField(max_length=32, blank=True, default="")
    login_user = models.CharField(
        "cloud-init user",
        max_length=32,
        blank=True,
        default="",
        help_text="Whom cloud-init makes unless a member names somebody; empty: the template's own.",
    )
    icon = models.CharField(max_length=20, blank=True, default="", help_text="A letter or a sign beside its name.")
    least_cores = models.PositiveIntegerField(null=True, blank=True, help_text="The fewest cores it works with.")
    least_memory_mib = models.PositiveIntegerField("least memory (MiB)", null=True, blank=True)
    least_disk_gib = models.PositiveIntegerField(
        "least disk (GiB)", null=True, blank=True, help_text="Never below the disk of the template itself."
    )
    is_hidden = models.BooleanField(default=False)
    last_seen = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "vmid"]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def signs_in_as(self) -> str:
        """Whom cloud-init makes where the member names nobody."""
        return self.login_user or self.cloud_init_user


class IsoImageQuerySet(models.QuerySet["IsoImage"]):
    """Adds `there_for`."""

    def there_for(self, node: str) -> "IsoImageQuerySet":
        """What a machine of this node can be given: on its own storages or a shared one, and not lost."""
        return self.filter(missing_since=None, node__in=["", node])


class IsoImage(models.Model):
    """An ISO file members may install from unless hidden."""

    volid = models.CharField(max_length=255, help_text="Proxmox's name of it.")
    node = models.CharField(max_length=63, blank=True, default="", help_text="Empty on a shared storage.")
    name = models.CharField(max_length=200)
    size_bytes = models.BigIntegerField(default=0)
    is_hidden = models.BooleanField(default=False)
    last_seen = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)

    objects = IsoImageQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["volid", "node"], name="iso_once_per_place")]

    def __str__(self) -> str:
        return self.name
