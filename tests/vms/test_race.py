"""R-01: many ask at the same moment, and there is room for four."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.figures import figure, scaled
from tests.servers import PostgresServer

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = scaled(40, 200)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def empty_database(server: PostgresServer) -> str:
    """The address of a database nobody used yet."""
    name = f"race_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.removesuffix(server.database) + name


def race(database_url: str, folder: Path, **asked: Any) -> dict[str, Any]:
    """One race in a process of its own on an empty database."""
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url}
    variables |= {"VMPORTAL_TEST_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.vms.race", json.dumps(asked)],
        cwd=ROOT, env=variables, capture_output=True, text=True, timeout=590, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/race.sqlite3"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_64_clients_on_postgresql_get_exactly_what_there_is_room_for(postgres: PostgresServer, tmp_path: Path) -> None:
    found = race(empty_database(postgres), tmp_path, clients=64, rounds=ROUNDS)

    figure("R-01", "postgresql", "requests", 64 * ROUNDS, "over", over(found), "under", under(found))
    assert found["accepted"] == [4] * ROUNDS
    assert found["met"] == {"QuotaExceeded": 60 * ROUNDS}


@pytest.mark.slow
def test_8_clients_on_sqlite_get_exactly_what_there_is_room_for(tmp_path: Path) -> None:
    found = race(sqlite_url(tmp_path), tmp_path, clients=8, rounds=ROUNDS)

    figure("R-01", "sqlite", "requests", 8 * ROUNDS, "over", over(found), "under", under(found))
    assert found["accepted"] == [4] * ROUNDS
    assert found["met"] == {"QuotaExceeded": 4 * ROUNDS}


def test_without_the_row_lock_postgresql_lets_more_in(postgres: PostgresServer, tmp_path: Path) -> None:
    found = race(empty_database(postgres), tmp_path, clients=64, rounds=3, control="no-lock")

    figure("R-01", "control", "postgresql without the lock", "most accepted", max(found["accepted"]))
    assert max(found["accepted"]) > 4


def test_with_the_count_read_before_sqlite_lets_more_in(tmp_path: Path) -> None:
    found = race(sqlite_url(tmp_path), tmp_path, clients=8, rounds=3, control="count-outside")

    figure("R-01", "control", "sqlite counting outside", "most accepted", max(found["accepted"]))
    assert max(found["accepted"]) > 4


def over(found: dict[str, Any]) -> int:
    return sum(accepted > 4 for accepted in found["accepted"])


def under(found: dict[str, Any]) -> int:
    return sum(accepted < 4 for accepted in found["accepted"])
