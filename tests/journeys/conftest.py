"""The browser of the page tests, and one demo for all journeys."""

from collections.abc import Iterator

import pytest

from tests.children import need
from tests.journeys.demo_house import DemoHouse, demo_house
from tests.pages.conftest import chromium

__all__ = ["chromium"]


@pytest.fixture(scope="package")
def house() -> Iterator[DemoHouse]:
    """The demo with real guests, as `make demo` starts it."""
    need("qemu-system-x86_64")
    with demo_house() as running:
        assert running.has_real_guests
        yield running
