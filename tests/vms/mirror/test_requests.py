"""P-01: what a cycle costs, in requests, queries and time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from time import perf_counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Pool
from accounts.roles import PoolKind
from tests.devcluster.cluster import DevCluster
from tests.figures import figure
from tests.vms.mirror.house import SHORT
from vms.cluster import cluster
from vms.cluster.types import GuestFacts
from vms.mirror.columns import signature
from vms.mirror.sweep import slice_size, sweep
from vms.mirror.sync import sync
from vms.models import VirtualMachine
from vms.states import Lifecycle

pytestmark = pytest.mark.bench

CYCLES, CHANGED = 8, 5


@pytest.fixture(scope="module", params=[300, 3000])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, DevCluster]]:
    """A cluster of that many machines."""
    count = int(request.param)
    with DevCluster.start(tmp_path_factory.mktemp(f"scale{count}"), seed=f"scale:{count}") as running:
        yield count, running


def rows_of(guests: tuple[GuestFacts, ...], uuids: dict[int, str], at: datetime) -> list[VirtualMachine]:
    """Rows as they are after an hour of cycles: each was read at another moment of the last hour."""
    pools = {pool.proxmox_poolid: pool for pool in Pool.objects.all()}
    return [
        VirtualMachine(
            vmid=guest.vmid,
            pool=pools.get(guest.poolid),
            name=guest.name,
            lifecycle=Lifecycle.READY,
            smbios_uuid=uuids[guest.vmid],
            node=guest.node,
            power=guest.power,
            last_known_power=guest.power,
            cores=1,
            memory_mib=1024,
            disk_gib=8,
            uptime_s=guest.uptime_s,
            cpu_load=guest.cpu_load,
            hardware={"listed": signature(guest)},
            config_read_at=at - timedelta(seconds=3600 * number / len(guests)),
            last_seen=at,
            seen_poolid=guest.poolid,
            seen_poolid_readings=2,
        )
        for number, guest in enumerate(guests)
    ]


def total(devcluster: DevCluster) -> int:
    """How many requests the cluster has answered."""
    return sum(devcluster.requests().values())


@pytest.mark.django_db
def test_requests_of_a_cycle(many: tuple[int, DevCluster], settings: Settings) -> None:
    count, devcluster = many
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    gateway, at = cluster(), timezone.now()
    listing = gateway.read()
    Pool.objects.bulk_create(
        Pool(kind=PoolKind.SHARED, name=pool.poolid, proxmox_poolid=pool.poolid) for pool in listing.pools
    )
    uuids = {int(vmid): guest["uuid"] for vmid, guest in devcluster.state("guests")["guests"].items()}
    VirtualMachine.objects.bulk_create(rows_of(listing.guests, uuids, at))
    at += timedelta(seconds=15)
    sync(gateway, at)  # the first one also asks once in ten minutes what the token may do

    before, swept = total(devcluster), 0
    for number in range(CYCLES):
        at += timedelta(seconds=15)
        for each in range(CHANGED):
            devcluster.change(1000 + number * CHANGED + each, config={"cores": "3"})
        run = sync(gateway, at)
        assert run is not None
        assert (run.is_complete, run.seen, run.requests) == (True, count, 2 + CHANGED)
        swept += slice_size(count, at)
        assert sweep(gateway, at) == slice_size(count, at)
    requests = total(devcluster) - before
    assert requests == CYCLES * (2 + CHANGED) + swept
    assert abs(swept - CYCLES * count / 240) < 1
    at += timedelta(seconds=15)
    with CaptureQueriesContext(connection) as asked:
        began = perf_counter()
        quiet = sync(gateway, at)
        took_quiet = perf_counter() - began
    assert quiet is not None
    assert (quiet.requests, quiet.changed) == (2, 0)
    assert len(asked) < 40
    figure(
        *("P-01", "machines", count, "cycles", CYCLES, "requests", requests),
        *("=", CYCLES, "x (2 +", CHANGED, "changed) +", swept, f"swept (N/240 = {count / 240:g} a cycle);"),
        *("queries of a quiet cycle", len(asked), f"seconds {took_quiet:.2f}"),
    )


def test_the_sweep_reads_everybody_once_an_hour() -> None:
    at = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
    for count in (1, 7, 239, 240, 300, 3000, 3001):
        slices = [slice_size(count, at + timedelta(seconds=15 * number)) for number in range(240)]
        assert sum(slices) == count
        assert max(slices) - min(slices) <= 1
