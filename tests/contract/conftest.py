"""`make contract`: against the cluster of CONTRACT_PROXMOX_HOSTS, else against the stand-in of each release."""

import os
from collections.abc import Iterator

import pytest

from tests.contract.target import NAMED, Target, named, stand_in
from vms.cluster.types import GuestRef

TARGETS = ["named"] if os.environ.get(NAMED) else ["8.4", "9.2"]


@pytest.fixture(scope="session", params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The cluster, with a pool of our own that is gone afterwards."""
    if request.param == "named":
        with named() as found:
            yield found
    else:
        with stand_in(tmp_path_factory.mktemp("contract"), request.param) as found:
            yield found


@pytest.fixture(scope="session")
def shared_machine(target: Target) -> GuestRef:
    """One machine for the tests that leave it as it was."""
    return target.make(name="contract-shared")


@pytest.fixture
def machine(target: Target, shared_machine: GuestRef) -> GuestRef:
    """A stopped machine."""
    target.switch_off(shared_machine)
    return shared_machine


@pytest.fixture
def running(target: Target, machine: GuestRef) -> Iterator[GuestRef]:
    """A running machine; skips where the cluster cannot run one."""
    end = target.end_of(target.cluster.start(machine))
    if end != "OK":
        pytest.skip(f"machines do not start here: {end}")
    yield machine
    target.switch_off(machine)
