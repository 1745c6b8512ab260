"""The cast as the house knows it: sign-in names, passwords and groups, the same for every provider of the tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HouseAccount:
    """One person's account at the house."""

    uid: str
    full_name: str
    groups: tuple[str, ...]

    @property
    def password(self) -> str:
        """What this person types at the house's own form."""
        return f"{self.uid} opens the door"

    @property
    def mail(self) -> str:
        """The address the directory has."""
        return f"{self.uid}@house.example"


ALICE = HouseAccount("alice", "Alice Archer", ("active",))
BOB = HouseAccount("bob", "Bob Baker", ("active",))
CAROL = HouseAccount("carol", "Carol Cooper", ("active",))
RITA = HouseAccount("rita", "Rita Ranger", ("active", "rtp"))
HOUSE = (ALICE, BOB, CAROL, RITA)
