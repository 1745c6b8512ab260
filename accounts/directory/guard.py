"""Silence is not departure: when a reading may change nobody."""

from collections.abc import Sequence

from accounts.directory.facts import Change, House, Objection, Rules
from accounts.identity import DirectoryReading


def objection(reading: DirectoryReading, house: House, rules: Rules, departing: Sequence[Change]) -> Objection | None:
    """Why this reading may change nobody; None when it may be applied."""
    silent = silence(reading, house, rules)
    if silent:
        return Objection(silent)
    too_many = crowd(house, rules, departing)
    return Objection(too_many, is_mass=True) if too_many else None


def silence(reading: DirectoryReading, house: House, rules: Rules) -> str:
    """What is missing that a house always has, as a sentence; empty when it is all there."""
    if not reading.members:
        return "The directory answered with no members at all."
    sizes = {name.casefold(): len(uids) for name, uids in reading.groups.items()}
    before = {name.casefold(): count for name, count in house.groups.items()}
    if not sizes.get(rules.rtp_group.casefold()):
        return f"The group {rules.rtp_group} (DIRECTORY_RTP_GROUP) is missing or empty: nobody would be an RTP."
    for name in rules.active_groups:
        if before.get(name.casefold()) and not sizes.get(name.casefold()):
            return (
                f"The group {name}, which had {before[name.casefold()]} members, is missing or empty. "
                "If that is meant, take it out of DIRECTORY_ACTIVE_GROUPS."
            )
    if not any(sizes.get(name.casefold()) for name in rules.active_groups):
        return f"Nobody is in any of the groups {', '.join(rules.active_groups)} (DIRECTORY_ACTIVE_GROUPS)."
    return ""


def crowd(house: House, rules: Rules, departing: Sequence[Change]) -> str:
    """A sentence when more would depart at once than may without an RTP's word; whom an RTP released is not counted."""
    counted = [change for change in departing if change.was.uuid not in rules.released]
    members = sum(known.counts for known in house.known.values())
    most = max(rules.guard_least, members * rules.guard_percent // 100)
    if len(counted) <= most:
        return ""
    return (
        f"{len(counted)} of {members} members would count as departed at once; up to {most} do without an RTP's word. "
        "An RTP can look at the list and release it."
    )
