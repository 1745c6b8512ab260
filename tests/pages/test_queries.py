"""P-02: pages ask the database the same for 1, 3 and 30 machines, and never ask Proxmox."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.factories import make_iso, make_node, make_operation, make_reading, make_template, make_vm
from tests.figures import figure
from vms.cluster.client import ProxmoxLine
from vms.models import VirtualMachine
from vms.states import OperationState, Power

pytestmark = pytest.mark.bench

PAGES = {
    "list": ("alice", "/"),
    "create": ("alice", "/vms/new/"),
    "detail": ("alice", "/vms/{vm}/"),
    "hardware": ("alice", "/vms/{vm}/hardware/"),
    "snapshots": ("alice", "/vms/{vm}/snapshots/"),
    "vm activity": ("alice", "/vms/{vm}/activity/"),
    "operation": ("alice", "/vms/{vm}/operations/{operation}/"),
    "confirm": ("alice", "/vms/{vm}/actions/delete/"),
    "move": ("alice", "/vms/{vm}/move/"),
    "all pools": ("rita", "/rtp/pools/"),
    "activity": ("alice", "/activity/"),
    "all machines": ("rita", "/rtp/vms/"),
    "account": ("alice", "/accounts/"),
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of hosts somebody tried to reach: the one way out is watched."""
    made: list[str] = []
    monkeypatch.setattr(ProxmoxLine, "_new_client", lambda self, host: made.append(str(host)))
    return made


def fill(cast: Cast, count: int) -> VirtualMachine:
    """`count` machines of alice's in all, each with an operation; every third is in motion."""
    for n in range(VirtualMachine.objects.filter(pool=cast.alices).count(), count):
        vm = make_vm(cast.alices, f"vm-{n:02}", power=Power.RUNNING)
        make_operation(vm, cast.alice, state=OperationState.SUBMITTED if n % 3 == 1 else OperationState.SUCCEEDED)
        make_vm(cast.shared, f"ctf-{n:02}")
    return VirtualMachine.objects.get(name="vm-00")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_the_same_for_one_and_for_thirty_machines(
    page: str, cast: Cast, client: Client, calls: list[str]
) -> None:
    for make in (make_reading, make_node, make_template, make_iso):
        make()
    who, path = PAGES[page]
    client.force_login(getattr(cast, who))
    asked = {}

    for count in (1, 3, 30):
        vm = fill(cast, count)
        operation = vm.operations.get()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path.format(vm=vm.pk, operation=operation.pk))
        assert answer.status_code == 200
        asked[count] = len(queries)

    assert asked[1] == asked[3] == asked[30]
    assert calls == []
    figure("P-02", page, "queries", asked[30], "at 1 3 30 machines, Proxmox calls", len(calls))


def test_the_counter_counts(cast: Cast, client: Client) -> None:
    """Control: a page that asks for each row is caught."""
    fill(cast, 3)
    with CaptureQueriesContext(connection) as three:
        names = [str(vm.pool) for vm in VirtualMachine.objects.all()]

    assert len(names) == 6
    assert len(three) == 7
