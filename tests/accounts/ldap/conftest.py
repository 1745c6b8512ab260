"""One directory for all tests of a module that leave it as it was."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.slapd import Person, SlapdServer, asked, many

PEOPLE = [Person("alice"), Person("bob", name="Bob Bobbins"), Person("carol"), Person("rita")]
GROUPS = {"active": ["alice", "bob", "rita"], "rtp": ["rita"]}


@pytest.fixture(scope="module", params=["freeipa"])
def house(request: pytest.FixtureRequest) -> Iterator[SlapdServer]:
    """Four people, and twelve more; rita is RTP. In the layout that a module asks for."""
    with SlapdServer(layout=request.param, people=[*PEOPLE, *many(12)], groups=GROUPS, tls=True) as running:
        yield running


@pytest.fixture
def directory(house: SlapdServer, outside_the_database: None) -> Iterator[SlapdServer]:
    """The portal asks the house's directory."""
    with asked(house):
        yield house


@pytest.fixture
def own_directory(outside_the_database: None) -> Iterator[SlapdServer]:
    """A directory of the test's own, to be changed and broken."""
    with SlapdServer(people=[*PEOPLE, *many(12)], groups=GROUPS) as running, asked(running):
        yield running


@pytest.fixture
def outside_the_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A test that asks the directory only, and needs no row."""
    with django_db_blocker.unblock():
        yield
