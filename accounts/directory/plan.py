"""What a reading of the directory changes: the difference between it and what the portal knows, in memory."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.directory import guard
from accounts.directory.facts import Change, House, Joining, Known, Plan, Rules
from accounts.directory.names import blocked, given_up
from accounts.identity import DirectoryReading, Identity, Problem


@dataclass(frozen=True, slots=True)
class _Decisive:
    """The names of the groups that decide, as this reading writes them."""

    active: frozenset[str]
    rtp: frozenset[str]


def make_plan(reading: DirectoryReading, house: House, rules: Rules) -> Plan:
    """The key is the entry's UUID: another UUID is another person, whatever the uid.

    Entries that cannot be taken are in `problems`, and leave the people they belong to as they are.
    """
    members, doubled = _without_doubles(reading.members)
    problems = [*reading.problems, *doubled]
    decisive = _decisive(reading, rules)
    kept = _kept(problems, members, house)
    after = {uuid: _after(known, members.get(uuid), decisive, house) for uuid, known in house.known.items()}
    after |= {uuid: house.known[uuid] for uuid in kept}
    joins = [_join(who, decisive) for uuid, who in members.items() if uuid not in house.known]
    joins = [join for join in joins if join.identity.groups & decisive.active]
    after, joins = _named(after, joins, members, house, problems)
    changes = tuple(Change(known, after[uuid]) for uuid, known in house.known.items() if after[uuid] != known)
    plan = Plan(tuple(joins), changes, _groups(reading, after.values(), joins), tuple(problems))
    return replace(plan, objection=guard.objection(reading, house, rules, plan.departing))


def _without_doubles(members: Iterable[Identity]) -> tuple[dict[UUID, Identity], list[Problem]]:
    """Members by UUID; two with one uid or one UUID are both left out, because nobody knows which is meant."""
    members = list(members)
    uids = Counter(who.uid.casefold() for who in members)
    uuids = Counter(who.uuid for who in members)
    doubled = [who for who in members if uids[who.uid.casefold()] > 1 or uuids[who.uuid] > 1]
    sentence = "Another entry has the same uid, without case, or the same UUID. Neither is taken; change one."
    lines = [Problem(who.uid, sentence, who.uuid) for who in doubled]
    left_out = {id(who) for who in doubled}
    return {who.uuid: who for who in members if id(who) not in left_out}, lines


def _decisive(reading: DirectoryReading, rules: Rules) -> _Decisive:
    active = {name.casefold() for name in rules.active_groups}
    return _Decisive(
        frozenset(name for name in reading.groups if name.casefold() in active),
        frozenset(name for name in reading.groups if name.casefold() == rules.rtp_group.casefold()),
    )


def _kept(problems: Iterable[Problem], members: Mapping[UUID, Identity], house: House) -> set[UUID]:
    """Whose entry could not be taken: they have not left. Without a UUID the entry's own name says whose it is."""
    by_uid = {known.uid: uuid for uuid, known in house.known.items() if known.uid}
    owners = {problem.uuid or by_uid.get(_uid_in(problem.entry)) for problem in problems}
    return {uuid for uuid in owners if uuid is not None and uuid in house.known and uuid not in members}


def _uid_in(entry: str) -> str:
    """'alice' of 'uid=Alice,cn=users,…'; empty for an entry that is named by something else, as groups are."""
    attribute, _equals, value = entry.partition(",")[0].partition("=")
    return value.strip().lower() if attribute.strip().lower() == "uid" else ""


def _after(known: Known, who: Identity | None, decisive: _Decisive, house: House) -> Known:
    """The person as this reading has them; the username is decided later."""
    groups = who.groups if who else frozenset[str]()
    stays = bool(groups & decisive.active) or known.uuid in house.excepted
    is_rtp = stays and bool(groups & decisive.rtp)
    is_active = known.is_active or (stays and known.is_departed)
    if who is None:
        return replace(known, is_rtp=is_rtp, is_active=is_active, is_departed=not stays, groups=groups)
    return Known(
        pk=known.pk, uuid=known.uuid, username=known.username, uid=who.uid, full_name=who.full_name, email=who.email,
        is_rtp=is_rtp, is_active=is_active, is_departed=not stays, groups=groups,
    )  # fmt: skip


def _join(who: Identity, decisive: _Decisive) -> Joining:
    return Joining(who, is_rtp=bool(who.groups & decisive.rtp))


def _named(
    after: Mapping[UUID, Known], joins: list[Joining], members: Mapping[UUID, Identity], house: House,
    problems: list[Problem],
) -> tuple[dict[UUID, Known], list[Joining]]:  # fmt: skip
    """Usernames follow uids. A name that somebody else has is not given to a second person: a line says so.

    Who left gives the name up when the directory gave the uid to a new person.
    """
    wanted = {uuid: members[uuid].uid.lower() for uuid in after if uuid in members}
    wanted |= {join.identity.uuid: join.identity.uid.lower() for join in joins}
    current = {uuid: known.username.lower() for uuid, known in house.known.items()}
    absent = {uuid: name for uuid, name in current.items() if uuid not in members}
    needed = set(wanted.values())
    gives_up = {uuid for uuid, name in absent.items() if name in needed and after[uuid].is_departed}
    taken = house.others | {name for uuid, name in absent.items() if uuid not in gives_up}
    refused = blocked(wanted, current, taken)
    problems.extend(_refusal(members[uuid], after.get(uuid)) for uuid in refused)
    named = {
        uuid: _renamed(known, wanted.get(uuid), uuid in refused, uuid in gives_up) for uuid, known in after.items()
    }
    return named, [join for join in joins if join.identity.uuid not in refused]


def _renamed(known: Known, wanted: str | None, is_refused: bool, gives_up: bool) -> Known:
    if gives_up:
        return replace(known, username=given_up(known.uid or known.username, known.uuid), uid="")
    if wanted is None or is_refused or wanted == known.username:
        return known
    return replace(known, username=wanted)


def _refusal(who: Identity, known: Known | None) -> Problem:
    if known is None:
        sentence = (
            f"The username {who.uid} is somebody else's account here, so this new member was not taken. "
            "Give the member another uid."
        )
    else:
        sentence = f"The uid is {who.uid} now, but that username is somebody else's; {known.username} keeps theirs."
    return Problem(who.uid, sentence, who.uuid)


def _groups(reading: DirectoryReading, people: Iterable[Known], joins: Iterable[Joining]) -> dict[str, int]:
    """Groups that hold somebody we know, with how many members the directory lists in them."""
    held = {name for name in _all_groups(people, joins) if name in reading.groups}
    return {name: len(reading.groups[name]) for name in held}


def _all_groups(people: Iterable[Known], joins: Iterable[Joining]) -> Iterator[str]:
    for known in people:
        yield from known.groups
    for join in joins:
        yield from join.identity.groups
