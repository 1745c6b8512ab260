"""Page states about limits and pools: asking for more, the answer, a refusal that explains itself."""

from playwright.sync_api import Page

from accounts import announcements
from quotas import asking
from quotas.allowances import Numbers
from quotas.models import Policy
from tests.cast import Cast
from tests.factories import make_node, make_reading, make_vm
from tests.pages.states import PageState
from vms.capacity import GIB
from vms.models import Storage
from vms.states import Power


def limits(cast: Cast) -> list[PageState]:
    """Alice's request waits, one of the shared pool was granted in part, and bob's start does not fit."""
    make_reading()
    Policy.objects.create(name="default", is_default=True, cores=6, memory_mib=8192, disk_gib=250)
    make_vm(cast.bobs, "db", cores=4, memory_mib=4096, power=Power.RUNNING)
    make_vm(cast.bobs, "ci", cores=1, memory_mib=1024, power=Power.RUNNING)
    make_vm(cast.shared, "scoreboard", power=Power.RUNNING)
    web = make_vm(cast.bobs, "web", cores=4, memory_mib=2048)
    node = make_node("pve1")
    make_node("pve2", is_online=False)
    make_node("pve3", memory_mib=32_768)
    sizes = {"total_bytes": 2_000 * GIB, "used_bytes": 1_900 * GIB, "content": "images"}
    Storage.objects.create(node=node, name="ceph", is_shared=True, **sizes)
    announcements.announce("Saturday from 9:00 pve2 gets new disks; its VMs are moved.", by=cast.rita)
    more = Numbers(cores=12, memory_mib=16_384)
    open_one = asking.ask(cast.alices, more, reason="A contest with forty teams.", until=None, by=cast.alice)
    granted = asking.ask(cast.shared, more, reason="The scoreboard.", until=None, by=cast.alice)
    asking.approve(granted, Numbers(cores=10), until=None, answer="Memory is short until May.", by=cast.rita)
    return [
        PageState("ask for more", cast.bob, "/quotas/ask/?cores=9"),
        PageState("ask for more, wrong", cast.bob, "/quotas/ask/", ask_wrong),
        PageState("requests", cast.alice, "/quotas/requests/"),
        PageState("request that waits", cast.alice, f"/quotas/requests/{open_one.ref}/"),
        PageState("request with its answer", cast.alice, f"/quotas/requests/{granted.ref}/"),
        PageState("request before an RTP", cast.rita, f"/quotas/requests/{open_one.ref}/"),
        PageState("limits of a pool", cast.rita, f"/quotas/pools/{cast.shared.pk}/"),
        PageState("capacity", cast.rita, "/rtp/capacity/"),
        PageState("announcement", cast.rita, "/rtp/announcement/"),
        PageState("shared pools", cast.rita, "/pools/"),
        PageState("shared pool of a manager", cast.alice, f"/pools/{cast.shared.pk}/?find=bo"),
        PageState("shared pool of an operator", cast.carol, f"/pools/{cast.shared.pk}/"),
        PageState("start that does not fit", cast.bob, f"/vms/{web.pk}/", start),
    ]


def ask_wrong(page: Page) -> None:
    """Numbers that are none, and no reason."""
    page.get_by_label("Cores").fill("12 cores")
    page.get_by_role("button", name="Send request").click()


def start(page: Page) -> None:
    """Presses Start."""
    page.get_by_role("button", name="Start").first.click()
