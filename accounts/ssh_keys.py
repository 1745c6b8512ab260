"""Keeps a person's public keys."""

from django.db import transaction

from accounts import audit
from accounts.keys import PublicKey
from accounts.models import SshKey, User


def save_key(user: User, key: PublicKey, *, address: str = "") -> SshKey:
    """Saves a key; one that is there already is left as it is. Writes an audit row for a new one."""
    with transaction.atomic():
        saved, made = SshKey.objects.get_or_create(
            user=user, fingerprint=key.fingerprint, defaults={"public_key": key.line, "comment": key.comment}
        )
        if made:
            audit.record(
                actor=user, verb="key.added", target_kind="key", target_id=saved.pk,
                target_name=key.comment or key.fingerprint, address=address, fingerprint=key.fingerprint,
            )  # fmt: skip
    return saved


def remove_key(user: User, key_id: int, *, address: str = "") -> str:
    """Removes one of the person's keys and returns its name; empty when it is not theirs or gone."""
    with transaction.atomic():
        key = SshKey.objects.filter(user=user, pk=key_id).first()
        if key is None:
            return ""
        name = str(key)
        audit.record(
            actor=user, verb="key.removed", target_kind="key", target_id=key.pk, target_name=name, address=address,
            fingerprint=key.fingerprint,
        )  # fmt: skip
        key.delete()
    return name
