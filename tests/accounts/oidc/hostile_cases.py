"""The hostile cases of R-25: each tries to get somebody in, or out, who should not be. `run` is True where it could."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.proof import SESSION_KEY as PROOF
from tests.accounts.oidc.browser import CALLBACK, LOGOUT, Browser, member
from tests.cast import person
from tests.providers.hostile import CURVE, EVENT, FIRST, FOREIGN, SECOND, Answer, HostileProvider

FIVE_MINUTES = 300


@dataclass(frozen=True)
class Stage:
    """A lying house, a portal with the row that the directory made for alice, and her browser."""

    house: HostileProvider
    settings: Settings
    alice: User
    browser: Browser

    @classmethod
    def set(cls, house: HostileProvider, settings: Settings) -> "Stage":
        """Everything new and honest."""
        return cls(house, settings, member(), Browser(house))


@dataclass(frozen=True)
class Case:
    """One attempt."""

    name: str
    run: Callable[[Stage], bool]


def gets_in(stage: Stage) -> bool:
    """Somebody signs in with what the house says now."""
    stage.browser.sign_in()
    return stage.browser.user() is not None


def by_token(name: str, **claims: Any) -> Case:
    """An ID token with these claims; None takes one out."""
    return Case(name, lambda stage: stage.house.id_token.update(claims) or gets_in(stage))


def by(name: str, lie: Callable[[Stage], object]) -> Case:
    """The sign-in after this lie was arranged."""

    def run(stage: Stage) -> bool:
        lie(stage)
        return gets_in(stage)

    return Case(name, run)


def by_header(name: str, signer: bytes | None = None, **header: Any) -> Case:
    """An ID token with this header, signed with the provider's key or with `signer` as a secret."""

    def lie(stage: Stage) -> None:
        stage.house.header, stage.house.signer = header, signer

    return by(name, lie)


def by_claims(name: str, **claims: Any) -> Case:
    """Somebody whom the house describes so."""
    return by(name, lambda stage: stage.house.person(**{"sub": "sub-eve", **claims}))


def by_answer(name: str, path: str, answer: Answer) -> Case:
    """The house answers this address so."""
    return by(name, lambda stage: stage.house.answers.update({path: answer}))


# ---- ID tokens


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
    yield by_token("expired five minutes ago", exp=int(time.time()) - FIVE_MINUTES)
    yield by_token("never expires", exp=None)
    yield by_token("expires at infinity", exp=float("inf"))
    yield by_token("expiry of a wrong type", exp={"at": 1})
    yield by_token("valid in five minutes", nbf=int(time.time()) + FIVE_MINUTES)
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
    yield by("a foreign key under our id", lambda stage: setattr(stage.house, "key", _like_first(FOREIGN)))
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


def _like_first(key: Any) -> Any:
    return type(key)(key.private, FIRST.kid)


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


# ---- the way back


def callbacks() -> Iterator[Case]:
    """What the browser brings."""
    yield Case("a state that was guessed", lambda s: _comes_back(s, state="guessed"))
    yield Case("no state", lambda s: _comes_back(s, state=""))
    yield Case("no code", lambda s: _comes_back(s, code=""))
    yield Case("a code that was guessed", lambda s: _comes_back(s, code="guessed"))
    yield Case("a code with odd characters", lambda s: _comes_back(s, code="\x00\r\nSet-Cookie: a=b"))
    yield Case("a code of 100,000 characters", lambda s: _comes_back(s, code="x" * 100_000))
    yield Case("another issuer's answer", lambda s: _comes_back(s, iss="https://evil.example"))
    yield Case("an answer without issuer where one is promised", lambda s: _comes_back(s, iss=""))
    yield Case("two codes", lambda s: _comes_back(s, more="&code=second"))
    yield Case("a code and an error", lambda s: _comes_back(s, more="&error=access_denied"))
    yield Case("another browser's callback", _other_browser)
    yield Case("another person's code in the own state", lambda s: _spliced(s, checks_pkce=True))
    yield Case("the same at a house without PKCE", lambda s: _spliced(s, checks_pkce=False))
    yield Case("the callback a second time", _replayed)
    yield Case("the callback a second time, before the first one ended", _replayed_early)
    yield Case("a trip of yesterday", _old_trip)
    yield Case("a code in the address of the local form", _code_at_the_form)


def _comes_back(stage: Stage, more: str = "", **changed: str) -> bool:
    url = stage.house.authorize(stage.browser.start())
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | changed
    stage.browser.open(f"{CALLBACK}?{urlencode({name: value for name, value in query.items() if value})}{more}")
    return stage.browser.user() is not None


def _other_browser(stage: Stage) -> bool:
    url = stage.house.authorize(stage.browser.start())
    other = Browser(stage.house)
    other.start()
    stage.browser.statuses.append(other.open(url).status_code)
    return other.user() is not None


