"""Writes the audit trail."""

from typing import Any

from accounts.models import AuditEvent, Pool, User

PORTAL = "portal"
PROXMOX = "Proxmox"


def record(
    *,
    actor: User | None,
    verb: str,
    by_name: str = PORTAL,
    pool: Pool | None = None,
    target_kind: str = "",
    target_id: object = "",
    target_name: str = "",
    machine_uuid: object = "",
    address: str = "",
    **detail: Any,
) -> AuditEvent:
    """One audit row inside the caller's transaction.

    `by_name` names the actor where there is no person: the portal itself, or something done in Proxmox.
    """
    return AuditEvent.objects.create(
        actor=actor,
        actor_name=actor.username if actor else by_name,
        address=address[:45],
        verb=verb,
        pool=pool,
        target_kind=target_kind,
        target_id=str(target_id),
        target_name=target_name[:120],
        machine_uuid=str(machine_uuid or ""),
        detail=detail,
    )
