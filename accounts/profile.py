"""Who a person is, as the house has it: for their own page. Nothing of it can be changed here."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import DirectoryRun, User
from accounts.roles import AccountKind, RunOutcome


@dataclass(frozen=True, slots=True)
class Profile:
    """`read_at`: when the directory was read last and believed; None for somebody it does not list."""

    name: str
    uid: str
    mail: str
    groups: list[str]
    is_local: bool
    read_at: datetime | None


def profile_of(user: User) -> Profile:
    """Reads rows; the directory itself is not asked."""
    is_local = user.kind == AccountKind.LOCAL
    passes = DirectoryRun.objects.filter(outcome=RunOutcome.APPLIED).exclude(finished_at=None)
    last = passes.values_list("finished_at", flat=True).first() if user.ldap_uuid else None
    return Profile(
        name=user.get_full_name(),
        uid=user.ldap_uid or user.username,
        mail=user.email,
        groups=list(user.directory_groups.values_list("name", flat=True)),
        is_local=is_local,
        read_at=last,
    )
