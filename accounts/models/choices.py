"""Choices of a column, from a plain enum."""

from accounts.roles import AccountKind, PoolKind, Role, RunOutcome


def choices(kind: type[AccountKind] | type[PoolKind] | type[Role] | type[RunOutcome]) -> list[tuple[str, str]]:
    """A model's choices from a plain enum; labels for people live in template tags."""
    return [(member.value, member.value) for member in kind]
