"""The tabs Hardware and Settings in each state, and the small page of each change."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import PoolMembership
from accounts.roles import Role
from accounts.spent import sent_once
from tests.cast import Cast
from tests.factories import make_iso, make_node, make_operation, make_reading, make_vm
from tests.pages.parts import DIGEST, OTHER_DIGEST, WAITING, cd, disk, hardware, nic
from tests.pages.states import PageState
from vms.models import Storage, VirtualMachine
from vms.operations.edits import CHANGED_ELSEWHERE
from vms.states import OperationKind, OperationState, Power
from vms.views.repeated import SOON, wish_of

NOTES = """# The house's web server

Serves **members.example.org**; sign in as `debian`. Ask *alice* before you reboot it.

- certificates renew by themselves
- backups: [the wiki](https://wiki.example.org/backups)

<script>alert(1)</script>
"""


def fresh() -> Any:
    """A reading that stays fresh."""
    return timezone.now() + timedelta(hours=1)


def machine(cast: Cast, name: str, **columns: Any) -> VirtualMachine:
    """A running machine of alice's whose settings were read."""
    shape = {"power": Power.RUNNING, "cores": 2, "memory_mib": 2048, "disk_gib": 40, "uptime_s": 90_000}
    read = {"config_read_at": timezone.now(), "config_digest": DIGEST, "last_seen": fresh(), "source": "Debian 12"}
    return make_vm(cast.alices, name, **(shape | read | {"hardware": hardware()} | columns))


def send_plain(page: Page) -> None:
    """As a browser without scripts would, a moment after the same was sent."""
    page.eval_on_selector("main form [name=confirm]", "(field) => { const plain = field.cloneNode(); "
        "plain.name = 'plain'; field.after(plain); }")  # fmt: skip
    page.click("main form .btn-danger")
    page.wait_for_selector("#again")


def parts(cast: Cast) -> list[PageState]:
    """Alice changes web-01, each way; others look."""
    make_reading(fresh())
    node = make_node("pve1")
    for name in ("local-lvm", "shared", "local"):
        Storage.objects.create(node=node, name=name, content="images,iso", total_bytes=10**12, used_bytes=10**11)
    make_iso("debian-12.9.0-amd64-netinst.iso")
    make_iso("grub-rescue.iso")
    has = hardware(has_clipboard=True, has_clipboard_now=True)
    web = machine(cast, "web-01", notes=NOTES, tags=["web", "ctf-2026"], hardware=has)
    at, change = f"/vms/{web.pk}/", f"/vms/{web.pk}/change/"
    with sent_once(cast.alice, wish_of(f"{at}actions/reset/", [("confirm", ["yes"])]), timezone.now(), kept=SOON):
        pass
    return [
        PageState("sent-twice", cast.alice, f"{at}actions/reset/", send_plain),
        PageState("hardware", cast.alice, f"{at}hardware/"),
        PageState("hardware-details", cast.alice, f"{at}hardware/", lambda page: page.click("#tab details summary")),
        PageState("hardware-rtp", cast.rita, f"{at}hardware/"),
        PageState("settings", cast.alice, f"{at}settings/"),
        PageState("overview-notes", cast.alice, at),
        PageState("change-size", cast.alice, f"{change}resize/"),
        PageState("change-size-wrong", cast.alice, f"{change}resize/", size_wrong),
        PageState("change-size-too-much", cast.alice, f"{change}resize/", size_too_much),
        PageState("add-disk", cast.alice, f"{change}add_disk/"),
        PageState("grow-disk", cast.alice, f"{change}grow_disk/?slot=scsi0"),
        PageState("grow-disk-wrong", cast.alice, f"{change}grow_disk/?slot=scsi0", shrink),
        PageState("detach-disk", cast.alice, f"{change}detach_disk/?slot=scsi0"),
        PageState("drop-disk", cast.alice, f"{change}drop_disk/?slot=unused0"),
        PageState("add-nic", cast.alice, f"{change}add_nic/"),
        PageState("set-nic", cast.alice, f"{change}set_nic/?slot=net0"),
        PageState("drop-nic", cast.alice, f"{change}drop_nic/?slot=net0"),
        PageState("add-drive", cast.alice, f"{change}add_drive/"),
        PageState("mount", cast.alice, f"{change}mount/?slot=ide2"),
        PageState("eject", cast.alice, f"{change}eject/?slot=ide2"),
        PageState("boot-order", cast.alice, f"{change}boot_order/"),
        PageState("display", cast.alice, f"{change}display/"),
        PageState("rename", cast.alice, f"{change}rename/"),
        PageState("rename-wrong", cast.alice, f"{change}rename/", rename_wrong),
        PageState("notes", cast.alice, f"{change}notes/"),
        PageState("tags", cast.alice, f"{change}tags/"),
        PageState("tags-wrong", cast.alice, f"{change}tags/", tags_wrong),
    ]


def waiting(cast: Cast) -> list[PageState]:
    """Changes that wait, that came too late, that failed; machines whose settings are fixed."""
    make_reading(fresh())
    make_node("pve1")
    waits = machine(cast, "waits", pending_cores=4, hardware=hardware(**WAITING))
    late = machine(
        cast, "late", memory_mib=6144, config_digest=OTHER_DIGEST, hardware=hardware(told={"memory": "6144 MiB"})
    )
    seen = {"memory": "2048 MiB"}
    make_operation(
        late, cast.alice, kind=OperationKind.RESIZE, state=OperationState.FAILED, finished_at=timezone.now(),
        sentence=f"The portal did not change the size of late. {CHANGED_ELSEWHERE}",
        wish={"cores": 2, "memory_mib": 4096, "digest": DIGEST, "seen": seen},
    )  # fmt: skip
    many = [disk(f"scsi{n}", 4) for n in range(12)]
    big = machine(
        cast, "big", lock="backup",
        hardware=hardware(disks=[*many, cd("ide2")], boot_order=[one["slot"] for one in many], nics=[nic("net0")]),
    )  # fmt: skip
    boot = machine(cast, "boot", hardware=hardware(disks=[*many], boot_order=[one["slot"] for one in many]))
    unread = make_vm(cast.alices, "unread", last_seen=fresh(), cores=0, disk_gib=0)
    moving = machine(cast, "moving")
    make_operation(moving, cast.alice, kind=OperationKind.ADD_NIC, state=OperationState.SUBMITTED)
    ctf = make_vm(cast.shared, "ctf-box", hardware=hardware(), config_read_at=timezone.now(), last_seen=fresh())
    PoolMembership.objects.create(pool=cast.shared, user=cast.bob, role=Role.VIEWER)
    locked = machine(cast, "locked", locked_at=timezone.now(), lock_reason="It scans the network.")
    return [
        PageState("hardware-waiting", cast.alice, f"/vms/{waits.pk}/hardware/"),
        PageState("hardware-late", cast.alice, f"/vms/{late.pk}/hardware/"),
        PageState("hardware-backup", cast.alice, f"/vms/{big.pk}/hardware/"),
        PageState("hardware-unread", cast.alice, f"/vms/{unread.pk}/hardware/"),
        PageState("hardware-moving", cast.alice, f"/vms/{moving.pk}/hardware/"),
        PageState("hardware-locked", cast.alice, f"/vms/{locked.pk}/hardware/"),
        PageState("change-locked", cast.alice, f"/vms/{locked.pk}/change/resize/"),
        PageState("boot-order-many", cast.alice, f"/vms/{boot.pk}/change/boot_order/"),
        PageState("hardware-viewer", cast.bob, f"/vms/{ctf.pk}/hardware/"),
        PageState("settings-viewer", cast.bob, f"/vms/{ctf.pk}/settings/"),
        PageState("vm-waiting", cast.alice, f"/vms/{waits.pk}/"),
    ]


def size_wrong(page: Page) -> None:
    """Numbers that are none."""
    page.get_by_label("Exact numbers").check()
    page.get_by_label("Cores", exact=True).fill("two")
    page.get_by_label("Memory in GiB").fill("4 GiB")
    page.click("#send")


def size_too_much(page: Page) -> None:
    """More than the limit."""
    page.get_by_label("Exact numbers").check()
    page.get_by_label("Cores", exact=True).fill("12")
    page.click("#send")


def shrink(page: Page) -> None:
    """Smaller than it is."""
    page.get_by_label("New size in GiB").fill("16")
    page.click("#send")


def rename_wrong(page: Page) -> None:
    """No name for a host."""
    page.get_by_label("New name").fill("Web Server!")
    page.click("#send")


def tags_wrong(page: Page) -> None:
    """With commas."""
    page.get_by_label("Tags").fill("web,db")
    page.click("#send")
