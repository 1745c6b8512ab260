"""The tree of a house's directory, in either layout, and the configuration of the slapd that serves it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import NAMESPACE_DNS, UUID, uuid5

from ldap.dn import escape_dn_chars

SUFFIX = "dc=house,dc=test"
ROOT = f"cn=root,{SUFFIX}"
SERVICES = f"ou=services,{SUFFIX}"
PORTAL = f"uid=portal,{SERVICES}"
POLICY = f"cn=passwords,{SERVICES}"
ELSEWHERE = f"ou=elsewhere,{SUFFIX}"
NOBODY = f"cn=nobody,{SUFFIX}"  # groupOfNames must list somebody; nobody has no entry
MEMBER_BASES = {"freeipa": f"cn=users,cn=accounts,{SUFFIX}", "plain": f"ou=people,{SUFFIX}"}
GROUP_BASES = {"freeipa": f"cn=groups,cn=accounts,{SUFFIX}", "plain": f"ou=groups,{SUFFIX}"}
#: What Debian's slapd lacks of FreeIPA, in our own words, and an attribute for any bytes. OIDs made from a UUID.
SCHEMA = """
attributetype ( 2.25.304141981177711.1 NAME 'ipaUniqueID' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 2.25.304141981177711.2 NAME 'anyBytes' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 2.25.304141981177711.3 NAME 'ipaObject' SUP top AUXILIARY MAY ( ipaUniqueID ) )
objectclass ( 2.25.304141981177711.4 NAME 'anything' SUP top AUXILIARY MAY ( anyBytes ) )
"""
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/house.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
pidfile {folder}/pid
threads 4
{tls}
database config
rootdn cn=config
rootpw {root_password}
database mdb
suffix "{suffix}"
rootdn "{root}"
rootpw {root_password}
directory {folder}/data
maxsize 268435456
dbnosync
index objectClass,uid eq
sizelimit 500
limits {limits}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{portal}" read by * none
overlay ppolicy
ppolicy_default "{policy}"
{overlays}
"""
TLS = """
TLSCACertificateFile {folder}/tls/ca.pem
TLSCertificateFile {folder}/tls/pve-ssl.pem
TLSCertificateKeyFile {folder}/tls/pve-ssl.key
"""

Entry = dict[str, list[bytes]]


@dataclass(frozen=True)
class Person:
    """One member's entry. `rdn` names it instead of the uid; `attributes` replace or add, and [] takes one away."""

    uid: str
    name: str = ""
    mail: str = ""
    uuid: UUID | None = None
    rdn: str = ""
    attributes: Mapping[str, Sequence[str | bytes]] = field(default_factory=dict)


def many(n: int, *, start: int = 1) -> list[Person]:
    """m0001, m0002 …"""
    return [Person(f"m{number:04}") for number in range(start, start + n)]


def uuid_for(uid: str) -> UUID:
    """The UUID of a member that was given none."""
    return uuid5(NAMESPACE_DNS, f"{uid}.house.test")


class Tree:
    """Entries of one layout."""

    def __init__(self, layout: str) -> None:
        self.layout = layout
        self.member_base, self.group_base = MEMBER_BASES[layout], GROUP_BASES[layout]

    def member_dn(self, member: str | Person) -> str:
        """Where a member's entry is."""
        named = member if isinstance(member, Person) else Person(member)
        return f"{named.rdn or f'uid={escape_dn_chars(named.uid)}'},{self.member_base}"

    def group_dn(self, name: str) -> str:
        """Where a group's entry is."""
        return f"cn={escape_dn_chars(name)},{self.group_base}"

    def member(self, person: Person) -> Entry:
        """A member's entry as it is added; in the plain layout the server gives the UUID."""
        name = person.name or person.uid.title()
        entry: dict[str, Sequence[str | bytes]] = {
            "objectClass": ["inetOrgPerson", "anything"],
            "uid": [person.uid],
            "cn": [name],
            "sn": [name],
            "mail": [person.mail or f"{person.uid}@house.test"],
        }
        if self.layout == "freeipa":
            entry["objectClass"] = ["inetOrgPerson", "posixAccount", "ipaObject", "anything"]
            entry |= {"uidNumber": ["1000"], "gidNumber": ["1000"], "homeDirectory": ["/home"]}
            entry["ipaUniqueID"] = [str(person.uuid or uuid_for(person.uid))]
        return in_bytes(entry | dict(person.attributes))

    def group(self, name: str, holds: Iterable[str]) -> Entry:
        """A group's entry. `holds`: uids, and DNs for groups in it."""
        dns = [held if "=" in held else self.member_dn(held) for held in holds]
        return in_bytes({"objectClass": ["groupOfNames"], "cn": [name], "member": dns or [NOBODY]})

    def frame(self, password: str) -> Iterator[tuple[str, Entry]]:
        """What stands around the members: the bases, and the portal's own account with a rule for its password."""
        yield SUFFIX, in_bytes({"objectClass": ["dcObject", "organization"], "dc": ["house"], "o": ["House"]})
        if self.layout == "freeipa":
            yield f"cn=accounts,{SUFFIX}", in_bytes({"objectClass": ["applicationProcess"], "cn": ["accounts"]})
        for dn in (self.member_base, self.group_base, SERVICES, ELSEWHERE):
            attribute, value = dn.split(",")[0].split("=")
            kind = "organizationalUnit" if attribute == "ou" else "applicationProcess"
            yield dn, in_bytes({"objectClass": [kind], attribute: [value]})
        rule = {"objectClass": ["device", "pwdPolicy"], "cn": ["passwords"], "pwdAttribute": ["userPassword"]}
        yield POLICY, in_bytes({**rule, "pwdMaxAge": ["0"]})
        account = {"objectClass": ["account", "simpleSecurityObject"], "uid": ["portal"], "userPassword": [password]}
        yield PORTAL, in_bytes({**account, "pwdChangedTime": ["20200101000000Z"]})

    def loaded(self, person: Person) -> Entry:
        """A member's entry as it is loaded before the server starts, with its UUID in the plain layout too."""
        known = {} if self.layout == "freeipa" else {"entryUUID": [str(person.uuid or uuid_for(person.uid)).encode()]}
        return {**known, **self.member(person)}


def in_bytes(entry: Mapping[str, Sequence[str | bytes]]) -> Entry:
    """As python-ldap takes it, without what is empty."""
    return {
        name: [value.encode() if isinstance(value, str) else value for value in values]
        for name, values in entry.items()
        if values
    }


def limits(size: str) -> str:
    """How many entries the portal may be given in one search."""
    return f'dn.exact="{PORTAL}" size={size}'


def configuration(folder: Path, *, root_password: str, size_limit: str, tls: bool, memberof: bool) -> str:
    """slapd.conf."""
    return CONFIGURATION.format(
        folder=folder, root_password=root_password, suffix=SUFFIX, root=ROOT, portal=PORTAL, policy=POLICY,
        limits=limits(size_limit), tls=TLS.format(folder=folder) if tls else "",
        overlays="overlay memberof\noverlay refint\nrefint_attributes member memberOf" if memberof else "",
    )  # fmt: skip
