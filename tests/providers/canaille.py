"""Canaille as a child of a test: an honest house that signs people in over its own directory.

    people = [person(one) for one in HOUSE]
    with SlapdServer(people=people, groups=groups(HOUSE), memberof=True) as slapd, Canaille(slapd, portal) as house:
        ...  # house.settings() and slapd.env() are what the portal needs; passwords are those of tests.providers.people

A subject is the sign-in name, groups are those of the directory, and what a token says is what slapd says then.
Canaille's branch of the tree and its object classes are put in at the start, by an account of its own.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Self

import httpx
import ldap
import ldif

from scripts import house_sign_in
from tests.children import Child, free_port
from tests.providers.oidc_provider import lacking
from tests.providers.people import HouseAccount
from tests.slapd import DATABASE, Person, SlapdServer
from tests.slapd_tree import SERVICES, SUFFIX, in_bytes

ACCOUNT = f"uid=sign-in,{SERVICES}"
START_S = 60.0


class Canaille(Child):
    """The provider; ready when the block begins. `slapd` must run and keep memberOf, which groups are read from."""

    def __init__(self, slapd: SlapdServer, portal: str, *, port: int = 0) -> None:
        if not house_sign_in.PYTHON.exists():
            lacking("Canaille")
        assert slapd.memberof, "Canaille reads a person's groups from memberOf"
        super().__init__("canaille")
        self.slapd, self.portal, self.port = slapd, portal, port or free_port()
        self.client_id, self.client_secret = "vmportal", secrets.token_urlsafe(24)
        self._password = secrets.token_urlsafe(24)

    def __enter__(self) -> Self:
        let_in(self.slapd, self._password)
        directory = house_sign_in.Directory(
            self.slapd.url, SUFFIX, ACCOUNT, self._password, self.slapd.tree.member_base, self.slapd.tree.group_base
        )
        settings = house_sign_in.settings(
            self.port, directory, house_sign_in.Client(self.portal, self.client_id, self.client_secret),
            secret_key=secrets.token_urlsafe(24), key_file=str(self.folder / "key.json"),
        )  # fmt: skip
        file = self.folder / "canaille.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        self.start(house_sign_in.command(file), ready=self._answers, deadline_s=START_S)
        return self

    @property
    def issuer(self) -> str:
        """What OIDC_ISSUER takes."""
        return house_sign_in.issuer(self.port)

    def settings(self) -> dict[str, str]:
        """The portal's settings for this house, all but those whose defaults fit it."""
        return {
            "OIDC_ISSUER": self.issuer, "OIDC_CLIENT_ID": self.client_id, "OIDC_CLIENT_SECRET": self.client_secret,
        }  # fmt: skip

    def _answers(self) -> bool:
        try:
            return httpx.get(self.issuer + "/.well-known/openid-configuration", trust_env=False).is_success
        except httpx.TransportError:
            return False


def person(account: HouseAccount) -> Person:
    """The account's entry in the directory, with its password."""
    return Person(account.uid, account.full_name, account.mail, attributes={"userPassword": [account.password]})


def groups(accounts: Sequence[HouseAccount]) -> dict[str, list[str]]:
    """The groups of these accounts, as SlapdServer takes them."""
    names = sorted({group for account in accounts for group in account.groups})
    return {name: [account.uid for account in accounts if name in account.groups] for name in names}


def let_in(slapd: SlapdServer, password: str) -> None:
    """Gives Canaille its object classes and an account that may write."""
    schema = house_sign_in.schema().with_suffix(".ldif")
    rule = f'{{0}}to * by dn.exact="{ACCOUNT}" manage by * break'
    account = {"objectClass": ["account", "simpleSecurityObject"], "uid": ["sign-in"], "userPassword": [password]}
    with slapd.root() as tree:
        tree.add_s(ACCOUNT, list(in_bytes(account).items()))
    with slapd.root(configuration=True) as configuration, schema.open("rb") as file:
        records = ldif.LDIFRecordList(file)
        records.parse()
        for dn, entry in records.all_records:
            configuration.add_s(dn, list(entry.items()))
        configuration.modify_s(DATABASE, [(ldap.MOD_ADD, "olcAccess", [rule.encode()])])
