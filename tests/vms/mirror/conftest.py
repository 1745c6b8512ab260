"""Fixtures of the mirror's tests."""

import pytest
from pytest_django import Settings

from tests.cast import Cast
from tests.devcluster.cluster import DevCluster
from tests.vms.mirror.house import SHORT, House


@pytest.fixture
def house(cast: Cast, devcluster: DevCluster, settings: Settings) -> House:
    """The stand-in as seeded, the cast with their pools, and no reading yet."""
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    return House(cast, devcluster)