def _spliced(stage: Stage, *, checks_pkce: bool) -> bool:
    stage.house.checks_pkce = checks_pkce
    own = stage.house.authorize(stage.browser.start())
    foreign = stage.house.authorize(Browser(stage.house).start())
    state = parse_qs(urlsplit(own).query)["state"][0]
    code = parse_qs(urlsplit(foreign).query)["code"][0]
    stage.browser.open(f"{CALLBACK}?{urlencode({'code': code, 'state': state, 'iss': stage.house.issuer})}")
    return stage.browser.user() is not None


def _replayed(stage: Stage) -> bool:
    stage.house.codes_last = True
    url = stage.house.authorize(stage.browser.start())
    stage.browser.open(url)
    assert stage.browser.user() is not None
    key = stage.browser.client.session.session_key
    stage.browser.client.logout()
    stage.browser.open(url)
    assert stage.browser.client.session.session_key != key
    return stage.browser.user() is not None


def _replayed_early(stage: Stage) -> bool:
    """The second request read the session before the first one wrote it."""
    stage.house.codes_last = True
    url = stage.house.authorize(stage.browser.start())
    before = dict(stage.browser.client.session.items())
    stage.browser.open(url)
    stage.browser.client.logout()
    session = stage.browser.client.session
    session.update(before)
    session.save()
    stage.browser.open(url)
    return stage.browser.user() is not None


def _old_trip(stage: Stage) -> bool:
    url = stage.house.authorize(stage.browser.start())
    session = stage.browser.client.session
    for entry in session["oidc_states"].values():
        entry["trip"]["started_at"] -= 86_400
    session.save()
    stage.browser.open(url)
    return stage.browser.user() is not None


def _code_at_the_form(stage: Stage) -> bool:
    stage.house.id_token["nonce"] = None
    stage.house.checks_pkce = False
    query = urlsplit(stage.house.authorize(stage.browser.start())).query
    response = stage.browser.client.post(f"/accounts/login/?{query}", {"login": "alice", "password": "x"})
    stage.browser.statuses.append(response.status_code)
    return stage.browser.user() is not None


# ---- who it is


def identities() -> Iterator[Case]:
    """Who the house says it is."""
    yield by("user info of another subject", lambda s: s.house.user_info.update(sub="sub-rita"))
    yield by("user info without a subject", lambda s: s.house.user_info.update(sub=None))
    yield by_answer("user info that says nothing", "/me", Answer(200, "{}"))
    yield by("the mail address of somebody else", lambda s: _like(s, email="bob@example.org"))
    yield by("the name of a local account", lambda s: _like(s, preferred_username="bob"))
    yield by("the name of a local account in capitals", lambda s: _like(s, preferred_username="BOB"))
    yield by("the name of somebody with another subject", _linked)
    yield by("the subject of another issuer", _other_issuer)
    yield by("the subject of a local account", _local_subject)
    yield by_claims("no name", groups=["active"])
    yield by_claims("a name that is a list", preferred_username=["alice"], groups=["active"])
    yield by_claims("a name that is a number", preferred_username=7, groups=["active"])
    yield by_claims("a name with control characters", preferred_username="ali\x00ce", groups=["active"])
    yield by_claims("a name that turns the writing", preferred_username="\u202ealice", groups=["active"])
    yield by_claims("a name with a look-alike letter", preferred_username="аlice", groups=["active"])
    yield by_claims("a name with blanks around", preferred_username=" alice ", groups=["active"])
    yield by_claims("a name that asks the database", preferred_username="alice' OR 1=1 --", groups=["active"])
    yield by_claims("a name of 10,000 characters", preferred_username="a" * 10_000, groups=["active"])
    yield by_claims("a new person in no group", preferred_username="eve")
    yield by_claims("a new person with groups as text", preferred_username="eve", groups="active-not")
    yield by_claims("a new person with nested groups", preferred_username="eve", groups=[["active"]])
    yield by_claims("a new person with groups as an object", preferred_username="eve", groups={"active": 1})
    yield by_claims("a new person with 10,000 groups", preferred_username="eve", groups=["active"] * 10_000)
    yield by_claims("a group that no database takes", preferred_username="eve", groups=["active", "\ud800"])
    yield Case("the RTP role from a claim of a wrong type", _odd_role)


def _like(stage: Stage, **claims: Any) -> None:
    """A stranger who is like bob, a local account; a new person would have to be made, and is in no group."""
    person("bob")
    stage.house.person(**{"sub": "sub-eve", "preferred_username": "eve", **claims})


