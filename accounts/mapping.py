"""What the directory and the provider wrote about somebody → our words. All knowledge of attribute names lives here.

Attributes come from people and other programs: every value may be missing, double, in another encoding, or hostile.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.identity import Identity, Problem

Attributes = Mapping[str, Sequence[str | bytes]]

UID = re.compile(r"[a-z0-9_][a-z0-9_.@+-]{0,63}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@(?:{_LABEL}\.)+(?!\d+$){_LABEL}")
MAX_EMAIL = 254  # characters, RFC 5321 as corrected by erratum 1690 to RFC 3696
MAX_NAME = 150
MAX_GROUP = 100
MAX_GROUPS = 500
SHOWN = 60
MARKUP = frozenset("<>")


class UnmappableEntry(Exception):
    """The entry cannot be taken; `sentence` says why, to an RTP. `uuid` is whose it is, where that could be read."""

    def __init__(self, sentence: str, uuid: UUID | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.uuid = uuid


class _Odd(Exception):
    """One value that is not taken: how it is odd."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a directory calls things. Attribute names are compared without case."""

    member_class: str
    group_class: str
    uuid: str
    uid: str
    name: str
    mail: str
    group_name: str = "cn"

    @property
    def group_member(self) -> str:
        """The attribute that lists a group's members as DNs."""
        return "uniqueMember" if self.group_class.lower() == "groupofuniquenames" else "member"


LAYOUTS = {
    "freeipa": Layout("inetOrgPerson", "groupOfNames", uuid="ipaUniqueID", uid="uid", name="cn", mail="mail"),
    "plain": Layout("inetOrgPerson", "groupOfNames", uuid="entryUUID", uid="uid", name="cn", mail="mail"),
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A member's entry as it was understood, before it is known which groups list it."""

    uuid: UUID
    uid: str
    full_name: str
    email: str
    problems: tuple[Problem, ...] = ()

    def in_groups(self, names: frozenset[str]) -> Identity:
        """The member, with the groups that list it."""
        return Identity(self.uuid, self.uid, self.full_name, self.email, names)


def member_of(entry: str, attributes: Attributes, layout: Layout) -> Mapped:
    """Reads one member's entry. `entry` is its DN, for the sentences.

    Without one UUID and one uid it is nobody: UnmappableEntry. A name or address that is odd is left out, with a line.
    """
    found = {name.lower(): values for name, values in attributes.items()}
    uuid = uuid_of(_the_one(found, layout.uuid), layout.uuid)
    try:
        uid = uid_of(_the_one(found, layout.uid))
    except UnmappableEntry as odd:
        raise UnmappableEntry(odd.sentence, uuid) from odd
    full_name, odd_name = _first(found, layout.name, _clean_name)
    email, odd_email = _first(found, layout.mail, _clean_email)
    problems = tuple(Problem(entry, sentence, uuid) for sentence in (odd_name, odd_email) if sentence)
    return Mapped(uuid, uid, full_name or uid, email, problems)


def uid_of(value: str | bytes) -> str:
    """A uid as we keep it: in lower case, because a directory compares uids without case. Raises UnmappableEntry.

    Also for the provider's claim, so that both name the same person.
    """
    try:
        written = _text(value)
    except _Odd as odd:
        raise UnmappableEntry(f"The uid {shown(value)} {odd}.") from odd
    uid = written.lower()
    # Some letters beyond ASCII, such as the Kelvin sign, become a-z when they are lowered.
    if not written.isascii() or not UID.fullmatch(uid):
        raise UnmappableEntry(
            f"The uid {shown(written)} cannot be used: it takes 1 to 64 of the letters a-z, digits and . _ - @ +, "
            "and starts with a letter, digit or _."
        )
    return uid


def uuid_of(value: str | bytes, attribute: str) -> UUID:
    """The entry's own number, which is never given to somebody else. Raises UnmappableEntry."""
    try:
        uuid = UUID(_text(value))
    except (_Odd, ValueError) as error:
        raise UnmappableEntry(f"{attribute} {shown(value)} is no UUID.") from error
    if not uuid.int:
        raise UnmappableEntry(f"{attribute} is the empty UUID, which could be anybody's.")
    return uuid


def group_name_of(attributes: Attributes, layout: Layout) -> str:
    """A group's name; raises UnmappableEntry."""
    found = {name.lower(): values for name, values in attributes.items()}
    return clean_group(_the_one(found, layout.group_name))


def clean_group(value: object) -> str:
    """A name of a group that may be kept and shown; raises UnmappableEntry."""
    try:
        if not isinstance(value, str | bytes):
            raise _Odd("is not text")
        return _clean_line(value, MAX_GROUP)
    except _Odd as odd:
        raise UnmappableEntry(f"The group's name {odd}.") from odd


def groups_of_claims(claims: Mapping[str, object], claim_name: str) -> frozenset[str] | None:
    """The groups a provider's claims name; None where the claim is missing or of a wrong type, which grants nothing.

    One name as plain text is a list of one. Some providers write /path/name or a DN: neither is guessed at.
    """
    claim = claims.get(claim_name)
    names = [claim] if isinstance(claim, str) else claim
    if not isinstance(names, list) or len(names) > MAX_GROUPS:
        return None
    try:
        return frozenset(clean_group(name) for name in names)
    except UnmappableEntry:
        return None


def shown(value: str | bytes) -> str:
    """A value in a sentence: quoted, short, and without anything that acts on the reader's screen."""
    text = ascii(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _the_one(found: Attributes, attribute: str) -> str | bytes:
    values = found.get(attribute.lower(), ())
    if not values:
        raise UnmappableEntry(f"It has no {attribute}, or the portal may not read it.")
    if len(values) > 1:
        all_of_them = ", ".join(shown(value) for value in values[:3])
        raise UnmappableEntry(f"It has {len(values)} values of {attribute} ({all_of_them}); keep one.")
    return values[0]


def _first(found: Attributes, attribute: str, clean: Callable[[str | bytes], str]) -> tuple[str, str]:
    """The first value that can be taken, and a sentence where that was not simply the only one."""
    values = found.get(attribute.lower(), ())
    taken, why = "", ""
    for value in values:
        try:
            taken = clean(value)
            break
        except _Odd as odd:
            why = why or f"{shown(value)} {odd}"
    if why:
        return taken, f"{attribute}: {why}; {f'{shown(taken)} is used' if taken else 'it is left out'}."
    if len(values) > 1:
        return taken, f"{attribute} has {len(values)} values; the first, {shown(taken)}, is used."
    return taken, ""


def _clean_name(value: str | bytes) -> str:
    return _clean_line(value, MAX_NAME)


def _clean_line(value: str | bytes, most: int) -> str:
    text = _text(value).replace("\N{NO-BREAK SPACE}", " ").strip(" ")
    if not text:
        raise _Odd("is empty")
    if len(text) > most:
        raise _Odd(f"is {len(text)} characters long, more than {most}")
    if not text.isprintable():
        raise _Odd("holds control characters or characters that turn the direction of writing")
    if not MARKUP.isdisjoint(text):
        raise _Odd("holds < or >")
    return unicodedata.normalize("NFC", text)


def _clean_email(value: str | bytes) -> str:
    text = _text(value)
    if len(text) > MAX_EMAIL or not EMAIL.fullmatch(text):
        raise _Odd("is no mail address")
    return text


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Odd("is not UTF-8") from error
