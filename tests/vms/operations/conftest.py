"""Fixtures of the operations' tests."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.cast import Cast
from tests.devcluster.cluster import DevCluster
from tests.figures import add_to_figure
from tests.vms.operations.workshop import SHORT, Workshop


@pytest.fixture
def shop(cast: Cast, devcluster: DevCluster, settings: Settings, request: pytest.FixtureRequest) -> Iterator[Workshop]:
    """The stand-in as seeded, the cast, and rows for what the stand-in offers.

    Afterwards everything under way is brought to its end, and what the rows count is what the cluster has: unless the
    test is marked differs_from_cluster("why").
    """
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    shop = Workshop(cast, devcluster)
    yield shop
    if request.node.get_closest_marker("differs_from_cluster"):
        add_to_figure("quota_audit", spared=1)
        return
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    devcluster.control("DELETE", "/faults")
    differences = shop.audit()
    add_to_figure("quota_audit", tests=1, differences=len(differences))
    assert differences == []
