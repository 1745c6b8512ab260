"""U-11: the page comes back by itself whatever broke its console, and shows the last picture until then."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.consoles.page.conftest import Site
from tests.consoles.page.screen import Screen
from tests.figures import figure, scaled
from vms.models import ClusterTask, VirtualMachine
from vms.states import Power

pytestmark = [pytest.mark.browser]
Breakage = Callable[[Screen, Site], None]
BACK_S = 5.0


def cut_for_1_s(screen: Screen, site: Site) -> None:
    with site.cable.cut():
        screen.is_now("Connection lost")
        screen.pass_time(1)


def cut_for_10_s(screen: Screen, site: Site) -> None:
    with site.cable.cut():
        screen.is_now("Connection lost")
        screen.pass_time(10)


def silent_for_10_s(screen: Screen, site: Site) -> None:
    with site.cable.frozen():
        screen.pass_time(10)
        screen.is_now("Unstable")


def guest_reboot(screen: Screen, site: Site) -> None:
    vmid = screen.house.vm.vmid or 0
    screen.house.cluster.change(vmid, status="stopped")
    screen.is_now("Connection lost")
    screen.house.cluster.change(vmid, status="running")


def stop_and_start(screen: Screen, site: Site) -> None:
    rows = VirtualMachine.objects.filter(pk=screen.house.vm.pk)
    rows.update(power=Power.STOPPED)
    screen.house.cluster.change(screen.house.vm.vmid or 0, status="stopped")
    screen.is_now("Connection lost")
    screen.pass_time(3)
    expect(screen.part("title")).to_have_text("web-01 is stopped", timeout=10_000)
    screen.house.cluster.change(screen.house.vm.vmid or 0, status="running")
    rows.update(power=Power.RUNNING)


def moved(screen: Screen, site: Site) -> None:
    rows = VirtualMachine.objects.filter(pk=screen.house.vm.pk)
    rows.update(lock="migrate")
    ClusterTask.objects.create(
        upid=f"UPID:{screen.house.vm.node}:{ClusterTask.objects.count()}", vm=screen.house.vm, kind="qmigrate",
        user="root@pam", began_at=timezone.now(), target="pve2",
    )  # fmt: skip
    with screen.house.cluster.fault("drop_stream", vmid=screen.house.vm.vmid):
        screen.is_now("The VM is moving")
        screen.says("The VM is moving to pve2. We try again by ourselves.")
    screen.house.cluster.change(screen.house.vm.vmid or 0, node="pve2")
    rows.update(lock="", node="pve2")


BREAKAGES: dict[str, Breakage] = {
    "cut for 1 s": cut_for_1_s,
    "cut for 10 s": cut_for_10_s,
    "silent for 10 s": silent_for_10_s,
    "guest reboot": guest_reboot,
    "stop and start": stop_and_start,
    "moved to another node": moved,
}


@pytest.mark.parametrize("what", BREAKAGES)
def test_the_console_comes_back_without_a_click(screen: Screen, site: Site, what: str) -> None:
    worst = 0.0
    for _ in range(rounds := scaled(1, 5)):
        screen.open().painted()
        BREAKAGES[what](screen, site)
        worst = max(worst, screen.back_within_s(BACK_S))
    figure("U-11", what, "came back", rounds, "of", rounds, "worst s after its return", f"{worst:.1f}")
