"""People, pools, keys and the audit trail."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q, QuerySet

from accounts.roles import AccountKind, PoolKind, Role


def choices(kind: type[AccountKind] | type[PoolKind] | type[Role]) -> list[tuple[str, str]]:
    """A model's choices from a plain enum; labels for people live in template tags."""
    return [(member.value, member.value) for member in kind]


class User(AbstractUser):
    """A person. Local accounts are made by an administrator; house accounts come from the directory (later).

    The identity of a house account is (oidc_iss, oidc_sub) and ldap_uuid, never the username or the mail address.
    """

    kind = models.CharField(max_length=8, choices=choices(AccountKind), default=AccountKind.LOCAL)
    is_rtp = models.BooleanField("RTP", default=False, help_text="One of the house's admins.")
    oidc_iss = models.CharField(max_length=255, blank=True, default="")
    oidc_sub = models.CharField(max_length=255, blank=True, default="")
    ldap_uuid = models.UUIDField(null=True, blank=True, unique=True)
    ldap_uid = models.CharField(max_length=64, blank=True, default="")
    preferences = models.JSONField(default=dict, blank=True)

    objects: ClassVar[UserManager["User"]] = UserManager()  # type: ignore[assignment]  # the stub knows only Self

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["oidc_iss", "oidc_sub"], condition=~Q(oidc_sub=""), name="user_issuer_subject_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.username


class SshKey(models.Model):
    """A public key a person saved; preselected by create. A private key is refused before it gets here."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ssh_keys")
    public_key = models.TextField()
    fingerprint = models.CharField(max_length=64)
    comment = models.CharField(max_length=120, blank=True, default="")
    added_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_used_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "fingerprint"],
                name="key_once_per_person",
                violation_error_message="You saved this key already.",
            ),
        ]

    def __str__(self) -> str:
        return self.comment or self.fingerprint


class PoolQuerySet(QuerySet["Pool"]):
    """Questions asked of many pools."""

    def visible_to(self, user: User) -> "PoolQuerySet":
        """Pools the person owns or is a member of; all of them for an RTP."""
        if user.is_rtp and user.is_active:
            return self
        return self.filter(Q(owner=user) | Q(memberships__user=user)).distinct()

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
    never_expires = models.BooleanField(default=False)
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
