"""`make demo-house`: the demo with a house behind it, so that a person signs in the way a house does.

The same portal and stand-in cluster as `make demo`, and besides: slapd with the members and their groups, Canaille with
the sign-in page over it, and one local account for emergencies. alice, bob, carol and rita have no account at the
portal before the directory is read; rita is RTP because the directory's group `rtp` lists her. Everything is in
.demo-house/ and on the loopback.
"""

import argparse
import http.client
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts import demo, house_directory, house_sign_in
from scripts.processes import LOOPBACK, Child, accepts, can_listen
from scripts.speech import ROOT, Refusal, guarded, say

FOLDER = ROOT / ".demo-house"
EMERGENCY = "breakglass"
PEOPLE = demo.PEOPLE | {"rita": "RTP, because the directory's group rtp lists her"}
CLIENT = "vmportal"


class HouseDemo(demo.Demo):
    """The demo, with a directory and a sign-in page that it is told about by its settings."""

    name = "demo-house"

    def __init__(self, folder: Path, port: int, guests: str) -> None:
        super().__init__(folder, port, guests)
        self.house = folder / "house"
        self.sign_in_port = int(demo.remembered(folder / "sign-in-port", lambda: str(free_port(port + 1))))
        self.directory_port = free_port(20_000 + secrets.randbelow(12_000))

    def open_house(self, environment: dict[str, str]) -> dict[str, str]:
        """Starts slapd, fills it once, and starts Canaille; what the portal is told of both."""
        if not can_listen(self.sign_in_port):
            raise Refusal(
                f"Port {self.sign_in_port}, where this demo's house signs people in, is in use by another program.\n"
                "Stop that program, or start anew at another port: make demo-reset"
            )
        self.house.mkdir(mode=0o700, exist_ok=True)
        (self.house / "directory").mkdir(mode=0o700, exist_ok=True)
        self.start_directory(environment)
        self.start_sign_in(environment)
        return self.directory_settings() | self.sign_in_settings()

    def start_directory(self, environment: dict[str, str]) -> None:
        """slapd, with its people in it."""
        file = self.written("slapd.conf", house_directory.configuration(
            self.house / "directory", self.secret("admin"), str(house_sign_in.schema())))  # fmt: skip
        self.written("address", house_directory.url(self.directory_port) + "\n")
        self.family.start("directory", house_directory.command(file, self.directory_port), environment)
        self.family.wait_for("the directory", lambda: accepts(self.directory_port), deadline_s=30)
        mark = self.house / "filled"
        if not mark.exists():
            self.fill_directory(environment)
            mark.touch(mode=0o600)

    def fill_directory(self, environment: dict[str, str]) -> None:
        """The people, with the passwords that are printed."""
        entries = self.written("entries.ldif", house_directory.entries(self.sign_ins(), self.secret("reader")))
        self.secret("admin")
        add = house_directory.add_command(self.directory_port, self.house / "admin", entries)
        self.family.finish(self.family.start("directory-entries", add, environment), "ldapadd", deadline_s=60)

    def start_sign_in(self, environment: dict[str, str]) -> Child:
        """Canaille, which takes some seconds; `people` waits for it."""
        directory = house_sign_in.Directory(
            house_directory.url(self.directory_port), house_directory.SUFFIX, house_directory.ADMIN,
            self.secret("admin"), house_directory.MEMBERS, house_directory.GROUPS,
        )  # fmt: skip
        client = house_sign_in.Client(f"http://{LOOPBACK}:{self.port}", CLIENT, self.secret("client"))
        settings = house_sign_in.settings(
            self.sign_in_port, directory, client, secret_key=self.secret("cookies"),
            key_file=str(self.house / "signing-key.json"),
        )  # fmt: skip
        file = self.written("canaille.json", json.dumps(settings))
        return self.family.start("sign-in", house_sign_in.command(file), environment)

    def people(self, environment: dict[str, str]) -> None:
        """Reads the directory, which makes the members; then the pools of theirs and the account for emergencies."""
        self.finish("sync-directory", environment, "sync_directory")
        self.finish("seed", environment, "seed_demo", "--house", "--sign-ins", str(self.folder / "sign-ins.json"))
        self.family.wait_for("the house's sign-in page", self.sign_in_answers, deadline_s=90)

    def sign_in_answers(self) -> bool:
        """True where the provider describes itself."""
        connection = http.client.HTTPConnection(LOOPBACK, self.sign_in_port, timeout=20)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def directory_settings(self) -> dict[str, str]:
        """How the portal reads the directory."""
        return {
            "LDAP_URL": house_directory.url(self.directory_port),
            "LDAP_START_TLS": "no",  # on the loopback, between two processes of this demo
            "LDAP_BIND_DN": house_directory.READER,
            "LDAP_BIND_PASSWORD": self.secret("reader"),
            "LDAP_LAYOUT": "plain",
            "LDAP_MEMBER_BASE": house_directory.MEMBERS,
            "LDAP_GROUP_BASE": house_directory.GROUPS,
            "DIRECTORY_PERIOD_S": "60",
        }

    def sign_in_settings(self) -> dict[str, str]:
        """How the portal sends people to the house."""
        return {
            "OIDC_ISSUER": house_sign_in.issuer(self.sign_in_port),
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": self.secret("client"),
        }

    def sign_ins(self) -> dict[str, str]:
        """Name to password, of the house's people and of the local account."""
        return dict(json.loads((self.folder / "sign-ins.json").read_text(encoding="utf-8")))

    def secret(self, name: str) -> str:
        """One of the demo's own secrets, kept."""
        return demo.remembered(self.house / name, lambda: secrets.token_urlsafe(24))

    def written(self, name: str, text: str) -> Path:
        """A file of the house, for nobody else to read."""
        file = self.house / name
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        return file

    def greet(self) -> None:
        """The addresses, and who signs in where."""
        signs = self.sign_ins()
        say(f"\n  VMPortal is at         http://{LOOPBACK}:{self.port}/")
        say(f"  The house signs in at  http://{LOOPBACK}:{self.sign_in_port}/  (the portal's button leads there)\n")
        say("  House accounts:")
        for name, what in PEOPLE.items():
            say(f"    {name:<11} {signs[name]}   {what}")
        say("\n  Local account, for when the house's sign-in is down; the form is below the button:")
        say(f"    {EMERGENCY:<11} {signs[EMERGENCY]}   RTP; without a second factor, which only a demo may do")
        self.say_the_rest()


def main() -> int:
    """Starts and waits."""
    return demo.run(parse(sys.argv[1:]), HouseDemo, (*PEOPLE, EMERGENCY))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The same command line as the demo's."""
    return demo.parse(arguments, prog="scripts.demo_house", folder=FOLDER)


def free_port(first: int) -> int:
    """The first free port from this one on."""
    for port in range(first, min(first + 200, 65_536)):
        if can_listen(port):
            return port
    raise Refusal(f"No port from {first} to {first + 199} is free. Choose another, such as: make demo-house PORT=9000")


if __name__ == "__main__":
    sys.exit(guarded(main))
