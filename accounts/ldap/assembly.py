"""Entries of members and of groups → one reading: who is who, and who is in which group."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.errors import DirectoryIncomplete
from accounts.identity import DirectoryReading, Identity, Problem
from accounts.ldap.dn import key_of
from accounts.mapping import Attributes, Layout, Mapped, UnmappableEntry, group_name_of, member_of, shown

Entries = Sequence[tuple[str, Attributes]]


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group's entry: `name` is "" where it cannot be kept, `holds` the keys of the members and groups in it."""

    dn: str
    name: str
    holds: tuple[str, ...]


def reading_of(members: Entries, groups: Entries, layout: Layout) -> DirectoryReading:
    """Puts two complete answers together. Odd entries become problems; raises DirectoryIncomplete without a member."""
    problems: list[Problem] = []
    people = people_of(members, layout, problems)
    if not people:
        raise DirectoryIncomplete(_why_nobody(members, layout, problems))
    listed = groups_of(groups, layout, problems)
    lists = {group.name: _members_of(key, listed, people) for key, group in listed.items() if group.name}
    return DirectoryReading(_identities(people, lists), lists, tuple(problems))


def people_of(entries: Entries, layout: Layout, problems: list[Problem]) -> dict[str, Mapped]:
    """DN's key → member, without those that cannot be told apart."""
    found: dict[str, tuple[str, Mapped]] = {}
    for dn, attributes in entries:
        try:
            key = _key_of_entry(dn)
            found[key] = found.get(key) or (dn, member_of(dn, attributes, layout))
        except UnmappableEntry as odd:
            problems.append(Problem(dn, odd.sentence, odd.uuid))
    doubled = {
        **_doubled(found, "uid", {key: person.uid for key, (_dn, person) in found.items()}),
        **_doubled(found, layout.uuid, {key: person.uuid for key, (_dn, person) in found.items()}),
    }
    for key, sentence in doubled.items():
        dn, unclear = found.pop(key)
        problems.append(Problem(dn, sentence, unclear.uuid))
    people = {key: person for key, (_dn, person) in found.items()}
    problems.extend(problem for person in people.values() for problem in person.problems)
    return people


def groups_of(entries: Entries, layout: Layout, problems: list[Problem]) -> dict[str, ListedGroup]:
    """DN's key → group. A group whose name cannot be kept still hands its members to the groups that hold it."""
    found: dict[str, ListedGroup] = {}
    for dn, attributes in entries:
        try:
            key = _key_of_entry(dn)
        except UnmappableEntry as odd:
            problems.append(Problem(dn, odd.sentence))
            continue
        try:
            name = group_name_of(attributes, layout)
        except UnmappableEntry as odd:
            name = ""
            problems.append(Problem(dn, odd.sentence))
        found[key] = ListedGroup(dn, name, tuple(_held(dn, attributes, layout, problems)))
    return _without_doubled_names(found, problems)


def _members_of(key: str, listed: Mapping[str, ListedGroup], people: Mapping[str, Mapped]) -> frozenset[str]:
    """The uids in a group and in the groups below it; a group met before is not entered again."""
    entered, waiting, uids = {key}, [key], set[str]()
    while waiting:
        for held in listed[waiting.pop()].holds:
            if held in people:
                uids.add(people[held].uid)
            elif held in listed and held not in entered:
                entered.add(held)
                waiting.append(held)
    return frozenset(uids)


def _identities(people: Mapping[str, Mapped], lists: Mapping[str, frozenset[str]]) -> tuple[Identity, ...]:
    names = defaultdict[str, set[str]](set)
    for name, uids in lists.items():
        for uid in uids:
            names[uid].add(name)
    nowhere: set[str] = set()
    return tuple(person.in_groups(frozenset(names.get(person.uid, nowhere))) for person in people.values())


def _held(dn: str, attributes: Attributes, layout: Layout, problems: list[Problem]) -> Iterable[str]:
    wanted = layout.group_member.lower()
    for name, values in attributes.items():
        attribute, _semicolon, option = name.lower().partition(";")
        if attribute == wanted and option.startswith("range="):
            raise DirectoryIncomplete(f"The directory gave only a part of the members of {shown(dn)} ({name}).")
        if attribute == wanted and not option:
            yield from _keys_of(dn, values, layout, problems)


def _keys_of(dn: str, values: Iterable[str | bytes], layout: Layout, problems: list[Problem]) -> Iterable[str]:
    for value in values:
        try:
            yield key_of(value if isinstance(value, str) else value.decode("utf-8"))
        except ValueError:
            sentence = f"{layout.group_member}: {shown(value)} is no distinguished name; it is left out."
            problems.append(Problem(dn, sentence))


def _key_of_entry(dn: str) -> str:
    try:
        return key_of(dn)
    except ValueError as error:
        raise UnmappableEntry("Its distinguished name cannot be read.") from error


def _doubled(
    found: Mapping[str, tuple[str, Mapped]], attribute: str, values: Mapping[str, str | UUID]
) -> dict[str, str]:
    """Key → sentence, for members that share a value that only one may have. Neither is taken."""
    sharing = defaultdict[str | UUID, list[str]](list)
    for key, value in values.items():
        sharing[value].append(key)
    return {
        key: f"{len(keys)} entries have the {attribute} {shown(str(value))}, without case: {_named(found, keys)}. "
        "None of them is taken; change all but one."
        for value, keys in sharing.items()
        if len(keys) > 1
        for key in keys
    }


def _named(found: Mapping[str, tuple[str, Mapped]], keys: Iterable[str]) -> str:
    return " and ".join(sorted(found[key][0] for key in keys))


def _without_doubled_names(found: dict[str, ListedGroup], problems: list[Problem]) -> dict[str, ListedGroup]:
    sharing = defaultdict[str, list[str]](list)
    for key, group in found.items():
        if group.name:
            sharing[group.name.casefold()].append(key)
    for keys in sharing.values():
        if len(keys) > 1:
            dns = " and ".join(sorted(found[key].dn for key in keys))
            for key in keys:
                group = found[key]
                sentence = f"{len(keys)} groups are called {shown(group.name)}: {dns}. None of them is taken."
                problems.append(Problem(group.dn, sentence))
                found[key] = ListedGroup(group.dn, "", group.holds)
    return found


def _why_nobody(entries: Entries, layout: Layout, problems: Sequence[Problem]) -> str:
    if not entries:
        return f"The directory answered with no member: nothing of class {layout.member_class} under LDAP_MEMBER_BASE."
    return f"None of the directory's {len(entries)} members could be taken. The first: {problems[0].sentence}"
