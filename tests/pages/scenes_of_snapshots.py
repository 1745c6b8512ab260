"""Page states about snapshots, plots and what a guest told."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page

from quotas.models import Policy
from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_vm
from tests.pages.states import PageState
from vms.models import Plot, VirtualMachine
from vms.states import OperationKind, OperationState, Power

GIB = 1024**3


def snapshots(cast: Cast) -> list[PageState]:
    """Alice's machine with a branch of snapshots, one with none, and plots with a gap."""
    make_reading(timezone.now() + timedelta(hours=1))
    Policy.objects.create(name="house", is_default=True, cores=8, memory_mib=16_384, disk_gib=400, snapshots_per_vm=5)
    web, bare = _web(cast), make_vm(cast.alices, "bare", last_seen=timezone.now() + timedelta(hours=1))
    _numbers(web, "hour", 60)
    at = f"/vms/{web.pk}"
    return [
        PageState("snapshots", cast.alice, f"{at}/snapshots/"),
        PageState("snapshots-wrong", cast.alice, f"{at}/snapshots/", take_wrong),
        PageState("snapshots-none", cast.alice, f"/vms/{bare.pk}/snapshots/"),
        PageState("snapshot-roll-back", cast.alice, f"{at}/snapshots/clean/roll-back/"),
        PageState("snapshot-delete", cast.alice, f"{at}/snapshots/upgrade/delete/"),
        PageState("overview-with-plots", cast.alice, f"{at}/", plots_there),
        PageState("plots", cast.alice, f"{at}/plots/"),
        PageState("plots-table", cast.alice, f"{at}/plots/?as=table"),
        PageState("plots-nothing-yet", cast.alice, f"{at}/plots/?span=day"),
    ]


def _web(cast: Cast) -> VirtualMachine:
    now = timezone.now()
    guest = {"addresses": ["10.0.0.7", "2001:db8:0:1234:be24:11ff:fe5e:21"], "os": "Debian GNU/Linux 12 (bookworm)"}
    rows = [
        _kept("clean", "", 9, note="just installed"),
        _kept("upgrade", "clean", 6, with_memory=True, memory_gib=2),
        _kept("before-the-contest", "upgrade", 3, note="with all forty teams and their web servers", by=""),
    ]
    vm = make_vm(
        cast.alices, "web-01", power=Power.RUNNING, cores=2, memory_mib=2048, disk_gib=32, login_user="debian",
        snapshots=rows, snapshot_gib=2, snapshots_read_at=now, uptime_s=9_000, last_seen=now + timedelta(hours=1),
        hardware={"snapshot_parent": "clean", "has_agent": True}, guest={**guest, "read_at": now.isoformat()},
        source="Debian 12",
    )  # fmt: skip
    done: dict[str, Any] = {"state": OperationState.SUCCEEDED, "finished_at": now - timedelta(minutes=24)}
    sentence = "web-01 was rolled back to clean and runs."
    make_operation(vm, cast.alice, kind=OperationKind.ROLL_BACK, sentence=sentence, **done)
    return vm


def _kept(name: str, parent: str, days: int, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "parent": parent, "note": "", "by": "alice", "with_memory": False}
    row |= {"taken_at": (timezone.now() - timedelta(days=days)).isoformat(), "memory_gib": 0, "cores": 1}
    return row | {"memory_mib": 2048, "disk_gib": 32, "start_at_boot": False} | more


def _numbers(vm: VirtualMachine, span: str, count: int) -> None:
    now = timezone.now()
    rows: list[list[Any]] = []
    for ago in range(count, 0, -1):
        wave = (ago * 7919 % 97) / 97
        values = [0.05 + 0.6 * wave**4, (0.5 + wave / 4) * 2 * GIB, 2 * GIB, 90_000 * wave**3, 20_000 * wave**2]
        values += [70_000 * wave**6, 5_000 + 90_000 * wave**3]
        rows.append([int(now.timestamp()) // 60 * 60 - 60 * ago, *(values if not 18 < ago < 25 else [None] * 7)])
    later = now + timedelta(seconds=50)
    Plot.objects.create(vm=vm, span=span, wanted_at=now, asked_at=later, read_at=now, rows=rows)


def take_wrong(page: Page) -> None:
    """Asks for a name that is taken."""
    page.get_by_label("Name").fill("clean")
    page.get_by_label("Note").fill("before the next try")
    page.get_by_role("button", name="Take snapshot").click()


def plots_there(page: Page) -> None:
    """The overview fetches them by itself."""
    page.get_by_role("img", name="CPU").wait_for()
