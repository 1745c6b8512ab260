"""People and the keys they saved."""

from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from accounts.models.choices import choices
from accounts.roles import AccountKind

if TYPE_CHECKING:
    from accounts.models.directory import DirectoryGroup, DirectoryMembership


class User(AbstractUser):
    """A person. Local accounts are made by an administrator; house accounts come from the directory or the provider.

    The identity of a house account is (oidc_iss, oidc_sub) and ldap_uuid, never the username or the mail address.
    """

    kind = models.CharField(max_length=8, choices=choices(AccountKind), default=AccountKind.LOCAL)
    is_rtp = models.BooleanField("RTP", default=False, help_text="One of the house's admins.")
    is_break_glass = models.BooleanField(
        default=False, help_text="For emergencies: each sign-in with it is told to the RTPs."
    )
    oidc_iss = models.CharField(max_length=255, blank=True, default="")
    oidc_sub = models.CharField(max_length=255, blank=True, default="")
    ldap_uuid = models.UUIDField(null=True, blank=True, unique=True)
    ldap_uid = models.CharField(max_length=64, blank=True, default="")
    preferences = models.JSONField(default=dict, blank=True)
    departed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the directory does not count this person as active."
    )
    run_on_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when the machines of somebody who left run on."
    )
    locked_at = models.DateTimeField(null=True, blank=True)
    locked_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    lock_reason = models.CharField(max_length=200, blank=True, default="")
    session_epoch = models.PositiveIntegerField(
        default=0, help_text="Part of every session's proof: counting it up ends them all."
    )
    directory_groups: "models.ManyToManyField[DirectoryGroup, DirectoryMembership]" = models.ManyToManyField(
        "DirectoryGroup", through="DirectoryMembership", related_name="people", blank=True
    )

    objects: ClassVar[UserManager["User"]] = UserManager()  # type: ignore[assignment]  # the stub knows only Self

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["oidc_iss", "oidc_sub"], condition=~Q(oidc_sub=""), name="user_issuer_subject_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def has_rtp_power(self) -> bool:
        """An RTP who is active, in the house and not locked."""
        return self.is_rtp and self.is_active and self.departed_at is None and self.locked_at is None

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Sessions hold only while password and epoch are what they were at the sign-in."""
        value = f"{self.password}:{self.session_epoch}"
        return salted_hmac("accounts.session", value, secret=secret, algorithm="sha256").hexdigest()


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

    @property
    def kind(self) -> str:
        """Its type, such as ssh-ed25519."""
        return self.public_key.partition(" ")[0]
