"""F-01: the stand-in answers what real daemons answered, whatever the machines and nodes are called."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devcluster.cluster import DevCluster
from tests.devcluster.recorded.play import Player, Verdict
from tests.devcluster.recorded.rows import PLAIN, RENAMED, Names, Row, read_rows
from tests.figures import figure
from tests.unwatched import unwatched

SHARED = Path(os.environ.get("VMPORTAL_SHARED") or Path(__file__).resolve().parents[3] / "shared")
FOLDER = SHARED / "proxmox"
FLOOR_SITUATIONS = 300
FLOOR_EQUAL = 0.95
RELEASES = ("8.4", "9.2")
#: What members change, by the first word of a recorded row's name: each area has to be as good as the whole.
AREAS = {
    "config": frozenset({"config", "pending", "broken_conf", "protection"}),
    "resize": frozenset({"resize"}),
    "cloud-init": frozenset({"ci"}),
    "snapshots": frozenset({"snap", "snapdel", "snaplist", "snapshot"}),
    "agent": frozenset({"agent"}),
    "rrddata": frozenset({"rrd", "rrddata"}),
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = read_rows(FOLDER) if FOLDER.is_dir() else []
    if not found:
        pytest.skip(f"no recordings in {FOLDER}; VMPORTAL_SHARED names the folder above it")
    return found


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, DevCluster]]:
    """One stand-in for each release the recordings are of."""
    quick = {
        "jobs_scale": 0.0,
        "vnc_connect_window": 0.1,
        "shutdown_timeout": 0.05,
        "proxy_timeout": 0.05,
        "agent_wait": 0.0,
    }
    with (
        DevCluster.start(tmp_path_factory.mktemp("old"), "empty", windows=quick, profile="8.4") as old,
        DevCluster.start(tmp_path_factory.mktemp("new"), "empty", windows=quick, profile="9.2") as new,
    ):
        yield {"8.4": old, "9.2": new}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", [PLAIN, RENAMED], ids=["as recorded", "renamed"])
def test_the_stand_in_answers_as_recorded(rows: list[Row], clusters: dict[str, DevCluster], names: Names) -> None:
    with unwatched():  # all that is tried runs in children
        verdicts = play(rows, clusters, names)
    equal = [verdict for verdict in verdicts if not verdict.difference]
    report(verdicts)
    if names is PLAIN:
        figure("F-01", "situations", len(verdicts), "equal", len(equal))
    assert len(verdicts) >= FLOOR_SITUATIONS
    assert len(equal) >= FLOOR_EQUAL * len(verdicts)
    assert weak_areas(verdicts, is_printed=names is PLAIN) == []


def weak_areas(verdicts: list[Verdict], *, is_printed: bool) -> list[str]:
    """Areas in which too many answers differ; each area's figure on the way."""
    weak = []
    for area, words in AREAS.items():
        of_area = [verdict for verdict in verdicts if verdict.row.name.split(".")[0] in words]
        equal = sum(not verdict.difference for verdict in of_area)
        if is_printed:
            figure("F-01", area, "situations", len(of_area), "equal", equal)
        weak += [area] if not of_area or equal < FLOOR_EQUAL * len(of_area) else []
    return weak


def play(rows: list[Row], clusters: dict[str, DevCluster], names: Names) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for release in RELEASES:
        with Player(clusters[release], [row for row in rows if row.release == release], names) as player:
            verdicts += player.play_all()
    return verdicts


def report(verdicts: list[Verdict]) -> None:
    """Every difference on a line of its own, for whoever reads the captured output."""
    different = [verdict for verdict in verdicts if verdict.difference]
    lines = [f"{verdict.row.release} {verdict.row.name}: {verdict.difference}" for verdict in different]
    sys.stdout.write("\n".join([str(Counter(one.row.name.split(".")[0] for one in different)), *lines, ""]))
