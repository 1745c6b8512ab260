"""A house's directory as a child of a test: slapd with a tree of its own, in either layout.

with SlapdServer(people=[Person("alice")], groups={"rtp": ["alice"]}) as slapd, asked(slapd):
    ...  # accounts.ldap.reader.read()
"""

import signal
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

import ldap
import ldif
from django.db import connections
from django.test import override_settings
from ldap.controls import ManageDSAITControl

from devcluster.tls import ensure_certificates
from tests.children import STOP_S, Child, free_port, listens, need, wait_until
from tests.slapd_tree import (
    ELSEWHERE,
    POLICY,
    PORTAL,
    ROOT,
    SCHEMA,
    Entry,
    Person,
    Tree,
    configuration,
    in_bytes,
    limits,
    many,
    uuid_for,
)  # fmt: skip

__all__ = ["BlackHole", "Person", "SlapdServer", "asked", "many", "uuid_for"]

DATABASE = "olcDatabase={1}mdb,cn=config"


class SlapdServer(Child):
    """slapd on ports of its own of the loopback; up in a tenth of a second.

    `groups`: name → uids, or DNs where a group holds groups. `tls`: StartTLS, and an ldaps:// port, signed by a
    throw-away CA in `ca_file`. The portal binds as `PORTAL`; the test's own changes are made as the directory's root.
    """

    def __init__(
        self,
        *,
        layout: str = "freeipa",
        people: Sequence[Person] = (),
        groups: Mapping[str, Iterable[str]] | None = None,
        tls: bool = False,
        memberof: bool = False,
        size_limit: str = "unlimited",
    ) -> None:
        self._slapd, self._slapadd = need("slapd"), need("slapadd")
        super().__init__("slapd")
        self.tree, self.layout = Tree(layout), layout
        self.tls, self.memberof, self.size_limit = tls, memberof, size_limit
        self.port, self.tls_port = free_port(), free_port()
        self.password, self._root_password = "the-portal-reads", "the-test-writes"
        self._people, self._groups = list(people), dict(groups or {})
        self._conf = self.folder / "slapd.conf"

    # --- where it is ---

    @property
    def url(self) -> str:
        """ldap://, in the clear unless StartTLS is asked for."""
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """ldaps://, where `tls`."""
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def unnamed_url(self) -> str:
        """ldaps:// at an address that its certificate does not name."""
        return f"ldaps://127.0.0.2:{self.tls_port}"

    @property
    def socket_url(self) -> str:
        """ldapi://"""
        return f"ldapi://{quote(str(self.folder / 'socket'), safe='')}"

    @property
    def ca_file(self) -> Path:
        """The authority that signed its certificate."""
        return self.folder / "tls" / "ca.pem"

    def settings(self) -> dict[str, Any]:
        """The portal's settings LDAP_*, with short times."""
        return {
            "LDAP_URL": self.url,
            "LDAP_BIND_DN": PORTAL,
            "LDAP_BIND_PASSWORD": self.password,
            "LDAP_START_TLS": self.tls,
            "LDAP_CA_FILE": str(self.ca_file) if self.tls else "",
            "LDAP_LAYOUT": self.layout,
            "LDAP_MEMBER_BASE": self.tree.member_base,
            "LDAP_GROUP_BASE": self.tree.group_base,
            "LDAP_CONNECT_TIMEOUT_S": 1.0,
            "LDAP_TIMEOUT_S": 2.0,
        }

    def env(self) -> dict[str, str]:
        """The same as variables, for a child process."""
        words = {True: "yes", False: "no"}
        return {name: words[it] if isinstance(it, bool) else str(it) for name, it in self.settings().items()}

    # --- its life ---

    def __enter__(self) -> Self:
        (self.folder / "data").mkdir()
        (self.folder / "house.schema").write_text(SCHEMA, encoding="ascii")
        if self.tls:
            (self.folder / "tls").mkdir()
            ensure_certificates(self.folder / "tls", [])
        tree = self.folder / "tree.ldif"
        with tree.open("w", encoding="ascii") as file:
            writer = ldif.LDIFWriter(file)
            for dn, entry in self._entries():
                writer.unparse(dn, entry)
        self._configure()
        self.run([self._slapadd, "-q", "-f", str(self._conf), "-l", str(tree)])
        self.up()
        if self.memberof:  # slapadd leaves memberOf empty
            for name, holds in self._groups.items():
                self.set_group(name, holds)
        return self

    def up(self) -> None:
        """Starts it, also again, on the same ports with the same tree."""
        self._configure()
        urls = [self.url, self.socket_url, *([self.tls_url, self.unnamed_url] if self.tls else [])]
        command = [self._slapd, "-f", str(self._conf), "-h", " ".join(urls), "-d", "0"]
        self.start(command, ready=lambda: listens(self.port))

    def down(self) -> None:
        """Stops it; `up` starts it again."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(STOP_S)

    def freeze(self) -> None:
        """Connections are taken by the kernel, and never answered. Returns when every thread stands still."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        wait_until(lambda: all(_stands_still(task) for task in tasks.iterdir()), what="slapd to stand still")

    def thaw(self) -> None:
        """Goes on."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.thaw()
        self.stop()

    # --- its tree ---

    def add(self, *people: Person) -> None:
        """New members; in the plain layout the server gives them their UUIDs."""
        with self.root() as directory:
            for person in people:
                self._add(directory, self.tree.member_dn(person), self.tree.member(person))

    def remove(self, *members: str | Person) -> None:
        """Members leave the tree; groups go on listing them, unless `memberof`."""
        with self.root() as directory:
            for member in members:
                directory.delete_s(self.tree.member_dn(member))

    def move_away(self, *uids: str) -> None:
        """Members' entries go where the portal does not look, as when a part of the tree is moved."""
        with self.root() as directory:
            for uid in uids:
                directory.rename_s(self.tree.member_dn(uid), f"uid={uid}", ELSEWHERE)

    def move_back(self, *uids: str) -> None:
        """And come back."""
        with self.root() as directory:
            for uid in uids:
                directory.rename_s(f"uid={uid},{ELSEWHERE}", f"uid={uid}", self.tree.member_base)

    def change(self, member: str | Person, **attributes: Sequence[str | bytes]) -> None:
        """A member's attributes get these values; [] takes one away."""
        self.modify(self.tree.member_dn(member), attributes)

    def set_group(self, name: str, holds: Iterable[str]) -> None:
        """The group lists these uids, or DNs where it holds groups; it is made where it is missing."""
        entry = self.tree.group(name, holds)
        with self.root() as directory:
            try:
                directory.modify_s(self.tree.group_dn(name), [(ldap.MOD_REPLACE, "member", entry["member"])])
            except ldap.NO_SUCH_OBJECT:
                self._add(directory, self.tree.group_dn(name), entry)

    def rename_group(self, name: str, new: str) -> None:
        """The group gets another name."""
        with self.root() as directory:
            directory.rename_s(self.tree.group_dn(name), f"cn={new}")

    def remove_group(self, name: str) -> None:
        """The group goes."""
        with self.root() as directory:
            directory.delete_s(self.tree.group_dn(name))

    def modify(self, dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> None:
        """Any entry's attributes get these values."""
        changes = [(ldap.MOD_REPLACE, name, in_bytes({name: values}).get(name)) for name, values in attributes.items()]
        with self.root() as directory:
            directory.modify_s(dn, changes)

    def uuid_of(self, uid: str) -> UUID:
        """The UUID that the member's entry has now."""
        attribute = "ipaUniqueID" if self.layout == "freeipa" else "entryUUID"
        with self.root() as directory:
            found = directory.search_s(self.tree.member_dn(uid), ldap.SCOPE_BASE, attrlist=[attribute])
        return UUID(found[0][1][attribute][0].decode())

    # --- its faults ---

    def limit_size(self, size: str) -> None:
        """A search gives the portal at most so many entries; "unlimited" again."""
        self.size_limit = size
        with self.root(configuration=True) as directory:
            directory.modify_s(DATABASE, [(ldap.MOD_REPLACE, "olcLimits", [limits(size).encode()])])

    def expire_password(self, *, expired: bool = True) -> None:
        """The portal's password is a year too old, or good again."""
        self.modify(POLICY, {"pwdMaxAge": ["86400" if expired else "0"]})

    def change_password(self, password: str) -> None:
        """Somebody gave the portal's account another password and told nobody."""
        self.modify(PORTAL, {"userPassword": [password]})

    def refer(self, url: str = "ldap://127.0.0.1:9/ou=far,dc=house,dc=test") -> None:
        """A part of the members is said to be on another server."""
        entry = {"objectClass": ["referral", "extensibleObject"], "ou": ["far"], "ref": [url]}
        with self.root() as directory:
            self._add(directory, f"ou=far,{self.tree.member_base}", in_bytes(entry))

    def refer_no_more(self) -> None:
        """The referral goes."""
        with self.root() as directory:
            directory.delete_ext_s(f"ou=far,{self.tree.member_base}", serverctrls=[ManageDSAITControl()])

    @contextmanager
    def root(self, *, configuration: bool = False) -> Iterator[Any]:
        """A connection that may do anything to the tree, or to the configuration."""
        directory = ldap.initialize(self.socket_url)
        directory.set_option(ldap.OPT_TIMEOUT, STOP_S)
        directory.simple_bind_s("cn=config" if configuration else ROOT, self._root_password)
        try:
            yield directory
        finally:
            directory.unbind_s()

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        yield from self.tree.frame(self.password)
        for person in self._people:
            yield self.tree.member_dn(person), self.tree.loaded(person)
        if not self.memberof:
            for name, holds in self._groups.items():
                yield self.tree.group_dn(name), self.tree.group(name, holds)

    def _configure(self) -> None:
        text = configuration(
            self.folder, root_password=self._root_password, size_limit=self.size_limit,
            tls=self.tls, memberof=self.memberof,
        )  # fmt: skip
        self._conf.write_text(text, encoding="ascii")

    @staticmethod
    def _add(directory: Any, dn: str, entry: Entry) -> None:
        directory.add_s(dn, list(entry.items()))


def _stands_still(task: Path) -> bool:
    return (task / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"


class BlackHole:
    """A port that drops what is sent to it: a listener whose queue is full answers no SYN.

    Used as `with BlackHole() as hole: ... hole.url`.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=0)
        self._queued: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Its ldap:// address."""
        return f"ldap://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        for _ in range(4):
            queued = socket.socket()
            queued.setblocking(False)
            queued.connect_ex(("127.0.0.1", self.port))
            self._queued.append(queued)
        return self

    def __exit__(self, *error: object) -> None:
        for opened in (*self._queued, self._listener):
            opened.close()


@contextmanager
def asked(slapd: SlapdServer, **settings: Any) -> Iterator[None]:
    """The portal asks this directory meanwhile; `settings` replace some of LDAP_*.

    Outside of it Django refuses a test to ask the directory. The connection is a new one, without that refusal.
    """
    chosen = {**slapd.settings(), **settings}
    entry = connections.settings["ldap"]
    before, refusing = dict(entry), connections["ldap"]
    entry |= {
        "NAME": chosen["LDAP_URL"], "USER": chosen["LDAP_BIND_DN"],
        "PASSWORD": chosen["LDAP_BIND_PASSWORD"], "TLS": chosen["LDAP_START_TLS"],
    }  # fmt: skip
    connections["ldap"] = connections.create_connection("ldap")
    let_in()
    try:
        with override_settings(**chosen):
            yield
    finally:
        connections["ldap"].close()
        connections["ldap"] = refusing
        entry.clear()
        entry |= before


def let_in() -> None:
    """Lets this thread's connection ask the directory beside the database; a thread of a test says it for itself.

    Django refuses a test every connection but the database's, by its name in the settings; this one has none there.
    """
    connections["ldap"].alias = "asked"
