"""The tabs Hardware and Settings: what they offer, ask for, refuse and keep."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import PoolMembership
from accounts.roles import Role
from tests.cast import Cast
from tests.factories import make_iso, make_node, make_operation, make_reading, make_vm
from tests.pages.parts import DIGEST, OTHER_DIGEST, WAITING, cd, disk, hardware, nic
from vms.change_table import PAGES
from vms.models import Operation, Storage, VirtualMachine
from vms.operations.edits import CHANGED_ELSEWHERE
from vms.states import Action, OperationKind, OperationState, Power

KEY = "c" * 32
#: What people type; of what they choose only what is on offer can stay.
TYPED = {"cores", "memory_gib", "size_gib", "name", "text", "tags"}


@pytest.fixture
def web(cast: Cast, client: Client, settings: Any) -> VirtualMachine:
    """Alice's running machine, read just now; her browser is signed in."""
    make_reading()
    node = make_node()
    settings.PROXMOX_VM_STORAGE = settings.PROXMOX_VM_STORAGES = "shared"
    settings.PROXMOX_VM_STORAGES = ("shared",)
    for name in ("shared", "local"):
        Storage.objects.create(node=node, name=name, content="images,iso")
    client.force_login(cast.alice)
    return make_vm(cast.alices, "web-01", **shape())


def shape(**more: Any) -> dict[str, Any]:
    """A running machine whose settings were read."""
    read = {"config_read_at": timezone.now(), "config_digest": DIGEST, "hardware": hardware()}
    return {"power": Power.RUNNING, "cores": 2, "memory_mib": 2048, "disk_gib": 40} | read | more


def path(vm: VirtualMachine, kind: str) -> str:
    """The page of one change."""
    return f"/vms/{vm.pk}/change/{kind}/"


def sent(**more: Any) -> dict[str, Any]:
    """What every form carries."""
    return {"key": KEY, "digest": DIGEST} | more


def wishes() -> dict[Action, dict[str, Any]]:
    """One right form for each change."""
    return {
        Action.RESIZE: {"size": "exact", "cores": "4", "memory_gib": "4"},
        Action.ADD_DISK: {"size_gib": "8"},
        Action.GROW_DISK: {"slot": "scsi0", "size_gib": "40"},
        Action.DETACH_DISK: {"slot": "scsi0"},
        Action.DROP_DISK: {"slot": "unused0"},
        Action.ADD_NIC: {"bridge": "vmbr0"},
        Action.SET_NIC: {"slot": "net0", "bridge": "vmbr0", "is_link_down": "on"},
        Action.DROP_NIC: {"slot": "net0"},
        Action.ADD_DRIVE: {},
        Action.DROP_DRIVE: {"slot": "ide2"},
        Action.MOUNT: {"slot": "ide2"},
        Action.EJECT: {"slot": "ide2"},
        Action.BOOT_ORDER: {"order": "net0,scsi0"},
        Action.DISPLAY: {"display": "virtio"},
        Action.AGENT: {"on": "0"},
        Action.AUTOSTART: {"on": "1"},
        Action.UNDO: {"keys": "cores"},
        Action.RENAME: {"name": "web-02"},
        Action.NOTES: {"text": "# Hello"},
        Action.TAGS: {"tags": "web ctf"},
    }


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_each_change_makes_one_operation_however_often_it_is_sent(
    kind: Action, client: Client, web: VirtualMachine
) -> None:
    iso = make_iso(node="pve1")
    VirtualMachine.objects.filter(pk=web.pk).update(hardware=hardware(pending_keys=["cores"]))
    form = sent(**wishes()[kind]) | ({"iso_id": str(iso.pk)} if kind == Action.MOUNT else {})

    answers = [client.post(path(web, kind), form) for _ in range(3)]

    made = Operation.objects.get()
    assert {answer.status_code for answer in answers} == {302}
    assert {answer["Location"].partition("?")[2] for answer in answers} == {f"watching={made.pk}"}
    assert made.kind == OperationKind(kind)
    assert made.wish["digest"] == DIGEST


