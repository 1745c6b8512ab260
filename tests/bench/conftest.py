"""Far end, load and house of the benchmarks; all are the test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.tls import ensure_certificates
from tests.bench.children import FarEnd, Load, loading, needs_two_processors
from tests.bench.house import House
from tests.bench.table import table
from tests.figures import FIGURES


@pytest.fixture(scope="session")
def far_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    """One node for all."""
    needs_two_processors()
    files = ensure_certificates(tmp_path_factory.mktemp("bench"), ["pve1"])
    node = FarEnd(files.cert_file, files.key_file, files.ca_file)
    with node:
        yield node


@pytest.fixture
def load() -> Iterator[Load]:
    """One load for a test."""
    needs_two_processors()
    with loading() as running:
        yield running


@pytest.fixture
def rooms(transactional_db: None) -> House:
    """A house without people; they come as consoles are opened."""
    return House()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the measurements to `make bench` and to whoever names them: beside other tests they would say nothing."""
    asked = "bench" in config.option.markexpr or any("bench" in str(word) for word in config.invocation_params.args)
    mine = [one for one in items if one.path.parent == Path(__file__).parent and one.get_closest_marker("bench")]
    if mine and not asked:
        config.hook.pytest_deselected(items=mine)
        items[:] = [one for one in items if one not in mine]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Writes the table of docs/benchmarks.md into the file that BENCH_TABLE names."""
    if name := os.environ.get("BENCH_TABLE"):
        Path(name).write_text(table(FIGURES), encoding="utf-8")
        terminalreporter.write_line(f"\nThe table for docs/benchmarks.md is in {name}")
