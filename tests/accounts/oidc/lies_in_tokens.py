"""Lies of R-25 in ID tokens: what they say, and how they are signed."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.accounts.oidc.stage import (
    FIVE_MINUTES,
    Case,
    Stage,
    by,
    by_header,
    by_token,
    like_first,
)
from tests.providers.hostile import CURVE, FIRST, FOREIGN, SECOND, Answer, FromNow, HostileProvider


def claims_of_tokens() -> Iterator[Case]:
    """What the token says."""
    yield by_token("another issuer", iss="https://evil.example")
    yield by_token("no issuer", iss=None)
    yield by_token("issuers in a list", iss=["https://evil.example"])
    yield by_token("for another client", aud="somebody-else")
    yield by_token("for nobody", aud=None)
    yield by_token("audience of a wrong type", aud={"vmportal": True})
    yield by_token("for others in a list", aud=["one", "two"])
    yield by_token("for us and others, given to nobody", aud=["vmportal", "other"])
    yield by_token("for us, given to another", azp="somebody-else")
    yield by_token("for us and others, given to another", aud=["vmportal", "other"], azp="other")
    yield by_token("another nonce", nonce="guessed")
    yield by_token("no nonce", nonce=None)
    yield by_token("nonce of a wrong type", nonce=["x"])
    yield by_token("expired five minutes ago", exp=FromNow(-FIVE_MINUTES))
    yield by_token("never expires", exp=None)
    yield by_token("expires at infinity", exp=float("inf"))
    yield by_token("expiry of a wrong type", exp={"at": 1})
    yield by_token("valid in five minutes", nbf=FromNow(FIVE_MINUTES))
    yield by_token("made at no time", iat=None)
    yield by_token("made at a wrong type", iat=True)
    yield by_token("no subject", sub=None)
    yield by_token("empty subject", sub="")
    yield by_token("subject is a number", sub=7)
    yield by_token("subject with control characters", sub="sub\x00alice\n")
    yield by_token("subject that no database takes", sub="sub-\ud800")
    yield by_token("subject of 10,000 characters", sub="x" * 10_000)
    yield by("clock five minutes ahead", lambda stage: setattr(stage.house, "shift_s", FIVE_MINUTES))
    yield by("clock five minutes behind", lambda stage: setattr(stage.house, "shift_s", -FIVE_MINUTES))


def signatures() -> Iterator[Case]:
    """How the token is signed."""
    yield by_header("unsigned", alg="none")
    yield by_header("unsigned, in capitals", alg="NoNe")
    yield by_header("no algorithm", alg=None)
    yield by_header("the public key as a secret", signer=FIRST.pem, alg="HS256")
    yield by_header("the client's secret", signer=HostileProvider.client_secret.encode(), alg="HS256")
    yield by_header("another algorithm of the same key", alg="RS512")
    yield by_header("critical header", crit=["exp"], exp=1)
    yield by_header("a key's id that is none", kid={"a": 1})
    yield by_header("a key's id that leads elsewhere", kid="../../../dev/null")
    yield by("a foreign key under our id", lambda stage: setattr(stage.house, "key", like_first(FOREIGN)))
    yield by("a foreign key in the header", _own_jwk)
    yield by("a key from an address in the header", _own_jku)
    yield by("a curve where RSA is agreed", lambda s: _sign_with_curve(s.house))
    yield by("a key that is not for signing", lambda s: s.house.answers.update({"/jwks": _jwks(use="enc")}))
    yield by("a withdrawn key", lambda s: setattr(s.house, "keys", [SECOND]))
    yield by("a signature cut off", lambda s: setattr(s.house, "forge", lambda token: token.rpartition(".")[0] + "."))
    yield by("claims changed after signing", lambda s: setattr(s.house, "forge", _other_claims))
    yield by("no token", lambda s: setattr(s.house, "forge", lambda _: None))
    yield by("a token that is a list", lambda s: setattr(s.house, "forge", lambda token: [token]))
    yield by("a token of one megabyte", lambda s: setattr(s.house, "forge", lambda token: token + "x" * 2**18))
    yield by("a logout token in its place", lambda s: setattr(s.house, "forge", lambda _: s.house.logout_token()))


def _own_jwk(stage: Stage) -> None:
    stage.house.key = FOREIGN
    stage.house.header = {"jwk": FOREIGN.jwk, "kid": None}


def _own_jku(stage: Stage) -> None:
    stage.house.key = FOREIGN
    stage.house.header = {"jku": stage.house.issuer + "/evil-jwks", "x5u": stage.house.issuer + "/evil"}
    stage.house.answers["/evil-jwks"] = Answer(200, json.dumps({"keys": [FOREIGN.jwk]}))


def _sign_with_curve(house: HostileProvider) -> None:
    house.keys, house.key, house.header = [FIRST, CURVE], CURVE, {"alg": "ES256"}


def _jwks(**changed: Any) -> Answer:
    return Answer(200, json.dumps({"keys": [{**FIRST.jwk, **changed}]}))


def _other_claims(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "sub-rita"}).encode()).decode().rstrip("=")
    return f"{head}.{changed}.{signature}"