@pytest.mark.parametrize("kind", sorted(set(PAGES) - {Action.UNDO}))
def test_each_change_has_a_page_that_says_what_it_is(kind: Action, client: Client, web: VirtualMachine) -> None:
    slot = wishes()[kind].get("slot", "")

    answer = client.get(path(web, kind), {"slot": slot} if slot else {})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'name="digest" value="{DIGEST}"' in page
    assert f">{PAGES[kind].button}</button>" in page


@pytest.mark.parametrize(
    ("kind", "changed", "sentence"),
    [
        ("resize", {"cores": "2.5"}, "Write a whole number without a unit, such as 2."),
        ("resize", {"cores": "0"}, "Cores must be a whole number from 1 to 128."),
        ("resize", {"memory_gib": "4096 MB"}, "Write a number of GiB without a unit, such as 4 or 0.5."),
        ("resize", {"cores": "12"}, "This needs 10 cores; 6 of 8 are free."),
        ("resize", {"size": "vast"}, "Choose one of the sizes."),
        ("add_disk", {"size_gib": "10G"}, "Write a whole number without a unit, such as 32."),
        ("add_disk", {"size_gib": "400"}, "This needs 400 GiB of disk; 210 GiB of 250 GiB are free."),
        ("grow_disk", {"size_gib": "16"}, "Write more than 32 GiB: disks cannot shrink."),
        ("grow_disk", {"size_gib": "32"}, "Write more than 32 GiB: it has that already."),
        ("add_nic", {"bridge": "vmbr9,tag=5"}, "That network is not on offer any more. Choose another."),
        ("mount", {"iso_id": "99999"}, "That ISO is not on offer any more. Choose another."),
        ("mount", {}, "Choose an ISO."),
        ("boot_order", {"order": "scsi0,scsi7"}, "Its devices have changed meanwhile. Look at the list again."),
        ("boot_order", {"order": "scsi0,scsi0"}, "Its devices have changed meanwhile. Look at the list again."),
        ("display", {"display": "std,memory=512"}, "Choose one of the displays."),
        ("rename", {"name": "Web Server!"}, "Name must use a–z, 0–9 and hyphens"),
        ("rename", {"name": ""}, "Give the VM a name."),
        ("notes", {"text": "x" * 9000}, "Notes have at most 8,000 characters; these have 9,000."),
        ("notes", {"text": "vmportal:1"}, "A line that begins with vmportal: is the portal"),
        ("tags", {"tags": "web,db"}, "web,db cannot be a tag"),
    ],
)  # fmt: skip
def test_bad_input_is_told_at_its_field_and_kept(
    kind: str, changed: dict[str, str], sentence: str, client: Client, web: VirtualMachine
) -> None:
    form = sent(**(wishes()[Action(kind)] | changed))

    answer = client.post(path(web, kind), form)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count(sentence) == 2
    assert "<title>Error: " in page
    assert all(value in page for name, value in changed.items() if name in TYPED)
    assert f'value="{KEY}"' in page
    assert not Operation.objects.exists()


@pytest.mark.parametrize("slot", ["", "scsi9", "args", "scsi0,net0", "../scsi0", "efidisk0", "ide2", "net0\nargs: x"])
def test_a_slot_that_is_no_disk_of_this_machine_is_no_address(slot: str, client: Client, web: VirtualMachine) -> None:
    VirtualMachine.objects.update(hardware=hardware(disks=[disk("scsi0", 4), disk("efidisk0", 1), cd("ide2")]))

    answers = [client.post(path(web, kind), sent(slot=slot, size_gib="50")) for kind in ("grow_disk", "detach_disk")]

    assert {answer.status_code for answer in answers} == {404}
    assert not Operation.objects.exists()


