"""P-03: quota decisions a second on a PostgreSQL that keeps what is committed, beside one row locked and written.

`make bench` and `make soak` hold the ratios to their limits; `make test` takes a tenth of the time and prints them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.figures import figure
from tests.servers import PostgresServer

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 8
#: For each mode in each place under make bench; a tenth of it in the tests.
SECONDS = 5.0
Rates = dict[str, dict[str, float]]


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(is_durable=True) as server:
        python(server, "-m", "django", "migrate", "--skip-checks", "--verbosity", "0")
        yield server


def python(server: PostgresServer, *arguments: str) -> str:
    """What it printed, on the server's database."""
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": server.url}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT, env=variables, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def rates(server: PostgresServer, seconds: float) -> Rates:
    """By place and mode; printed as figures."""
    asked = json.dumps({"seconds": seconds, "processes": PROCESSES})
    found: Rates = json.loads(python(server, "-m", "tests.quotas.decisions", asked))
    for place, by in found.items():
        whole = {mode: round(each) for mode, each in by.items()}
        figure("P-03", place, "a second: bare", whole["bare"], "decided", whole["decide"], "ratio", ratio(by, "decide"))
        figure("P-03", place, "a second: with operation and audit", whole["written"], "ratio", ratio(by, "written"))
    return found


def ratio(by: dict[str, float], mode: str) -> float:
    return round(by[mode] / by["bare"], 2)


@pytest.mark.bench
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_decision_costs_at_most_five_writes_of_one_row(postgres: PostgresServer) -> None:
    found = rates(postgres, SECONDS)

    assert {place: by for place, by in found.items() if ratio(by, "decide") < 0.2} == {}
    assert {place: by for place, by in found.items() if ratio(by, "written") < 0.15} == {}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_tenth_of_the_bench_counts_decisions_in_every_mode(postgres: PostgresServer) -> None:
    found = rates(postgres, SECONDS / 10)

    assert all(each > 0 for by in found.values() for each in by.values())
