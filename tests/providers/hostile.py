"""A provider of OpenID Connect that speaks the protocol for real and lies at every point where one can lie.

    with HostileProvider() as house:
        house.person(sub="sub-alice", preferred_username="alice", groups=["active"])
        back = house.authorize(portal_redirect)      # the address at which the portal would be opened again
        house.id_token["aud"] = "somebody-else"      # claims put into every ID token; None takes one out
        house.header["alg"] = "none"                 # header of every ID token; `signer` and `key` say how it is signed
        house.answers["/token"] = Answer(500, "no")  # sent in place of the true answer
        house.hangs.add("/jwks")                     # taken, and never answered
        house.codes_last = True                      # a code may be redeemed again; `checks_pkce` is as careless
        house.calm()                                 # an honest house again

It runs in a thread, checks PKCE, client and redirect address like an honest one, and gives each code once. A hanging
answer ends with `calm` or with the block.
"""

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.children import free_port

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_HANG_S = 20.0


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `drip_s` is the pause after each byte, of the body or from the first header on."""

    status: int
    body: str | bytes
    kind: str = "application/json"
    more: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0
    drips_headers: bool = False


@dataclass
class Key:
    """A signing key with the id it is published under."""

    private: Any
    kid: str

    @classmethod
    def rsa(cls, kid: str = "") -> "Key":
        """RSA of 2,048 bits, as RS256 takes."""
        return cls(rsa.generate_private_key(65537, 2048), kid or secrets.token_hex(4))

    @property
    def jwk(self) -> dict[str, Any]:
        """What is published."""
        kind = "RS256" if isinstance(self.private, RSAPrivateKey) else "ES256"
        algorithm = jwt.get_algorithm_by_name(kind)
        return {**json.loads(algorithm.to_jwk(self.private.public_key())), "kid": self.kid, "use": "sig", "alg": kind}

    @property
    def pem(self) -> bytes:
        """The public half, which a confused client would take for a secret."""
        return bytes(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


FIRST, SECOND, FOREIGN = Key.rsa("first"), Key.rsa("second"), Key.rsa("foreign")
CURVE = Key(ec.generate_private_key(ec.SECP256R1()), "curve")


@dataclass
class Grant:
    """What a code stands for until it is redeemed."""

    asked: dict[str, str]
    claims: dict[str, Any]
    auth_time: float


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(claims: dict[str, Any], header: dict[str, Any], key: object) -> str:
    """A compact JWS of exactly these parts. `key`: a Key, or bytes as a shared secret; unsigned for alg none."""
    signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    alg = str(header.get("alg", ""))
    if alg.lower() == "none":
        return signed + "."
    if isinstance(key, bytes):
        return f"{signed}.{b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"
    assert isinstance(key, Key)
    name = "RS256" if isinstance(key.private, RSAPrivateKey) else "ES256"
    return f"{signed}.{b64(jwt.get_algorithm_by_name(name).sign(signed.encode(), key.private))}"


@dataclass(frozen=True)
class FromNow:
    """A time in a claim, so many seconds from the moment the token is made."""

    seconds: int
    is_text: bool = False


def _now(value: object) -> object:
    if not isinstance(value, FromNow):
        return value
    at = int(time.time()) + value.seconds
    return str(at) if value.is_text else at


class HostileProvider:
    """Honest until told otherwise."""

    client_id, client_secret = "vmportal", "the-clients-secret-that-nobody-knows"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port, self._tls = free_port(), tls
        self.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.codes: dict[str, Grant] = {}
        self.access_tokens: dict[str, dict[str, Any]] = {}
        self.seen: list[str] = []
        self._release = threading.Event()
        self.calm()

    def calm(self) -> None:
        """An honest house: one key, one person, true answers. Codes and sessions are forgotten."""
        self._release.set()
        self._release = threading.Event()
        self.keys, self.key = [FIRST], FIRST
        self.document: dict[str, Any] = {}
        self.id_token: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.signer: bytes | None = None
        self.forge: Callable[[str], object] = lambda token: token
        self.user_info: dict[str, Any] = {}
        self.callback: dict[str, str] = {}
        self.answers: dict[str, Answer] = {}
        self.hangs: set[str] = set()
        self.shift_s = self.auth_age_s = 0.0
        self.codes_last, self.checks_pkce = False, True
        self.codes.clear()
        self.sid = "session-at-the-house"
        self.person(sub="sub-alice", preferred_username="alice", name="Alice", groups=["active"])
        self.seen.clear()

    def person(self, **claims: Any) -> None:
        """Who signs in from now on."""
        self.claims = claims

    # ---- the browser's part

    def authorize(self, url: str) -> str:
        """What the browser comes back with: the callback's address, path and query only."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == self.issuer + "/auth", url
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        code = secrets.token_urlsafe(16)
        self.codes[code] = Grant(asked, dict(self.claims), time.time() + self.shift_s - self.auth_age_s)
        back = {"code": code, "state": asked["state"], "iss": self.issuer, **self.callback}
        kept = {name: value for name, value in back.items() if value}
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode(kept)}"

    def refuse(self, url: str, error: str) -> str:
        """The callback's address when the house says no."""
        asked = parse_qs(urlsplit(url).query)
        back = {"error": error, "state": asked["state"][0], "iss": self.issuer}
        return f"{urlsplit(asked['redirect_uri'][0]).path}?{urlencode(back)}"

    # ---- tokens

    def make_id_token(self, grant: Grant) -> object:
        """An ID token for this grant, with the lies that are set."""
        now = int(time.time() + self.shift_s)
        claims = {
            "iss": self.issuer, "sub": grant.claims["sub"], "aud": self.client_id, "exp": now + 600, "iat": now,
            "nonce": grant.asked.get("nonce"), "sid": self.sid, "auth_time": int(grant.auth_time), **self.id_token,
        }  # fmt: skip
        return self.forge(self._signed(claims))

    def logout_token(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A logout token; None takes a claim out."""
        now = int(time.time() + self.shift_s)
        true = {
            "iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8),
            "sid": self.sid, "events": {EVENT: {}},
        }  # fmt: skip
        return self._signed({**true, **claims}, header or {"typ": "logout+jwt"})

    def _signed(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        head = {"alg": "RS256", "kid": self.key.kid, "typ": "JWT", **(header or {}), **self.header}
        kept = {name: _now(value) for name, value in claims.items() if value is not None}
        return sign(kept, {n: v for n, v in head.items() if v is not None}, self.signer or self.key)

    # ---- the server's part

    def answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        """What an honest house would say, but for the lies."""
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return as_json(self._document())
        if path == "/jwks":
            return as_json({"keys": [key.jwk for key in self.keys]})
        if path == "/token":
            return self._redeem(form)
        if path == "/me":
            claims = self.access_tokens.get(authorization.removeprefix("Bearer "))
            return as_json({**claims, **self.user_info}) if claims else Answer(401, '{"error":"invalid_token"}')
        return Answer(404, "{}")

    def _document(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer, "authorization_endpoint": self.issuer + "/auth", "jwks_uri": self.issuer + "/jwks",
            "token_endpoint": self.issuer + "/token", "userinfo_endpoint": self.issuer + "/me",
            "end_session_endpoint": self.issuer + "/end", "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["client_secret_post"], **self.document,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}

    def _redeem(self, form: dict[str, str]) -> Answer:
        grant = self.codes.get(form.get("code", "")) if self.codes_last else self.codes.pop(form.get("code", ""), None)
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return Answer(401, '{"error":"invalid_client"}')
        if grant is None or form.get("redirect_uri") != grant.asked["redirect_uri"]:
            return Answer(400, '{"error":"invalid_grant"}')
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if not self.checks_pkce:
            challenge = grant.asked["code_challenge"]
        if grant.asked.get("code_challenge_method") != "S256" or grant.asked.get("code_challenge") != challenge:
            return Answer(400, '{"error":"invalid_grant"}')
        access_token = secrets.token_urlsafe(16)
        self.access_tokens[access_token] = grant.claims
        return as_json({"access_token": access_token, "token_type": "Bearer", "id_token": self.make_id_token(grant)})

    def hang(self) -> None:
        """Until somebody releases it."""
        self._release.wait(LONGEST_HANG_S)

    def drip(self, pause_s: float) -> bool:
        """The pause between two bytes; True when it was cut short."""
        return self._release.wait(pause_s)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def down(self) -> None:
        """Nobody listens at the port any more."""
        self._release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def up(self) -> None:
        """Listens, also again."""
        house = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self._serve({name: values[0] for name, values in parse_qs(body).items()})

            def _serve(self, form: dict[str, str]) -> None:
                path = urlsplit(self.path).path
                house.seen.append(path)
                if path in house.hangs:
                    house.hang()
                    self.close_connection = True
                    return
                self._send(house.answer(path, form, self.headers.get("Authorization", "")))

            def _send(self, answer: Answer) -> None:
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                try:
                    if answer.drips_headers:
                        self._drip(b"HTTP/1.0 200 OK\r\nX-Long: " + body, answer.drip_s)
                        return
                    self.send_response(answer.status)
                    headers = {"Content-Type": answer.kind, "Content-Length": str(len(body)), **answer.more}
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    if not answer.drip_s:
                        self.wfile.write(body)
                        return
                    self._drip(body, answer.drip_s)
                except OSError:
                    self.close_connection = True  # whoever asked has hung up

            def _drip(self, text: bytes, pause_s: float) -> None:
                for byte in text:
                    self.wfile.write(bytes([byte]))
                    if house.drip(pause_s):
                        return

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()


def as_json(value: object) -> Answer:
    """An honest answer."""
    return Answer(200, json.dumps(value))