def test_what_changed_elsewhere_is_shown_beside_mine_and_mine_can_still_be_sent(
    client: Client, web: VirtualMachine
) -> None:
    VirtualMachine.objects.update(config_digest=OTHER_DIGEST, memory_mib=6144)
    form = sent(size="exact", cores="2", memory_gib="4")

    late = client.post(path(web, "resize"), form)
    again = client.post(path(web, "resize"), form | {"digest": OTHER_DIGEST})

    page = late.content.decode()
    assert late.status_code == 409
    assert re.search(r"Memory in GiB</th><td[^>]*>6</td><td[^>]*>4</td>", page)
    assert f'name="digest" value="{OTHER_DIGEST}"' in page
    assert again.status_code == 302


@pytest.mark.parametrize("place", ["hardware/", "operations/{}/"])
def test_a_change_that_came_too_late_shows_theirs_and_mine(place: str, cast: Cast, client: Client, web: Any) -> None:
    VirtualMachine.objects.update(
        config_digest=OTHER_DIGEST, memory_mib=6144, hardware=hardware(told={"memory": "6144 MiB"})
    )
    late = make_operation(
        web, cast.alice, kind=OperationKind.RESIZE, state=OperationState.FAILED, finished_at=timezone.now(),
        sentence=f"Nothing was changed. {CHANGED_ELSEWHERE}",
        wish={"cores": 2, "memory_mib": 4096, "digest": DIGEST, "seen": {"memory": "2048 MiB"}},
    )  # fmt: skip

    page = client.get(f"/vms/{web.pk}/{place.format(late.pk)}").content.decode()

    assert "Memory: 2048 MiB → <b>6144 MiB</b>" in page
    assert re.search(r"Memory in GiB</th><td[^>]*>6</td><td[^>]*>4</td>", page)
    assert f'name="digest" value="{OTHER_DIGEST}"' in page
    assert 'name="memory_gib" value="4"' in page


def test_what_waits_is_told_with_the_ways_back_and_forward(client: Client, web: VirtualMachine) -> None:
    VirtualMachine.objects.update(pending_cores=4, hardware=hardware(**WAITING))

    page = client.get(f"/vms/{web.pk}/hardware/").content.decode()
    undone = client.post(path(web, "undo"), sent(keys="net1"))

    assert "2 changes wait for a restart" in page
    assert "CPU: 2 cores → <b>4 cores</b>" in page
    assert page.count(">Undo<") == 2
    assert "Apply by restart" in page
    assert (undone.status_code, Operation.objects.get().wish["keys"]) == (302, ["net1"])


def test_what_waits_can_be_applied_by_a_restart(client: Client, web: VirtualMachine) -> None:
    VirtualMachine.objects.update(hardware=hardware(**WAITING))

    answers = [client.post(f"/vms/{web.pk}/apply/", {"key": KEY}) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {302}
    assert Operation.objects.get().kind == OperationKind.APPLY


def test_the_boot_order_moves_past_nine_devices_without_scripts(client: Client, web: VirtualMachine) -> None:
    slots = [f"scsi{n}" for n in range(12)]
    VirtualMachine.objects.update(hardware=hardware(disks=[disk(slot, 4) for slot in slots], boot_order=slots))

    page = client.get(path(web, "boot_order"), {"order": ",".join(slots)}).content.decode()
    row = page.partition('id="boot-scsi11"')[2]
    order = re.search(r'href="\?order=([^"#]+)', row)

    assert order is not None
    wanted = order[1].replace("%2C", ",").split(",")
    assert wanted == [*slots[:10], "scsi11", "scsi10"]
    client.post(path(web, "boot_order"), sent(order=",".join(wanted)))
    assert Operation.objects.get().wish["order"] == wanted


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"lock": "backup"}, "Backup running in Proxmox: wait until that is over."),
        ({"locked_at": timezone.now(), "lock_reason": "Scans."}, "An RTP locked this VM: Scans."),
        ({"trashed_at": timezone.now()}, "It is in the trash. Restore it first."),
        ({"config_read_at": None}, "Its settings have not been read yet."),
        ({"missing_since": timezone.now()}, "Proxmox does not show it right now."),
    ],
    ids=["backup", "locked", "trash", "unread", "missing"],
)
def test_what_cannot_be_changed_says_why_and_offers_nothing(
    columns: dict[str, Any], reason: str, client: Client, web: VirtualMachine
) -> None:
    VirtualMachine.objects.update(**columns)

    for place in ("hardware", "settings"):
        page = client.get(f"/vms/{web.pk}/{place}/").content.decode()
        assert reason in page
        assert "/change/" not in page


