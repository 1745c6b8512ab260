"""Sessions at the house's provider, and things that count once."""

from django.db import models

from accounts.models.people import User


class SsoSession(models.Model):
    """Which session of ours belongs to which session at the house's provider, so that it can end both."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sso_sessions")
    sid = models.CharField(max_length=255, blank=True, default="", db_index=True)
    session_key = models.CharField(max_length=40, unique=True)
    started_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"session of {self.user}"


class SpentToken(models.Model):
    """Something that counts once: a code, a logout token. Only a hash is kept, until it could not be used anyway."""

    purpose = models.CharField(max_length=20)
    token_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["purpose", "token_hash"], name="spent_once")]

    def __str__(self) -> str:
        return f"{self.purpose} until {self.expires_at}"


class OneTimeLink(models.Model):
    """A link with a code that is typed: one purpose, one person, once, for a short time. Of the code a hash is kept."""

    purpose = models.CharField(max_length=20)
    ref = models.CharField(max_length=32, unique=True)
    code_hash = models.CharField(max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    made_by_name = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.purpose} for {self.user}"
