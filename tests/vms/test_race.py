"""R-01: many ask at the same moment for each of the ten actions that grow use, and there is room for four."""

import json
import os
import shutil
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
ROUNDS = scaled(7, 84)
Found = dict[str, Any]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server whose own database has every table; the races take copies of it."""
    with PostgresServer() as server:
        migrate(server.url)
        yield server


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied."""
    file = tmp_path_factory.mktemp("race") / "tables.sqlite3"
    migrate(f"sqlite://{file}")
    return file


def database_of(server: PostgresServer) -> str:
    """The address of a database nobody used yet."""
    name = f"race_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url.removesuffix(server.database) + "postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {server.database}")
    return server.url.removesuffix(server.database) + name


def copy_of(tables: Path, folder: Path) -> str:
    """The same for SQLite."""
    return f"sqlite://{shutil.copy(tables, folder / 'race.sqlite3')}"


def migrate(database_url: str) -> None:
    python(database_url, "-m", "django", "migrate", "--skip-checks", "--verbosity", "0")


def python(database_url: str, *arguments: str) -> str:
    """What it printed, on another database than the tests'."""
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT, env=variables, capture_output=True, text=True, timeout=3500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def race(database_url: str, **asked: Any) -> Found:
    """One race of all ten actions."""
    found: Found = json.loads(python(database_url, "-m", "tests.vms.race", json.dumps(asked)))
    return found["actions"]  # type: ignore[no-any-return]


def judge(found: Found, where: str, clients: int) -> None:
    """Exactly what fits was let in, for each action in each round, and nobody met anything but the quota's refusal."""
    for action, told in found.items():
        figure("R-01", where, action, "requests", clients * ROUNDS, "over", over(told), "under", under(told))
    whole = list(found.values())
    figure(
        "R-01", where, "requests", clients * ROUNDS * len(found), "over", sum(map(over, whole)),
        "under", sum(map(under, whole)), "errors", sum(sum(told["errors"].values()) for told in whole),
    )  # fmt: skip
    assert {action: told["errors"] for action, told in found.items() if told["errors"]} == {}
    assert {action: told["accepted"] for action, told in found.items()} == {
        action: [told["fit"]] * ROUNDS for action, told in found.items()
    }
    assert all(told["free"] == [0] * ROUNDS for told in whole)
    assert all(told["refused"] == (clients - told["fit"]) * ROUNDS for told in whole)


def over(told: Found) -> int:
    return sum(accepted > told["fit"] for accepted in told["accepted"])


def under(told: Found) -> int:
    return sum(accepted < told["fit"] for accepted in told["accepted"])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_64_clients_on_postgresql_get_exactly_what_there_is_room_for(postgres: PostgresServer) -> None:
    judge(race(database_of(postgres), clients=64, rounds=ROUNDS, processes=4), "postgresql", 64)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_8_clients_on_sqlite_get_exactly_what_there_is_room_for(tables: Path, tmp_path: Path) -> None:
    judge(race(copy_of(tables, tmp_path), clients=8, rounds=ROUNDS, processes=2), "sqlite", 8)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_the_row_lock_postgresql_lets_more_in(postgres: PostgresServer) -> None:
    found = race(database_of(postgres), clients=64, rounds=1, processes=4, control="no-lock")

    went_over = [action for action, told in found.items() if over(told)]
    figure("R-01", "control", "postgresql without the lock", "actions over", len(went_over), "of", len(found) - 1)
    assert len(went_over) > len(found) / 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_with_the_count_read_before_sqlite_lets_more_in(tables: Path, tmp_path: Path) -> None:
    found = race(copy_of(tables, tmp_path), clients=8, rounds=1, processes=2, control="count-outside")

    went_over = [action for action, told in found.items() if over(told)]
    figure("R-01", "control", "sqlite counting outside", "actions over", len(went_over), "of", len(found) - 1)
    assert went_over == [action for action in found if action != "resume"]


def test_the_requests_are_as_many_as_demanded() -> None:
    assert scaled(5_000, 60_000) <= (64 + 8) * 10 * ROUNDS
