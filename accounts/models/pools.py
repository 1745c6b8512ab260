"""Pools and who is in them."""

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models.choices import choices
from accounts.models.people import User
from accounts.roles import PoolKind, Role


class PoolQuerySet(QuerySet["Pool"]):
    """Questions asked of many pools."""

    def visible_to(self, user: User) -> "PoolQuerySet":
        """Pools the person owns or is a member of; all of them for an RTP; only the own one after leaving the house."""
        if not user.is_active or user.locked_at:
            return self.none()
        if user.departed_at:
            return self.living().filter(owner=user)
        if user.has_rtp_power:
            return self
        return self.living().filter(Q(owner=user) | Q(memberships__user=user)).distinct()

    def living(self) -> "PoolQuerySet":
        """Pools that are not history."""
        return self.filter(removed_at=None)

    def bound(self) -> "PoolQuerySet":
        """Pools bound by a row to a pool of the cluster."""
        return self.exclude(proxmox_poolid=None)


class Pool(models.Model):
    """Owner of machines: one person's (personal) or several people's (shared).

    `proxmox_poolid` binds it to a pool of the cluster; the name alone never does. Binding an existing pool is an
    RTP's act. Only machines in bound pools can be acted on.
    """

    kind = models.CharField(max_length=8, choices=choices(PoolKind))
    name = models.CharField(max_length=64, unique=True)
    owner = models.OneToOneField(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="personal_pool",
        help_text="Personal pools.",
    )
    members = models.ManyToManyField(User, through="PoolMembership", related_name="shared_pools")
    proxmox_poolid = models.CharField(max_length=255, null=True, blank=True, unique=True)
    wanted_poolid = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="Name asked for, saved before Proxmox is asked to make it.",
    )
    hidden = models.BooleanField(default=False, help_text="Not listed for members.")
    never_expires = models.BooleanField(default=False, help_text="Its machines have no lease.")
    never_expires_reason = models.CharField(max_length=200, blank=True, default="")
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing is made in it; its pool in Proxmox goes with the last VM."
    )
    removal_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when a worker is to remove its pool in Proxmox."
    )
    removal_problem = models.CharField(max_length=300, blank=True, default="", help_text="Why that was not done.")
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it is history: unbound, its name free for another pool."
    )
    successor = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="predecessors",
        help_text="Where its machines go while it is renamed.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PoolQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=PoolKind.PERSONAL, owner__isnull=False) | Q(kind=PoolKind.SHARED, owner__isnull=True),
                name="pool_owner_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PoolMembership(models.Model):
    """A person's role in a shared pool."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=choices(Role), default=Role.VIEWER)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pool", "user"]
        constraints = [models.UniqueConstraint(fields=["pool", "user"], name="one_role_per_person_and_pool")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.pool}"
