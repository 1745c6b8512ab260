"""Who gets which username when the directory's uids change hands."""

from collections.abc import Collection, Mapping
from uuid import UUID


def blocked(
    wanted: Mapping[UUID, str], current: Mapping[UUID, str], taken: Collection[str]
) -> Mapping[UUID, str]:  # fmt: skip
    """Who cannot have the name they want → that name. All names in lower case.

    `wanted`: a different name for each; `current`: the names those have who are known; `taken`: names of people who
    will not move. Two who swap their names do not block one another; who cannot move blocks whoever wants their name.
    """
    found: dict[UUID, str] = {}
    stay = set(taken)
    while True:
        newly = {uuid: name for uuid, name in wanted.items() if uuid not in found and name in stay}
        if not newly:
            return found
        found |= newly
        stay |= {current[uuid] for uuid in newly if uuid in current}


def given_up(uid: str, uuid: UUID) -> str:
    """The username of somebody who left and whose uid the directory gave to a new person. No uid can look like it."""
    return f"{uid}~{uuid.hex[:8]}"
