"""On PostgreSQL many write at once: a row that is committed late has an id below others, and is no forgery."""

import json
from collections.abc import Iterator

import pytest

from tests.servers import PostgresServer
from tests.vms.test_race import database_of, migrate, python

PROGRAM = ("-m", "tests.accounts.late_writer")
pytestmark = [pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        migrate(server.url)
        yield server


def test_rows_of_a_transaction_that_stayed_open_are_sealed_with_their_neighbours(postgres: PostgresServer) -> None:
    assert json.loads(python(database_of(postgres), *PROGRAM)) == []


def test_by_age_alone_they_look_as_if_somebody_had_put_them_in(postgres: PostgresServer) -> None:
    found = json.loads(python(database_of(postgres), *PROGRAM, "control"))

    assert found == [f"row {n}: was added after its neighbours had been sealed" for n in (4, 5)]
