"""What the house's directory says: its members, its groups, and the entries that could not be taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """One member. `uuid` is who they are; the uid may be given to somebody else once they left.

    `groups` holds the names of the groups that list the member, also through groups in groups. `email` is "" where
    the directory holds none that is valid.
    """

    uuid: UUID
    uid: str
    full_name: str
    email: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry, or a part of it, that was left out, and why: one line that an RTP can act on.

    `uuid` is whose entry it is, where that could be read: somebody whose entry is odd has not left.
    """

    entry: str
    sentence: str
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class DirectoryReading:
    """Everything the directory answered in one pass; never a part of it. `groups`: name → uids of its members."""

    members: tuple[Identity, ...]
    groups: Mapping[str, frozenset[str]]
    problems: tuple[Problem, ...]
