"""Issues and spends the one-time grants that open a console."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.access import role_in
from accounts.models import User
from consoles.models import ConsoleGrant, ConsoleShare
from vms.models import VirtualMachine

TOKEN_BYTES = 32
MAX_ID = 2**63 - 1  # what a database can be asked about
PRUNE_AFTER = timedelta(days=1)
#: Per seat of a person, within PACE. Each one that opens takes a port of a node for ten seconds, wanted or not, and a
#: node has a hundred; a page that comes back by itself asks five times in its first minute.
A_SEAT, PACE = 6, timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SpentGrant:
    """What a grant said when it was spent."""

    user_id: int
    machine_uuid: uuid.UUID
    address: str
    share_id: int | None = None
    is_watch: bool = False


def issue(
    user: User, session_key: str, vm: VirtualMachine, *, address: str, now: datetime,
    share: ConsoleShare | None = None, is_watch: bool = False,
) -> str:  # fmt: skip
    """A new token of 256 bits (43 base64url characters); only its hash is kept. The caller has settled the right.

    `share`: the right comes from a shared console. `is_watch`: an RTP looks on, visibly.
    """
    if vm.smbios_uuid is None or not session_key:
        raise ValueError("a grant is for one machine and one session")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ConsoleGrant.objects.create(
        token_hash=hashed(token),
        user=user,
        session_hash=hashed(session_key),
        vm=vm,
        machine_uuid=vm.smbios_uuid,
        role="guest" if share else (vm.pool and role_in(vm.pool, user)) or "rtp",
        address=address[:45],
        issued_at=now,
        expires_at=now + timedelta(seconds=settings.CONSOLE_GRANT_S),
        share=share,
        is_watch=is_watch,
    )
    return token


def spend(token: str, session_key: str, *, user_id: int, vm_id: int, now: datetime) -> SpentGrant | None:
    """Spends the grant if it is this session's, for this machine, fresh and unspent; None for everything else.

    One conditional update decides: of many at once exactly one changes the row.
    """
    if vm_id > MAX_ID:
        return None
    mine = ConsoleGrant.objects.filter(
        token_hash=hashed(token), session_hash=hashed(session_key), user_id=user_id, vm_id=vm_id
    )
    if mine.filter(spent_at=None, expires_at__gt=now).update(spent_at=now) != 1:
        return None
    grant = mine.get()
    return SpentGrant(grant.user_id, grant.machine_uuid, grant.address, grant.share_id, grant.is_watch)


def are_too_many(user: User, now: datetime) -> bool:
    """Whether the person was given so many just now that the next has to wait."""
    lately = ConsoleGrant.objects.filter(user=user, issued_at__gt=now - PACE).count()
    return lately >= A_SEAT * settings.CONSOLE_MAX_PER_PERSON


def prune(now: datetime) -> int:
    """Removes grants that expired a day ago; how many."""
    return ConsoleGrant.objects.filter(expires_at__lt=now - PRUNE_AFTER).delete()[0]


def hashed(secret: str) -> str:
    """What is stored of a secret that is itself random and long."""
    return hashlib.sha256(secret.encode()).hexdigest()