def test_a_viewer_looks_and_is_told_why_nothing_can_be_changed(cast: Cast, client: Client) -> None:
    ctf = make_vm(cast.shared, "ctf-box", **shape())
    PoolMembership.objects.create(pool=cast.shared, user=cast.bob, role=Role.VIEWER)
    client.force_login(cast.bob)

    page = client.get(f"/vms/{ctf.pk}/hardware/").content.decode()

    assert "As viewer of ctf you cannot do this." in page
    assert "/change/" not in page
    assert client.post(path(ctf, "resize"), sent(size="large")).status_code == 403


def test_notes_are_shown_as_markdown_that_runs_nothing(client: Client, web: VirtualMachine) -> None:
    VirtualMachine.objects.update(notes="**bold** <script>alert(1)</script>", tags=["web"])

    pages = [client.get(f"/vms/{web.pk}/{place}").content.decode() for place in ("", "settings/")]

    for page in pages:
        assert "<strong>bold</strong> &lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "?q=tag:web" in page


def test_nothing_secret_is_asked_for_while_somebody_types(client: Client, web: VirtualMachine) -> None:
    page = client.get(path(web, "resize")).content.decode()

    assert 'hx-params="slot,size,cores,memory_gib,size_gib"' in page
    assert (
        client.get(f"{path(web, 'resize')}uses/?size=exact&cores=12&memory_gib=2")
        .content.decode()
        .count("Does not fit")
        == 1
    )


@pytest.mark.parametrize(
    ("read", "ticked", "wished"),
    [
        ({"has_clipboard": False}, "", False),
        ({"has_clipboard": False}, "on", True),
        ({"has_clipboard": True}, "on", True),
        ({"has_clipboard": True}, "", False),
        ({}, "", None),
        ({}, "on", True),
    ],
    ids=["off-off", "off-on", "on-on", "on-off", "unread-off", "unread-on"],
)
def test_the_clipboard_is_ticked_as_read_and_one_never_read_is_not_taken_away(
    read: dict[str, bool], ticked: str, wished: bool | None, client: Client, web: VirtualMachine
) -> None:
    known = {key: value for key, value in hardware(**read).items() if key != "has_clipboard" or read}
    VirtualMachine.objects.update(hardware=known)

    page = client.get(path(web, "display")).content.decode()
    client.post(path(web, "display"), sent(display="std", **({"has_clipboard": ticked} if ticked else {})))

    shown = re.search(r'name="has_clipboard"[^>]*', page)
    assert shown is not None
    assert (" checked" in shown[0]) == bool(read.get("has_clipboard"))
    assert Operation.objects.get().wish.get("has_clipboard") == wished


def test_a_clipboard_set_elsewhere_is_shown_beside_mine(client: Client, web: VirtualMachine) -> None:
    VirtualMachine.objects.update(config_digest=OTHER_DIGEST, hardware=hardware(has_clipboard=True))

    late = client.post(path(web, "display"), sent(display="std"))

    assert late.status_code == 409
    row = r"A clipboard for the console</th><td[^>]*>yes</td><td[^>]*>no</td>"
    assert re.search(row, late.content.decode())


def test_a_network_card_keeps_what_is_set(client: Client, web: VirtualMachine) -> None:
    VirtualMachine.objects.update(hardware=hardware(nics=[nic("net0", bridge="vmbr7", has_firewall=True)]))

    page = client.get(path(web, "set_nic"), {"slot": "net0"}).content.decode()

    assert '<option value="vmbr7" selected>' in page
    assert re.search(r'name="has_firewall"[^>]* checked', page)
    assert "Its hardware address stays as it is." in page
