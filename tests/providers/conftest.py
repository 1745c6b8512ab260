"""One directory, two houses over it, and a portal behind each, for all tests of a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django import DjangoDbBlocker

from accounts.identity import DirectoryReading
from accounts.ldap.reader import read
from accounts.roles import RunOutcome
from accounts.sync import run_pass
from tests.children import free_port
from tests.consoles.portal import serving
from tests.devcluster.cluster import DevCluster
from tests.pages.conftest import chromium
from tests.providers.browser import fill_canaille, fill_oidc_provider, prove_to_canaille
from tests.providers.canaille import Canaille, groups, person
from tests.providers.oidc_provider import OidcProvider
from tests.providers.people import HOUSE, HouseAccount
from tests.slapd import SlapdServer, asked

__all__ = ["chromium"]
PATIENCE_S = 20  # two houses, two portals and a browser on two cores
APPLICATION = "tests.consoles.served:application"


@dataclass(frozen=True)
class House:
    """A provider, the portal that trusts it, and how a person gets in, in again, and out there."""

    name: str
    provider: Canaille | OidcProvider
    site: str
    fill: Callable[[Page, HouseAccount], None]
    prove: Callable[[Page, HouseAccount], None]
    confirm: Callable[[Page], None]

    @property
    def issuer(self) -> str:
        """What the portal trusts."""
        return self.provider.issuer


@pytest.fixture(scope="module")
def slapd() -> Iterator[SlapdServer]:
    """The directory with the four people, their passwords and groups."""
    with SlapdServer(people=[person(one) for one in HOUSE], groups=groups(HOUSE), memberof=True) as running:
        yield running


@pytest.fixture(scope="module", params=["oidc-provider", "canaille"])
def house(
    request: pytest.FixtureRequest, slapd: SlapdServer, django_db_setup: None, running_devcluster: DevCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:  # fmt: skip
    """One of the two, with its portal."""
    folder: Path = tmp_path_factory.mktemp("portal")
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    variables: dict[str, Any] = {"OIDC_TIMEOUT_S": PATIENCE_S, **slapd.env()}
    provider = Canaille(slapd, site) if request.param == "canaille" else OidcProvider([site])
    with (
        provider,
        serving(running_devcluster, folder, APPLICATION, port=port, **(variables | provider.settings())),
    ):
        if isinstance(provider, Canaille):
            yield House(request.param, provider, site, fill_canaille, prove_to_canaille, lambda page: None)
        else:
            fill = fill_oidc_provider
            yield House(request.param, provider, site, fill, fill, lambda page: page.click("#sign-out"))


@pytest.fixture(scope="module")
def reading(slapd: SlapdServer, django_db_blocker: DjangoDbBlocker) -> DirectoryReading:
    """What the directory answers the portal."""
    with django_db_blocker.unblock(), asked(slapd):
        return read()


@pytest.fixture
def members(transactional_db: None, reading: DirectoryReading) -> None:
    """The portal's rows of the four, as a pass over the directory makes them."""
    run = run_pass(lambda: reading, now=timezone.now())
    assert (run.outcome, run.problems) == (RunOutcome.APPLIED, [])
