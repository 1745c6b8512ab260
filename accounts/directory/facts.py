"""What a plan is made from, and what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from accounts.identity import Identity, Problem


@dataclass(frozen=True, slots=True)
class Known:
    """A house account that has an entry in the directory, as the portal has it now or will have it."""

    pk: int
    uuid: UUID
    username: str
    uid: str
    full_name: str
    email: str
    is_rtp: bool
    is_active: bool
    is_departed: bool
    groups: frozenset[str]

    @property
    def counts(self) -> bool:
        """One of the members that the guard counts."""
        return self.is_active and not self.is_departed


@dataclass(frozen=True, slots=True)
class House:
    """Everything the portal knows of the house. `excepted`: who counts as active whatever the directory says;
    `others`: usernames of local accounts and of house accounts without an entry, in lower case; `groups`: name → how
    many the last good reading had.
    """

    known: Mapping[UUID, Known]
    excepted: frozenset[UUID]
    others: frozenset[str]
    groups: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say, and whose departure an RTP released. Group names are compared without case."""

    active_groups: tuple[str, ...]
    rtp_group: str
    guard_least: int
    guard_percent: int
    released: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Joining:
    """Somebody the portal did not know."""

    identity: Identity
    is_rtp: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A person as they are and as they will be."""

    was: Known
    now: Known

    @property
    def departs(self) -> bool:
        """Counted as active, and does so no more."""
        return self.now.is_departed and not self.was.is_departed

    @property
    def returns(self) -> bool:
        """Had left, and counts as active again."""
        return self.was.is_departed and not self.now.is_departed

    @property
    def is_renamed(self) -> bool:
        """The username changes."""
        return self.was.username != self.now.username


@dataclass(frozen=True, slots=True)
class Objection:
    """Why nobody may be changed by this reading. `is_mass`: too many would depart, which an RTP can release."""

    sentence: str
    is_mass: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass changes, or would change if there were no objection."""

    joins: tuple[Joining, ...]
    changes: tuple[Change, ...]
    groups: Mapping[str, int]
    problems: tuple[Problem, ...]
    objection: Objection | None = None

    @property
    def departing(self) -> list[Change]:
        """Who leaves."""
        return [change for change in self.changes if change.departs]

    @property
    def returning(self) -> list[Change]:
        """Who comes back."""
        return [change for change in self.changes if change.returns]

    def names(self) -> dict[str, list[str]]:
        """What happens to whom, in names, for pages, prints and the run's row; only what happens at all."""
        changes = self.changes
        found = {
            "joined": [join.identity.uid for join in self.joins],
            "departed": [change.was.username for change in self.departing],
            "returned": [change.now.username for change in self.returning],
            "rtp_gained": [join.identity.uid for join in self.joins if join.is_rtp]
            + [change.now.username for change in changes if change.now.is_rtp and not change.was.is_rtp],
            "rtp_lost": [change.was.username for change in changes if change.was.is_rtp and not change.now.is_rtp],
            "renamed": [f"{c.was.username} → {c.now.username}" for c in changes if c.is_renamed],
            "changed": [c.now.username for c in changes if not (c.departs or c.returns or c.is_renamed)],
        }
        return {kind: sorted(names) for kind, names in found.items() if names}