def _linked(stage: Stage) -> None:
    User.objects.update(oidc_iss=stage.house.issuer, oidc_sub="sub-alice")
    stage.house.person(sub="sub-eve", preferred_username="alice", groups=["active"])


def _other_issuer(stage: Stage) -> None:
    User.objects.update(oidc_iss="https://other.example", oidc_sub="sub-alice")


def _local_subject(stage: Stage) -> None:
    User.objects.all().delete()
    bob = person("bob")
    bob.oidc_iss, bob.oidc_sub = stage.house.issuer, "sub-bob"
    bob.save()
    stage.house.person(sub="sub-bob", preferred_username="bob", groups=["active"])


def _odd_role(stage: Stage) -> bool:
    stage.house.person(sub="sub-alice", preferred_username="alice", groups=["active", ["rtp"]])
    stage.browser.sign_in()
    stage.alice.refresh_from_db()
    return stage.alice.is_rtp


# ---- answers that are none


def answers() -> Iterator[Case]:
    """What the provider's addresses say."""
    html = Answer(200, "<html>Welcome to the hotel's network</html>", kind="text/html")
    for path in ("/.well-known/openid-configuration", "/token", "/jwks", "/me"):
        yield by_answer(f"500 at {path}", path, Answer(500, "{}"))
        yield by_answer(f"HTML at {path}", path, html)
        yield by_answer(f"a list at {path}", path, Answer(200, "[1]"))
        yield by_answer(f"too much at {path}", path, Answer(200, '{"a": "' + "x" * 600_000 + '"}'))
        yield by_answer(f"depth at {path}", path, Answer(200, "[" * 100_000))
        yield by_answer(f"no UTF-8 at {path}", path, Answer(200, b'{"a": "\xff\xfe"}'))
        yield by(f"a redirect at {path}", partial(_redirects, path))
        yield by(f"a hang at {path}", partial(_hangs, path))
    yield by("an answer that drips", partial(_drips, headers=False))
    yield by("headers that drip", partial(_drips, headers=True))
    yield by_answer("keys that are none", "/jwks", Answer(200, '{"keys": [1, null, {"kty": "RSA"}, {"kty": []}]}'))
    yield by_answer("an access token with a line break", "/token", Answer(200, '{"access_token": "a\\r\\nb: c"}'))
    yield by("another issuer's document", lambda s: s.house.document.update(issuer="https://evil.example"))
    yield by("a document without token endpoint", lambda s: s.house.document.update(token_endpoint=None))
    yield by("keys at a file", lambda s: s.house.document.update(jwks_uri="file:///etc/passwd"))
    yield by("keys at a plain address elsewhere", lambda s: s.house.document.update(jwks_uri="http://192.0.2.1/jwks"))
    yield by("an endpoint that is a number", lambda s: s.house.document.update(authorization_endpoint=7))
    yield by("an endpoint of odd form", lambda s: s.house.document.update(token_endpoint="http://[::1"))


def _redirects(path: str, stage: Stage) -> None:
    """To a copy of the true answer at another address, which an obedient client would take."""
    stage.house.answers[path] = Answer(302, "", more={"Location": stage.house.issuer + "/elsewhere"})
    stage.house.answers["/elsewhere"] = Answer(200, json.dumps(stage.house.document | {"issuer": stage.house.issuer}))


def _hangs(path: str, stage: Stage) -> None:
    stage.settings.OIDC_TIMEOUT_S = 0.25
    stage.house.hangs.add(path)


def _drips(stage: Stage, *, headers: bool) -> None:
    stage.settings.OIDC_TIMEOUT_S = 0.3
    stage.house.answers["/token"] = Answer(200, '{"a": "' + "x" * 1000, drip_s=0.05, drips_headers=headers)


# ---- tokens that end sessions


def logouts() -> Iterator[Case]:
    """What the back channel brings; `True` where alice's session ended by it."""
    yield _logout("a forged logout token", lambda h: setattr(h, "key", _like_first(FOREIGN)))
    yield _logout("an unsigned logout token", lambda h: h.header.update(alg="none"))
    yield _logout("a logout token by the client's secret", _by_secret)
    yield _logout("a logout token for another client", aud="somebody-else")
    yield _logout("a logout token of another issuer", iss="https://evil.example")
    yield _logout("a logout token with a nonce", nonce="n")
    yield _logout("a logout token without events", events=None)
    yield _logout("a logout token with other events", events={"http://other.example": {}})
    yield _logout("a logout token with events as a list", events=[EVENT])
    yield _logout("a logout token for nobody", sid=None)
    yield _logout("a logout token without its own id", jti=None)
    yield _logout("a logout token for a number", sid=7)
    yield _logout("a logout token of five minutes ago", iat=int(time.time()) - FIVE_MINUTES)
    yield _logout("a logout token of the time to come", iat=int(time.time()) + FIVE_MINUTES)
    yield _logout("a logout token that expired", exp=int(time.time()) - FIVE_MINUTES)
    yield _logout("a logout token for another session", sid="another-session")
    yield _logout("a logout token for this session of another person", sub="sub-eve")
    yield Case("an ID token in place of a logout token", _id_token_as_logout)
    yield Case("a logout token a second time", _replayed_logout)
    yield Case("no logout token", lambda s: _ends(s, ""))
    yield Case("rubbish as a logout token", lambda s: _ends(s, "a.b.c" * 10_000))


