"""slapd as the directory of a demo house: its configuration, its people and its groups, all on the loopback."""

import base64
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

SUFFIX = "dc=demo,dc=house"
MEMBERS, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
ADMIN, READER = f"cn=admin,{SUFFIX}", f"uid=portal,ou=services,{SUFFIX}"
SCHEMAS = tuple(f"/etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson"))
MODULES = "/usr/lib/ldap"
#: Sign-in name to full name and groups.
PEOPLE = {
    "alice": ("Alice Archer", ("active",)),
    "bob": ("Bob Baker", ("active",)),
    "carol": ("Carol Cooper", ("active",)),
    "rita": ("Rita Ranger", ("active", "rtp")),
}


def program(name: str) -> str | None:
    """Where slapd or ldapadd is; Debian keeps slapd where only root looks for programs."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def command(configuration: Path, port: int) -> list[str]:
    """slapd in the foreground."""
    return [program("slapd") or "slapd", "-f", str(configuration), "-h", url(port), "-d", "0"]


def add_command(port: int, password_file: Path, entries: Path) -> list[str]:
    """What puts the entries in; not slapadd, which would leave memberOf empty."""
    login = ["-x", "-H", url(port), "-D", ADMIN, "-y", str(password_file)]
    return [program("ldapadd") or "ldapadd", *login, "-f", str(entries)]


def url(port: int) -> str:
    """What LDAP_URL takes."""
    return f"ldap://127.0.0.1:{port}"


def configuration(data: Path, admin_password: str, *schemas: str) -> str:
    """slapd.conf: people may check their own password, the portal may read, nobody else sees anything."""
    include = "\n".join(f"include {schema}" for schema in (*SCHEMAS, *schemas))
    return f"""{include}
modulepath {MODULES}
moduleload back_mdb
moduleload memberof
database mdb
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw {hashed(admin_password)}
directory "{data}"
maxsize 67108864
overlay memberof
limits dn.exact="{READER}" size=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by * none
"""


def entries(passwords: Mapping[str, str], reader_password: str) -> str:
    """The whole tree as LDIF: the service account of the portal, the people and their groups."""
    top = [f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: demo\no: Demo House\n"]
    units = [
        f"dn: ou={name},{SUFFIX}\nobjectClass: organizationalUnit\nou: {name}\n"
        for name in ("people", "groups", "services")
    ]
    reader = [f"dn: {READER}\nobjectClass: account\nobjectClass: simpleSecurityObject\nuid: portal\n"
              f"userPassword: {hashed(reader_password)}\n"]  # fmt: skip
    people = [_person(uid, name, passwords[uid]) for uid, (name, _) in PEOPLE.items()]
    names = sorted({group for _, groups in PEOPLE.values() for group in groups})
    return "\n".join([*top, *units, *reader, *people, *(_group(name) for name in names)])


def _person(uid: str, name: str, password: str) -> str:
    surname = name.rsplit(maxsplit=1)[-1]
    return (f"dn: uid={uid},{MEMBERS}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {surname}\n"
            f"mail: {uid}@house.example\nuserPassword: {hashed(password)}\n")  # fmt: skip


def _group(name: str) -> str:
    members = "".join(f"member: uid={uid},{MEMBERS}\n" for uid, (_, groups) in PEOPLE.items() if name in groups)
    return f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n{members}"


def hashed(password: str) -> str:
    """Salted, as slapd itself understands it."""
    salt = os.urandom(16)
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=True).digest()  # noqa: S324 (slapd's own scheme)
    return "{SSHA}" + base64.b64encode(digest + salt).decode()
