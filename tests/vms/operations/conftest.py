"""Fixtures of the operations' tests."""

import pytest
from pytest_django import Settings

from tests.cast import Cast
from tests.devcluster.cluster import DevCluster
from tests.vms.operations.workshop import SHORT, Workshop


@pytest.fixture
def shop(cast: Cast, devcluster: DevCluster, settings: Settings) -> Workshop:
    """The stand-in as seeded, the cast, and rows for what the stand-in offers."""
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    return Workshop(cast, devcluster)
