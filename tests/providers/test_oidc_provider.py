"""The provider of the hostile cases does what it is told to; without that, a refusal by the portal proves little."""

import base64
import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest

from tests.children import free_port
from tests.providers.oidc_provider import CALLBACK, OidcProvider

PORTAL = "http://testserver"
VERIFIER = "v" * 64


@pytest.fixture(scope="module")
def running_house() -> Iterator[OidcProvider]:
    """One provider for this file."""
    with OidcProvider([PORTAL]) as running:
        yield running


@pytest.fixture
def house(running_house: OidcProvider) -> OidcProvider:
    """The provider, behaving."""
    running_house.calm()
    return running_house


class TokenCatcher:
    """Something that listens where the portal would and keeps the logout tokens it is sent."""

    def __init__(self) -> None:
        self.caught: list[str] = []
        catcher = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                catcher.caught.append(parse_qs(body)["logout_token"][0])
                self.send_response(200)
                self.end_headers()

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Says nothing."""

        self._server = HTTPServer(("127.0.0.1", free_port()), Answer)
        self.address = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def request_url(house: OidcProvider, **more: str) -> str:
    """What the portal redirects to."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    asked = {
        "client_id": house.client_id, "response_type": "code", "scope": "openid profile email groups",
        "redirect_uri": PORTAL + CALLBACK, "state": "st", "nonce": "no", "code_challenge": challenge,
        "code_challenge_method": "S256", **more,
    }  # fmt: skip
    return f"{house.issuer}/auth?{urlencode(asked)}"


def redeem(house: OidcProvider, callback: str) -> dict[str, str]:
    """Tokens for the code that the portal would get."""
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(callback).query)["code"][0],
        "redirect_uri": PORTAL + CALLBACK, "code_verifier": VERIFIER,
        "client_id": house.client_id, "client_secret": house.client_secret,
    }  # fmt: skip
    return dict(httpx.post(house.issuer + "/token", data=form, trust_env=False).raise_for_status().json())


def tokens(house: OidcProvider, uid: str = "alice") -> dict[str, str]:
    """A whole sign-in of a new browser."""
    return redeem(house, house.visitor().authorize(request_url(house), uid))


def userinfo(house: OidcProvider, token: str) -> dict[str, object]:
    """What the house says of the person."""
    headers = {"Authorization": f"Bearer {token}"}
    return dict(httpx.get(house.issuer + "/me", headers=headers, trust_env=False).raise_for_status().json())


def checked(house: OidcProvider, token: str) -> dict[str, object]:
    """The claims, verified by the published keys."""
    keys = httpx.get(house.issuer + "/jwks", trust_env=False).json()["keys"]
    key = next(one for one in keys if one["kid"] == jwt.get_unverified_header(token)["kid"])
    return dict(jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=house.client_id, leeway=5))


def test_rita_signs_in_and_the_house_says_who_she_is(house: OidcProvider) -> None:
    got = tokens(house, "rita")

    claims = checked(house, got["id_token"])
    assert {claims["iss"], claims["aud"], claims["sub"], claims["nonce"]} == {
        house.issuer, house.client_id, "sub-rita", "no"}  # fmt: skip
    assert {"auth_time", "sid"} <= claims.keys()
    assert userinfo(house, got["access_token"]) == {
        "sub": "sub-rita", "preferred_username": "rita", "name": "Rita Ranger", "email": "rita@house.example",
        "groups": ["active", "rtp"],
    }  # fmt: skip


def test_a_second_visit_needs_no_form_unless_it_is_asked_for(house: OidcProvider) -> None:
    visitor = house.visitor()
    visitor.authorize(request_url(house), "alice")

    assert "code=" in visitor.authorize(request_url(house, prompt="none"))
    with pytest.raises(AssertionError, match="Sign in to the house"):
        visitor.authorize(request_url(house, prompt="login"))
    assert "error=login_required" in house.visitor().authorize(request_url(house, prompt="none"))
    assert "error=access_denied" in house.visitor().cancel(request_url(house))


