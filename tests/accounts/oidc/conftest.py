"""One lying provider for the tests of this folder, and a portal that trusts it."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts.oidc import provider
from tests.accounts.oidc.browser import Browser
from tests.providers.hostile import HostileProvider


@pytest.fixture(scope="session")
def running_house() -> Iterator[HostileProvider]:
    """The provider for all tests of this process."""
    with HostileProvider() as running:
        yield running


@pytest.fixture
def house(running_house: HostileProvider, settings: Settings, db: None) -> Iterator[HostileProvider]:
    """Honest until told otherwise, and the only one the portal knows."""
    running_house.calm()
    trust(settings, running_house.issuer, running_house.client_id, running_house.client_secret)
    yield running_house
    running_house.calm()


@pytest.fixture
def browser(house: HostileProvider) -> Browser:
    """A browser that was never at the portal."""
    return Browser(house)


def trust(settings: Settings, issuer: str, client_id: str, secret: str) -> None:
    """The portal's settings for this provider, with short time-outs."""
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, client_id, secret
    settings.AUTHENTICATION_BACKENDS = [
        "accounts.backends.LocalOnlyBackend",
        "accounts.oidc.backend.HouseBackend",
    ]
    settings.OIDC_TIMEOUT_S = 4
    provider.forget()
    cache.clear()
