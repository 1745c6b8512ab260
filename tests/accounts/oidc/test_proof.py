"""An RTP of the house proves who they are at the house; what they had typed is still there."""

from accounts.models import Pool, User
from accounts.proof import SESSION_KEY
from accounts.roles import PoolKind
from tests.accounts.oidc.browser import Browser, member
from tests.accounts.proof.browser import kept_form
from tests.providers.hostile import Answer, HostileProvider


def rita(browser: Browser, house: HostileProvider) -> User:
    """Rita, an RTP by the directory, signed in by the house."""
    user = member("rita", is_rtp=True)
    house.person(sub="sub-rita", preferred_username="rita", groups=["active", "rtp"])
    browser.sign_in()
    return user


def test_the_form_survives_the_trip_to_the_house(browser: Browser, house: HostileProvider) -> None:
    rita(browser, house)
    bob = member("bob")
    Pool.objects.create(kind=PoolKind.PERSONAL, name="bob", owner=bob)
    reason = 'He "mines" <coins> & more, ünd so on'

    page = browser.client.post(f"/rtp/people/{bob.pk}/lock/", {"reason": reason})["Location"]
    assert "Sign in once more with your house account" in browser.open(page).content.decode()
    there = browser.client.post("/accounts/proof/house/", {"form": page.split("=")[1]})["Location"]
    answer = browser.back(there)
    path, fields = kept_form(browser.open(answer["Location"]).content.decode())

    assert (answer["Location"], path, fields) == (page, f"/rtp/people/{bob.pk}/lock/", {"reason": reason})
    assert "prompt=login" in there
    browser.client.post(path, fields)
    assert User.objects.get(pk=bob.pk).lock_reason == reason


def test_with_the_house_down_it_says_so_and_keeps_the_form(browser: Browser, house: HostileProvider) -> None:
    rita(browser, house)
    bob = member("bob")
    page = browser.client.post(f"/rtp/people/{bob.pk}/lock/", {"reason": "why not"})["Location"]
    there = browser.client.post("/accounts/proof/house/", {"form": page.split("=")[1]})["Location"]
    house.answers["/token"] = Answer(500, "")

    answer = browser.back(there)

    assert answer["Location"] == page
    assert "What you typed is kept" in browser.open(page).content.decode()
    assert SESSION_KEY not in browser.client.session
