"""R-22: a renewal in the last second against the daily look, at each statement of the database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.devcluster.cluster import DevCluster
from tests.figures import figure
from tests.servers import PostgresServer
from tests.vms.test_race import database_of, postgres

__all__ = ["postgres"]
ROOT = Path(__file__).resolve().parents[3]


def race(server: PostgresServer, pve: DevCluster, control: str = "", step: int = 1) -> dict[str, Any]:
    """What came of it, by act, in a process of its own."""
    known = pve.settings()
    hosts = ",".join(f"{host}:{port}" for host, port in known.pop("PROXMOX_HOSTS"))
    words = {name: value for name, value in known.items() if isinstance(value, str) and value}
    words |= {
        "DATABASE_URL": database_of(server),
        "PROXMOX_HOSTS": hosts,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    asked = {"ready": str(pve.data / "ready.json"), "step": step, "control": control}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.vms.leases.race", json.dumps(asked)],
        cwd=ROOT, env={**os.environ, **words}, capture_output=True, text=True, timeout=1500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def total(found: dict[str, Any], what: str) -> int:
    return sum(told[what] for told in found.values())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_who_renews_or_restores_in_the_last_second_wins(postgres: PostgresServer, devcluster: DevCluster) -> None:
    found = race(postgres, devcluster)

    figure(
        "R-22", "renewals and restorings between statements of the look", total(found, "tried"),
        "let in", total(found, "let_in"), "lost", total(found, "lost"), "neither", total(found, "neither"),
    )  # fmt: skip
    assert total(found, "neither") == 0, found
    assert {act: told["lost"] for act, told in found.items()} == {"stop": 0, "trash": 0, "purge": 0}
    assert all(told["goes"] and told["let_in"] for told in found.values()), found
    assert total(found, "let_in") >= 40


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("control", ["no-lock", "no-recheck"])
def test_without_lock_or_second_look_some_are_lost(
    control: str, postgres: PostgresServer, devcluster: DevCluster
) -> None:
    found = race(postgres, devcluster, control, step=1 if control == "no-lock" else 6)

    figure("R-22", "control", control, "let in", total(found, "let_in"), "lost", total(found, "lost"))
    assert total(found, "lost") > 0
