"""Roles in a pool and kinds of account: plain words without Django."""

from enum import StrEnum


class AccountKind(StrEnum):
    """Where a person's sign-in comes from."""

    LOCAL = "local"
    HOUSE = "house"


class PoolKind(StrEnum):
    """Whose machines a pool holds."""

    PERSONAL = "personal"
    SHARED = "shared"


class Role(StrEnum):
    """What a person may do in a pool; each includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MANAGER = "manager"

    @property
    def rank(self) -> int:
        """Higher may do more."""
        return list(Role).index(self)

    def includes(self, other: "Role") -> bool:
        """True when this role may do all that `other` may."""
        return self.rank >= other.rank


class RunOutcome(StrEnum):
    """How a pass over the directory ended.

    APPLIED: what differed was written. HELD: what it read looked wrong; nobody was changed, RTPs were told.
    FAILED: the directory did not answer, or not completely; nobody was changed.
    """

    APPLIED = "applied"
    HELD = "held"
    FAILED = "failed"
