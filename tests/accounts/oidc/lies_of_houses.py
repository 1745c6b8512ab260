"""Lies of R-25 about who somebody is, in answers of the provider, and in its logout tokens."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.test import Client

from accounts.models import User
from tests.accounts.oidc.browser import LOGOUT
from tests.accounts.oidc.stage import FIVE_MINUTES, Case, Stage, by, by_answer, by_claims, gets_in, like_first
from tests.cast import person
from tests.providers.hostile import EVENT, FOREIGN, Answer, FromNow, HostileProvider


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


def logouts() -> Iterator[Case]:
    """What the back channel brings; `True` where alice's session ended by it."""
    yield _logout("a forged logout token", lambda h: setattr(h, "key", like_first(FOREIGN)))
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
    yield _logout("a logout token of five minutes ago", iat=FromNow(-FIVE_MINUTES))
    yield _logout("a logout token of the time to come", iat=FromNow(FIVE_MINUTES))
    yield _logout("a logout token that expired", exp=FromNow(-FIVE_MINUTES))
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