def _logout(name: str, lie: Callable[[HostileProvider], object] | None = None, **claims: Any) -> Case:
    def run(stage: Stage) -> bool:
        assert gets_in(stage)
        if lie:
            lie(stage.house)
        return _sends(stage, stage.house.logout_token(**claims))

    return Case(name, run)


def _by_secret(house: HostileProvider) -> None:
    house.header, house.signer = {"alg": "HS256"}, house.client_secret.encode()


def _ends(stage: Stage, token: str) -> bool:
    assert gets_in(stage)
    return _sends(stage, token)


def _sends(stage: Stage, token: str) -> bool:
    """The provider's server sends it; True where alice is signed out by it."""
    response = Client(raise_request_exception=False).post(LOGOUT, {"logout_token": token})
    stage.browser.statuses.append(response.status_code)
    assert response["Cache-Control"] == "no-store"
    return stage.browser.user() is None


def _id_token_as_logout(stage: Stage) -> bool:
    assert gets_in(stage)
    return _sends(stage, str(stage.browser.client.session["oidc_id_token"]))


def _replayed_logout(stage: Stage) -> bool:
    token = stage.house.logout_token()
    assert _ends(stage, token)
    assert gets_in(stage)
    return _sends(stage, token)


# ---- people who are in already


def trips_of_people() -> Iterator[Case]:
    """Refreshes and proofs that are answered wrongly; `True` where a proof counts or a person becomes another."""
    yield _proof("a proof without auth_time", auth_time=None)
    yield _proof("a proof with auth_time as text", auth_time=str(int(time.time())))
    yield _proof("a proof with auth_time as yes", auth_time=True)
    yield _proof("a proof of an hour ago", auth_time=int(time.time()) - 3600)
    yield _proof("a proof of five minutes ago", auth_time=int(time.time()) - FIVE_MINUTES)
    yield _proof("a proof of the time to come", auth_time=int(time.time()) + FIVE_MINUTES)
    yield _proof("a proof of somebody else", sub="sub-eve")
    yield Case("a refresh by somebody else", _refreshed_by_another)
    yield Case("a callback of a sign-in while somebody is in", _login_over)
    yield Case("being signed out by a link to the callback", _signed_out_by_link)


def _proof(name: str, **claims: Any) -> Case:
    def run(stage: Stage) -> bool:
        url = proof_trip(stage)
        stage.house.id_token.update(claims)
        stage.browser.back(url)
        return PROOF in stage.browser.client.session

    return Case(name, run)


def proof_trip(stage: Stage) -> str:
    """Alice as an RTP who sets out to prove who she is."""
    stage.house.person(sub="sub-alice", preferred_username="alice", groups=["active", "rtp"])
    assert gets_in(stage)
    response = stage.browser.client.post("/accounts/proof/house/")
    assert response["Location"].startswith(stage.house.issuer), response["Location"]
    return str(response["Location"])


def _refreshed_by_another(stage: Stage) -> bool:
    assert gets_in(stage)
    member("bob")
    stage.browser.expire()
    url = stage.browser.open("/accounts/")["Location"]
    stage.house.person(sub="sub-bob", preferred_username="bob", groups=["active"])
    stage.browser.back(url)
    return stage.browser.user() is not None


def _login_over(stage: Stage) -> bool:
    """An attacker's sign-in must not slip under somebody who is in as themselves."""
    url = stage.browser.start()
    session = stage.browser.client.session
    states = session["oidc_states"]
    stage.browser.client.force_login(stage.alice, backend="accounts.oidc.backend.HouseBackend")
    session = stage.browser.client.session
    session["oidc_states"] = states
    session.save()
    stage.house.person(sub="sub-eve", preferred_username="eve", groups=["active"])
    stage.browser.back(url)
    return stage.browser.user() != stage.alice


def _signed_out_by_link(stage: Stage) -> bool:
    assert gets_in(stage)
    stage.browser.open(f"{CALLBACK}?error=login_required&state=guessed")
    return stage.browser.user() is None


CASES = (
    *claims_of_tokens(), *signatures(), *callbacks(), *identities(), *answers(), *logouts(), *trips_of_people(),
)  # fmt: skip
