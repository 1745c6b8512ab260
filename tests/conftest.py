"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.cast import Cast, make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import FIGURES, SUMS, add_to_figure, summed
from tests.workers import Scheduler

#: Two workers on two cores share them with guests and servers: how long an example takes says nothing here.
hypothesis_settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("shared")


@pytest.fixture(scope="session")
def running_devcluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCluster]:
    """One stand-in for all tests of this process. At its end no console may have ended a worker of its API."""
    with DevCluster.start(tmp_path_factory.mktemp("devcluster")) as running:
        yield running
        ever = running.state("ever")["ever"]
        add_to_figure("wire rules", consoles=ever["consoles"], workers_ended_by_us=ever["worker_deaths"])
        assert ever["worker_deaths"] == 0


@pytest.fixture
def devcluster(running_devcluster: DevCluster) -> DevCluster:
    """The stand-in as its seed made it: two templates, no pool, nothing wrong."""
    running_devcluster.reset()
    return running_devcluster


@pytest.fixture
def cast(db: None) -> Cast:
    """The four people and their pools."""
    return make_cast()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands a worker's figures to the process that prints them."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = list(FIGURES)
        output["sums"] = [[name, what, count] for (name, what), count in SUMS.items()]


class FigurePrinter:
    """Collects figures from the workers and prints them in the summary."""

    def pytest_testnodedown(self, node: object, error: object) -> None:
        """A worker ended: take its figures."""
        output = getattr(node, "workeroutput", {})
        FIGURES.extend(output.get("figures", []))
        for name, what, count in output.get("sums", []):
            SUMS[name, what] += count

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line a figure."""
        lines = sorted([*FIGURES, *summed()])
        if lines:
            terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """The printer lives in the controlling process only."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FigurePrinter(), "figures")
        config.pluginmanager.register(Scheduler(), "rooms")
