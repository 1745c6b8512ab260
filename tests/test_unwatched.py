"""What is left unwatched is not counted as run, and what comes after it is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import coverage, json, sys, threading
from tests.unwatched import nth_try, unwatched
measured = coverage.Coverage(branch=True, source=["measured"], config_file=False, data_file=None)
measured.start()
import measured as it
it.first()
with unwatched():
    it.second()
    other = threading.Thread(target=it.second)
    other.start()
    other.join()
it.third()
for number in range(20):
    with nth_try(number):
        it.tried(number)
measured.stop()
print(json.dumps(sorted(measured.get_data().lines(it.__file__))))
"""
MEASURED = """def first():
    return 1


def second():
    return 2


def third():
    return 3


def tried(number):
    if number % 13:
        return 4
    return 5
"""


def test_only_what_is_unwatched_is_missing_from_the_measurement(tmp_path: Path) -> None:
    (tmp_path / "measured.py").write_text(MEASURED)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    seen = set(map(int, done.stdout.strip("[]\n").split(", ")))
    assert seen >= {2, 10, 14, 16}
    assert seen.isdisjoint({6, 15})
