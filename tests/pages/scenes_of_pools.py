"""Page states of pools before an RTP, and of moving a machine to another pool."""

from django.utils import timezone
from playwright.sync_api import Page

from accounts import pool_marks
from accounts.models import Pool
from accounts.roles import PoolKind
from quotas.allowances import Numbers, give
from quotas.models import Policy, Reservation
from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_vm
from tests.pages.states import PageState
from vms.models import ClusterPool
from vms.operations import pool_ends
from vms.states import OperationState, Power


def pools(cast: Cast) -> list[PageState]:
    """Every kind of pool: full, over, reserved, hidden, closed, being renamed, history; and some of Proxmox alone."""
    make_reading()
    Policy.objects.create(name="default", is_default=True, cores=6, memory_mib=8192, disk_gib=250)
    web = make_vm(cast.alices, "web-01", cores=4, memory_mib=4096, disk_gib=40, power=Power.RUNNING)
    make_vm(cast.bobs, "db", cores=8, memory_mib=4096, disk_gib=120, power=Power.RUNNING)
    lone = make_vm(cast.bobs, "ci", cores=1, memory_mib=1024)
    make_vm(cast.shared, "scoreboard", cores=2, memory_mib=2048, disk_gib=60, power=Power.RUNNING)
    give(cast.shared, Numbers(cores=12), reason="The contest.", until=None, by=cast.rita)
    Reservation.objects.create(pool=cast.shared, cores=2, memory_mib=2048, disk_gib=20, held_until=timezone.now())
    renamed = Pool.objects.create(kind=PoolKind.SHARED, name="robotics", proxmox_poolid="robotics")
    busy = make_vm(renamed, "arm", power=Power.RUNNING)
    make_vm(renamed, "vision")
    make_operation(busy, cast.alice, state=OperationState.SUBMITTED)
    pool_ends.rename(renamed, "robots", by=cast.rita, address="", key="d" * 32, now=timezone.now())
    closed = Pool.objects.create(kind=PoolKind.SHARED, name="winter-2024", proxmox_poolid="winter-2024")
    pool_marks.close(closed, by=cast.rita, now=timezone.now())
    infra = Pool.objects.create(kind=PoolKind.SHARED, name="infra", proxmox_poolid="house-infra", hidden=True)
    pool_marks.set_marks(infra, hidden=True, never_expires=True, reason="The house runs on it.", by=cast.rita)
    gone = {"closed_at": timezone.now(), "removed_at": timezone.now(), "successor": cast.shared}
    old = Pool.objects.create(kind=PoolKind.SHARED, name="old (removed 9)", **gone)
    for name, machines in (("proxstar-archive", 14), ("testing", 0)):
        ClusterPool.objects.create(poolid=name, machines=machines, seen_at=timezone.now())
    one = "/rtp/pools/{}/"
    return [
        PageState("pools of RTPs", cast.rita, "/rtp/pools/?sort=cores"),
        PageState("pools of RTPs, nothing found", cast.rita, "/rtp/pools/?q=zzz"),
        PageState("pools of RTPs, a limit in place", cast.rita, "/rtp/pools/", open_limits),
        PageState("a pool before an RTP", cast.rita, one.format(cast.shared.pk)),
        PageState("a pool that is renamed", cast.rita, one.format(renamed.pk)),
        PageState("a closed pool", cast.rita, one.format(closed.pk)),
        PageState("a removed pool", cast.rita, one.format(old.pk)),
        PageState("a hidden pool", cast.rita, f"/pools/{infra.pk}/"),
        PageState("move a machine", cast.alice, f"/vms/{web.pk}/move/"),
        PageState("move a machine, nowhere", cast.alice, f"/vms/{web.pk}/move/", move_nowhere),
        PageState("move a machine as RTP", cast.rita, f"/vms/{web.pk}/move/"),
        PageState("move a machine, no other pool", cast.bob, f"/vms/{lone.pk}/move/"),
    ]


def open_limits(page: Page) -> None:
    """Opens the form in the list."""
    page.get_by_role("link", name="Limits of bob").click()
    page.get_by_label("Reason").wait_for()


def move_nowhere(page: Page) -> None:
    """No pool is chosen."""
    for choice in page.get_by_role("radio").all():
        choice.evaluate("radio => { radio.checked = false }")
    page.get_by_role("button", name="Move web-01").click()