def test_without_a_challenge_the_house_refuses(house: OidcProvider) -> None:
    plain = request_url(house).replace("code_challenge", "no_challenge")

    assert "error=invalid_request" in house.visitor().authorize(plain, "alice")


def test_a_wrong_clock_shows_in_the_token(house: OidcProvider) -> None:
    true = checked(house, tokens(house)["id_token"])
    house.shift(300)
    late = jwt.decode(tokens(house)["id_token"], options={"verify_signature": False})

    assert 295 <= late["iat"] - int(str(true["iat"])) <= 310


@pytest.mark.parametrize("keep_old", [True, False])
def test_a_rotation_signs_with_a_new_key(house: OidcProvider, keep_old: bool) -> None:
    old = tokens(house)["id_token"]
    kid = house.rotate(keep_old=keep_old)
    fresh = tokens(house)["id_token"]

    published = [key["kid"] for key in httpx.get(house.issuer + "/jwks", trust_env=False).json()["keys"]]
    assert checked(house, fresh)["sub"] == "sub-alice"
    assert jwt.get_unverified_header(fresh)["kid"] == kid
    assert (jwt.get_unverified_header(old)["kid"] in published) is keep_old


def test_a_token_is_forged_as_ordered(house: OidcProvider) -> None:
    house.id_token(claims={"aud": "else"}, drop=["nonce"], alg="none")
    unsigned = tokens(house)["id_token"]
    house.id_token(key="foreign")
    foreign = tokens(house)["id_token"]
    confused = house.mint(claims={"sub": "x"}, alg="HS256", key="public", typ="logout+jwt")

    claims = jwt.decode(unsigned, options={"verify_signature": False})
    assert (claims["aud"], "nonce" in claims, unsigned.endswith(".")) == ("else", False, True)
    with pytest.raises(jwt.InvalidSignatureError):
        checked(house, foreign)
    assert jwt.get_unverified_header(confused)["typ"] == "logout+jwt"
    assert jwt.decode(confused, options={"verify_signature": False}) == {"sub": "x"}


def test_claims_change_and_paths_hang_or_answer_nonsense(house: OidcProvider) -> None:
    house.account("dave", preferred_username=7, groups="rtp")
    house.userinfo(sub="somebody-else")
    got = userinfo(house, tokens(house, "dave")["access_token"])
    house.hang("/jwks")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(house.issuer + "/jwks", timeout=0.3, trust_env=False)
    house.calm()
    house.answer("/me", "no json", status=502, kind="text/html")

    assert got == {"sub": "somebody-else", "preferred_username": 7, "groups": "rtp"}
    assert httpx.get(house.issuer + "/me", trust_env=False).status_code == 502


def test_signing_out_at_the_house_ends_its_session(house: OidcProvider) -> None:
    visitor = house.visitor()
    got = redeem(house, visitor.authorize(request_url(house), "bob"))
    asked = {"id_token_hint": got["id_token"], "post_logout_redirect_uri": PORTAL + "/accounts/login/", "state": "bye"}

    house.backchannel("http://127.0.0.1:9/")
    left = visitor.sign_out(f"{house.issuer}/session/end?{urlencode(asked)}")

    assert left == PORTAL + "/accounts/login/?state=bye"
    assert "error=login_required" in visitor.authorize(request_url(house, prompt="none"))


def test_a_logout_by_the_back_channel_carries_the_session(house: OidcProvider) -> None:
    sid = checked(house, tokens(house, "carol")["id_token"])["sid"]
    with TokenCatcher() as catcher:
        house.backchannel(catcher.address)
        sent = house.log_out("carol")

    claims = jwt.decode(sent[0], options={"verify_signature": False})
    assert (len(sent), catcher.caught) == (1, sent)
    assert (claims["sid"], claims["sub"], list(claims["events"])) == (
        sid, "sub-carol", ["http://schemas.openid.net/event/backchannel-logout"])  # fmt: skip
    assert "sub-carol" not in house.sessions()
