"""Fixtures that every test may use."""

import pytest

from tests.cast import Cast, make_cast
from tests.figures import FIGURES


@pytest.fixture
def cast(db: None) -> Cast:
    """The four people and their pools."""
    return make_cast()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands a worker's figures to the process that prints them."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = list(FIGURES)


class FigurePrinter:
    """Collects figures from the workers and prints them in the summary."""

    def pytest_testnodedown(self, node: object, error: object) -> None:
        """A worker ended: take its figures."""
        FIGURES.extend(getattr(node, "workeroutput", {}).get("figures", []))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line a figure."""
        if FIGURES:
            terminalreporter.section("figures")
        for line in sorted(FIGURES):
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """The printer lives in the controlling process only."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FigurePrinter(), "figures")
