"""Fixtures of the tests of slots."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.cast import make_cast
from tests.consoles.conftest import portal
from tests.consoles.portal import Portal
from tests.devcluster.cluster import DevCluster
from tests.vms.operations.workshop import SHORT, Workshop
from tests.vms.slots.screens import Screens
from tests.vms.slots.street import Street, boss_of

__all__ = ["portal"]
#: A reading is believed at once; leases are looked at whenever a test wants.
AT_ONCE = {"LIST_LAG_S": 0, "ABSENT_AFTER_S": 0, "LEASE_READING_S": 86_400, "LEASE_MOST_ACTS": 10_000}


def prepare(settings: Settings, devcluster: DevCluster) -> None:
    """The portal of this process uses the stand-in."""
    for name, value in {**devcluster.settings(), **SHORT, **AT_ONCE}.items():
        setattr(settings, name, value)


@pytest.fixture
def street(transactional_db: None, portal: Portal, devcluster: DevCluster, settings: Settings) -> Iterator[Street]:
    """Alice, her browser, a portal's sockets, and an administrator of the cluster."""
    prepare(settings, devcluster)
    with Screens(portal) as screens, boss_of(devcluster) as boss:
        yield Street(Workshop(make_cast(), devcluster), portal, screens, boss)
