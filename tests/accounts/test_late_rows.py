"""On PostgreSQL many write at once: a row that is committed late has an id below others, and is no forgery."""

import json

import pytest

from tests.servers import PostgresServer
from tests.vms.test_race import database_of, postgres, python

__all__ = ["postgres"]
PROGRAM = ("-m", "tests.accounts.late_writer")
pytestmark = [pytest.mark.timeout(200)]


def test_rows_of_a_transaction_that_stayed_open_are_sealed_with_their_neighbours(postgres: PostgresServer) -> None:
    assert json.loads(python(database_of(postgres), *PROGRAM)) == []


def test_by_age_alone_they_look_as_if_somebody_had_put_them_in(postgres: PostgresServer) -> None:
    found = json.loads(python(database_of(postgres), *PROGRAM, "control"))

    assert found == [f"row {n}: was added after its neighbours had been sealed" for n in (4, 5)]
