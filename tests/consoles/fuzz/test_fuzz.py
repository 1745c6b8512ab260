"""R-37: a search guided by the branches it reaches, through everything that reads a peer's bytes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consoles.portal import ROOT
from tests.figures import add_to_figure, figure, scaled

pytest.importorskip("atheris")

SEED = int(os.environ.get("VMPORTAL_SEED", "6455"))
READERS = ("frames", "node_side", "browser_side", "client_messages", "session", "bridge", "node_socket")
#: Linux counts the largest memory of the process that was copied to the one it then becomes, so a search begun straight
#: from a large pytest is over its limit at once; a shell between has a count of its own.
FRESH = ("sh", "-c", '"$@"; exit $?', "sh")
#: Of each reader; a minute or an hour for all.
SECONDS = scaled(9, 520)


def searched(reader: str, folder: Path, seconds: int) -> tuple[int, int, str]:
    """Exit code, executions and the log of one search."""
    command = [*FRESH, sys.executable, "-m", "tests.consoles.fuzz", reader, str(seconds), str(SEED), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    found = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    return done.returncode, int(found[1]) if found else 0, done.stderr + done.stdout


@pytest.mark.parametrize("reader", READERS)
def test_whatever_a_peer_sends_is_read_by_the_rules_or_refused_by_name(reader: str, tmp_path: Path) -> None:
    code, executions, log = searched(reader, tmp_path, SECONDS)

    figure("R-37 fuzz", reader, "seed", SEED, "executions", executions, "seconds", SECONDS)
    add_to_figure("R-37", executions=executions, seconds=SECONDS, crashes=int(code != 0))
    assert code == 0, log[-3000:]
    assert executions > 100 * SECONDS


def test_the_search_finds_a_fault_that_was_planted(tmp_path: Path) -> None:
    code, executions, log = searched("planted", tmp_path, 60)

    figure("R-37 fuzz", "control", "seed", SEED, "executions until found", executions)
    assert code != 0, log[-1000:]
    assert "AssertionError" in log
