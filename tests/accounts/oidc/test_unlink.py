"""A provider that moved, or an account made anew there: an administrator lets people be linked again."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.accounts.oidc.browser import Browser, member, why
from tests.providers.hostile import HostileProvider


def test_who_was_unlinked_is_linked_anew_and_keeps_what_is_theirs(browser: Browser, house: HostileProvider) -> None:
    alice = member()
    browser.sign_in()
    house.person(sub="sub-anew", preferred_username="alice", groups=["active"])
    assert why(Browser(house).sign_in()) == "taken"

    call_command("unlink_member", "alice")

    assert browser.open("/accounts/").status_code == 302
    again = Browser(house)
    again.sign_in()
    assert again.user() == alice


def test_a_person_made_from_claims_can_be_linked_anew_too(browser: Browser, house: HostileProvider) -> None:
    browser.sign_in()
    User.objects.update(oidc_iss="https://sso.before.example")

    call_command("unlink_member", "--other-issuers")
    Browser(house).sign_in()

    assert User.objects.get().oidc_iss == house.issuer


def test_links_to_the_configured_issuer_stay(browser: Browser, house: HostileProvider) -> None:
    member()
    browser.sign_in()

    call_command("unlink_member", "--other-issuers")

    assert User.objects.get().oidc_sub == "sub-alice"


@pytest.mark.parametrize("names", [(), ("nobody",)])
def test_a_name_that_is_not_linked_is_said(house: HostileProvider, names: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Nobody is linked under"):
        call_command("unlink_member", *names)
