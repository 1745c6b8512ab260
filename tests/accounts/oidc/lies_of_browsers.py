"""Lies of R-25 on the way back from the house, and by people who are in already."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from accounts.proof import SESSION_KEY as PROOF
from tests.accounts.oidc.browser import CALLBACK, Browser, member
from tests.accounts.oidc.stage import FIVE_MINUTES, Case, Stage, gets_in
from tests.providers.hostile import FromNow


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


def trips_of_people() -> Iterator[Case]:
    """Refreshes and proofs that are answered wrongly; `True` where a proof counts or a person becomes another."""
    yield _proof("a proof without auth_time", auth_time=None)
    yield _proof("a proof with auth_time as text", auth_time=FromNow(0, is_text=True))
    yield _proof("a proof with auth_time as yes", auth_time=True)
    yield _proof("a proof of an hour ago", auth_time=FromNow(-3600))
    yield _proof("a proof of five minutes ago", auth_time=FromNow(-FIVE_MINUTES))
    yield _proof("a proof of the time to come", auth_time=FromNow(FIVE_MINUTES))
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
