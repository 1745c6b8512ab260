"""What members do to devices and options: what is sent, what is refused beside which field, and what is said."""

from typing import Any

import pytest
from django.utils import timezone

from tests.factories import make_iso
from tests.vms.operations.bench import SECOND_DISK, Bench
from tests.vms.operations.workshop import Workshop
from vms import operations as ops
from vms.operations import Refusal
from vms.operations.drives import isos_for
from vms.operations.hardware import WAITS
from vms.parts import display_of
from vms.states import OperationState

SUCCEEDED, FAILED = OperationState.SUCCEEDED, OperationState.FAILED
LOCAL_DISK = {"scsi1": f"{SECOND_DISK},size=3G"}


# --- network cards ---


def test_a_network_card_is_added_with_an_address_of_ours(shop: Workshop) -> None:
    bench = Bench(shop, status="running")

    op = bench.do(ops.request_add_nic, bridge="vmbr0", has_firewall=True)

    assert (op.state, op.sentence) == (SUCCEEDED, "web-01 has a new network card, net1.")
    assert bench.config["net1"] == f"virtio={op.wish['mac']},bridge=vmbr0,firewall=1"
    assert [nic["slot"] for nic in bench.row.hardware["nics"]] == ["net0", "net1"]


def test_a_card_keeps_its_address_its_model_and_what_an_admin_set(shop: Workshop) -> None:
    bench = Bench(shop, config={"net0": "e1000=BC:24:11:AA:BB:CC,bridge=vmbr0,rate=10,tag=7"})

    op = bench.do(ops.request_set_nic, slot="net0", bridge="vmbr0", has_firewall=False, is_link_down=True)

    assert op.sentence == "The network card net0 of web-01 was changed."
    assert bench.config["net0"] == "e1000=BC:24:11:AA:BB:CC,bridge=vmbr0,rate=10,tag=7,link_down=1"
    assert bench.row.hardware["nics"][0]["is_link_down"]


def test_a_card_may_stay_on_a_network_that_is_not_offered(shop: Workshop) -> None:
    bench = Bench(shop, config={"net0": "virtio=BC:24:11:AA:BB:CC,bridge=vmbr77"})

    bench.do(ops.request_set_nic, slot="net0", bridge="vmbr77", has_firewall=True, is_link_down=False)

    assert bench.config["net0"] == "virtio=BC:24:11:AA:BB:CC,bridge=vmbr77,firewall=1"
    with pytest.raises(Refusal, match="Choose one of these networks: vmbr0"):
        bench.ask(ops.request_add_nic, bridge="vmbr77")


def test_the_last_network_card_may_go(shop: Workshop) -> None:
    bench = Bench(shop, status="running")

    op = bench.do(ops.request_drop_nic, slot="net0")

    assert (op.sentence, "net0" in bench.config) == ("The network card net0 of web-01 was removed.", False)
    assert bench.row.hardware["nics"] == []


def test_more_cards_than_allowed_are_refused(shop: Workshop, settings: Any) -> None:
    settings.MOST_NICS = 1
    bench = Bench(shop)

    with pytest.raises(Refusal, match="One VM may have 1 network cards") as refused:
        bench.ask(ops.request_add_nic, bridge="vmbr0")

    assert refused.value.field == "bridge"


# --- CD drives ---


def test_a_drive_of_a_running_machine_waits_and_is_said_to(shop: Workshop) -> None:
    bench = Bench(shop, status="running")

    op = bench.do(ops.request_add_drive, iso_id=shop.iso.pk)

    assert op.sentence == f"web-01 has a new CD drive, {op.wish['slot']}. {WAITS}"
    assert bench.pending[op.wish["slot"]] is not None
    assert op.wish["slot"] in [each["key"] for each in bench.row.hardware["pending"]]


def test_an_iso_is_inserted_and_ejected_while_it_runs(shop: Workshop) -> None:
    bench = Bench(shop, status="running", config={"ide2": "none,media=cdrom"})

    op = bench.do(ops.request_mount, slot="ide2", iso_id=shop.iso.pk)
    assert op.sentence == "small-linux.iso is in the CD drive ide2 of web-01."
    assert bench.config["ide2"].startswith("shared:iso/small-linux.iso,media=cdrom")

    op = bench.do(ops.request_eject, slot="ide2")
    assert op.sentence == "The CD drive ide2 of web-01 is empty."
    assert bench.config["ide2"].startswith("none,media=cdrom")


def test_a_drive_is_removed_from_a_stopped_machine_at_once(shop: Workshop) -> None:
    bench = Bench(shop, config={"ide2": "none,media=cdrom"})

    op = bench.do(ops.request_drop_drive, slot="ide2")

    assert (op.sentence, "ide2" in bench.config) == ("The CD drive ide2 of web-01 was removed.", False)


def test_an_iso_that_was_hidden_meanwhile_is_refused_beside_its_field(shop: Workshop) -> None:
    bench = Bench(shop, config={"ide2": "none,media=cdrom"})
    assert isos_for(bench.row) == [shop.iso]
    type(shop.iso).objects.update(is_hidden=True)

    for request, more in ((ops.request_mount, {"slot": "ide2"}), (ops.request_add_drive, {})):
        with pytest.raises(Refusal, match="not offered any more") as refused:
            bench.ask(request, iso_id=shop.iso.pk, **more)
        assert refused.value.field == "iso_id"


@pytest.mark.parametrize("gone", [{"is_hidden": True}, {"missing_since": timezone.now()}], ids=["hidden", "lost"])
def test_an_iso_that_was_hidden_between_asking_and_sending_is_not_inserted(
    shop: Workshop, gone: dict[str, Any]
) -> None:
    bench = Bench(shop, config={"ide2": "none,media=cdrom"})
    for request, more in ((ops.request_mount, {"slot": "ide2"}), (ops.request_add_drive, {})):
        type(shop.iso).objects.update(is_hidden=False, missing_since=None)
        asked = bench.ask(request, iso_id=shop.iso.pk, **more)
        type(shop.iso).objects.update(**gone)
        op = shop.work(asked)
        assert op.state == FAILED
        assert "An RTP hid small-linux.iso after it was chosen, or its storage lost it." in op.sentence

    drives = {slot: value for slot, value in bench.config.items() if "media=cdrom" in value}
    assert drives == {"ide2": "none,media=cdrom"}


def test_an_iso_on_another_nodes_own_storage_is_not_offered(shop: Workshop) -> None:
    bench = Bench(shop)
    elsewhere = make_iso("other.iso", volid="local:iso/other.iso", node="pve2")

    assert elsewhere not in isos_for(bench.row)
    with pytest.raises(Refusal, match="cannot reach it"):
        bench.ask(ops.request_add_drive, iso_id=elsewhere.pk)


# --- disks ---


def test_a_disk_is_detached_counts_on_and_is_deleted_for_good(shop: Workshop) -> None:
    bench = Bench(shop, config=LOCAL_DISK)
    before = bench.row.disk_gib

    op = bench.do(ops.request_detach_disk, slot="scsi1")
    assert op.sentence == "The disk scsi1 of web-01 is detached. It is kept and counts until it is deleted."
    assert (bench.row.disk_gib, bench.config["unused0"]) == (before, SECOND_DISK)

    op = bench.do(ops.request_drop_disk, slot="unused0")
    assert op.sentence == "A detached disk of web-01 (vm-77-disk-7) was deleted."
    assert (bench.row.disk_gib, "unused0" in bench.config) == (before - 3, False)


def test_a_disk_the_guest_holds_on_to_waits_and_is_said_to(shop: Workshop) -> None:
    bench = Bench(shop, status="running", obeys_shutdown=False, config=LOCAL_DISK)

    op = bench.do(ops.request_detach_disk, slot="scsi1")

    assert (op.state, op.sentence.endswith(WAITS)) == (SUCCEEDED, True)
    assert bench.pending == {"scsi1": None}
    assert bench.row.hardware["pending"][0]["later"] == "removed"


def test_a_detached_disk_that_a_snapshot_needs_stays_and_nothing_waits(shop: Workshop) -> None:
    bench = Bench(shop, config={"unused0": SECOND_DISK})
    shop.work(ops.request_snapshot(bench.row, name="before", **bench.who))
    bench.read()

    op = bench.do(ops.request_drop_disk, slot="unused0")

    assert (op.state, op.sentence) == (
        FAILED, "Proxmox did not delete the disk of web-01. A snapshot still uses it. Nothing was changed.",
    )  # fmt: skip
    assert (bench.pending, bench.config["unused0"]) == ({}, SECOND_DISK)


def test_only_a_detached_disk_is_deleted(shop: Workshop) -> None:
    bench = Bench(shop)

    with pytest.raises(Refusal, match="Detach the disk first") as refused:
        bench.ask(ops.request_drop_disk, slot="scsi0")

    assert refused.value.field == "slot"


@pytest.mark.parametrize("name", ["detach_disk", "drop_disk", "drop_drive"])
def test_a_protected_machine_says_how_to_unprotect(shop: Workshop, name: str) -> None:
    slots = {"detach_disk": "scsi0", "drop_disk": "unused0", "drop_drive": "ide2"}
    bench = Bench(shop, config={"protection": "1", "unused0": SECOND_DISK, "ide2": "none,media=cdrom"})

    with pytest.raises(Refusal, match="An RTP takes the protection off in Proxmox: the VM's Options, Protection, No"):
        bench.ask(getattr(ops, f"request_{name}"), slot=slots[name])


# --- boot order, display, agent ---


def test_the_boot_order_takes_more_than_nine_devices(shop: Workshop) -> None:
    cards = {f"net{n}": f"virtio=BC:24:11:00:00:{n:02X},bridge=vmbr0" for n in range(11)}
    bench = Bench(shop, config=cards)
    order = ["net10", "scsi0", *(f"net{n}" for n in range(10))]

    op = bench.do(ops.request_boot_order, order=order)

    assert op.sentence == f"web-01 boots from {', '.join(order)}, in this order."
    assert (bench.config["boot"], bench.row.hardware["boot_order"]) == (f"order={';'.join(order)}", order)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [([], "at least one"), (["scsi0", "scsi0"], "once"), (["scsi9"], "no such device"), (["scsi0;net0"], "no such")],
)
def test_a_boot_order_of_other_devices_is_refused(shop: Workshop, order: list[str], sentence: str) -> None:
    bench = Bench(shop)

    with pytest.raises(Refusal, match=sentence) as refused:
        bench.ask(ops.request_boot_order, order=order)

    assert refused.value.field == "order"


def test_display_and_agent_keep_what_an_admin_set_beside_them(shop: Workshop) -> None:
    bench = Bench(shop, config={"vga": "std,memory=32", "agent": "0,fstrim_cloned_disks=1"})

    bench.do(ops.request_display, display="virtio")
    op = bench.do(ops.request_agent, on=True)

    assert bench.config["vga"] == "type=virtio,memory=32"
    assert bench.config["agent"] == "enabled=1,fstrim_cloned_disks=1"
    assert (op.sentence, bench.row.hardware["has_agent"]) == ("web-01 is asked through its guest agent.", True)


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("std,memory=32", {"has_clipboard": True}, "type=std,memory=32,clipboard=vnc"),
        ("std,clipboard=vnc,memory=32", {"has_clipboard": False}, "type=std,memory=32"),
        ("std,clipboard=vnc", {"display": "virtio"}, "type=virtio,clipboard=vnc"),
        ("clipboard=vnc", {"display": "qxl", "has_clipboard": True}, "type=qxl,clipboard=vnc"),
        ("clipboard=vnc", {"has_clipboard": True}, "clipboard=vnc"),
        ("std", {"has_clipboard": False}, "std"),
    ],
)
def test_a_clipboard_comes_and_goes_and_the_rest_of_the_display_stays(
    shop: Workshop, before: str, wanted: dict[str, Any], after: str
) -> None:
    bench = Bench(shop, config={"vga": before})

    op = bench.do(ops.request_display, **({"display": "std"} | wanted))

    assert (op.state, bench.config["vga"]) == (SUCCEEDED, after)
    has_clipboard = "clipboard" in after
    assert (bench.row.hardware["has_clipboard"], bench.row.hardware["has_clipboard_now"]) == (has_clipboard,) * 2
    assert (", with a clipboard" in display_of(bench.row)) == has_clipboard


def test_a_clipboard_of_a_running_machine_waits_for_the_next_start(shop: Workshop) -> None:
    bench = Bench(shop, status="running", config={"vga": "std,memory=32"})

    op = bench.do(ops.request_display, display="std", has_clipboard=True)
    waiting = bench.row.hardware
    shop.work(ops.request_apply(bench.row, **bench.who))

    assert op.sentence == f"The display of web-01 is Standard (VGA), with a clipboard. {WAITS}"
    told = {"key": "vga", "label": "Display", "now": "std", "later": "std, with a clipboard"}
    assert (waiting["pending"], waiting["has_clipboard"], waiting["has_clipboard_now"]) == ([told], True, False)
    assert (bench.config["vga"], bench.row.hardware["has_clipboard_now"]) == ("type=std,memory=32,clipboard=vnc", True)


def test_a_display_that_would_blacken_the_console_is_refused(shop: Workshop) -> None:
    bench = Bench(shop)

    for display in ("none", "serial0", "std,hookscript=x", ""):
        with pytest.raises(Refusal, match="Choose one of these displays") as refused:
            bench.ask(ops.request_display, display=display)
        assert refused.value.field == "display"


# --- name, notes, tags ---


def test_a_machine_is_renamed_in_the_row_and_in_proxmox(shop: Workshop) -> None:
    bench = Bench(shop, status="running")

    op = bench.do(ops.request_rename, name="DB-01 ")

    assert (op.state, op.sentence) == (SUCCEEDED, "web-01 is now called db-01.")
    assert (bench.row.name, bench.config["name"]) == ("db-01", "db-01")


def test_two_machines_cannot_be_given_one_name(shop: Workshop) -> None:
    first, second = Bench(shop, name="web-01"), Bench(shop, name="web-02")
    first.ask(ops.request_rename, name="db-01")

    for name in ("db-01", "web-01"):
        with pytest.raises(Refusal, match=f"{name} is in use") as refused:
            second.ask(ops.request_rename, name=name)
        assert refused.value.field == "name"


def test_notes_keep_the_portals_line_and_never_show_it(shop: Workshop) -> None:
    bench = Bench(shop, description="vmportal:1234\nold")
    assert bench.row.notes == "old"

    op = bench.do(ops.request_notes, text="# Web\r\n<script>alert(1)</script>\r\n")

    assert op.sentence == "The notes of web-01 were changed."
    assert bench.config["description"] == "vmportal:1234\n# Web\n<script>alert(1)</script>"
    assert bench.row.notes == "# Web\n<script>alert(1)</script>"
    bench.do(ops.request_notes, text="")
    assert (bench.config["description"], bench.row.notes) == ("vmportal:1234", "")


def test_notes_and_tags_that_become_empty_are_deleted(shop: Workshop) -> None:
    bench = Bench(shop, description="old", config={"tags": "a;b"})

    bench.do(ops.request_notes, text="  ")
    op = bench.do(ops.request_tags, tags=[])

    assert {"description", "tags"}.isdisjoint(bench.config)
    assert (op.sentence, bench.row.tags) == ("web-01 has no tags.", [])


def test_tags_are_kept_as_proxmox_keeps_them(shop: Workshop) -> None:
    bench = Bench(shop)

    op = bench.do(ops.request_tags, tags=["Web", "db", "web", " "])

    assert (op.sentence, bench.config["tags"]) == ("web-01 has the tags db, web.", "db;web")
    assert bench.row.tags == ["db", "web"]


@pytest.mark.parametrize(
    ("request_name", "asked", "field"),
    [
        ("tags", {"tags": ["a,b"]}, "tags"),
        ("tags", {"tags": ["a b"]}, "tags"),
        ("tags", {"tags": ["a;hookscript=x"]}, "tags"),
        ("tags", {"tags": ["-a"]}, "tags"),
        ("tags", {"tags": [f"t{n}" for n in range(21)]}, "tags"),
        ("notes", {"text": "x" * 8001}, "text"),
        ("notes", {"text": "a\x00b"}, "text"),
        ("notes", {"text": "vmportal:other"}, "text"),
        ("rename", {"name": "under_score"}, "name"),
        ("rename", {"name": "1web"}, "name"),
        ("rename", {"name": "web-01"}, "name"),
        ("rename", {"name": "web\ncores: 64"}, "name"),
        ("set_nic", {"slot": "net9", "bridge": "vmbr0", "has_firewall": False, "is_link_down": False}, "slot"),
        ("drop_nic", {"slot": "scsi0"}, "slot"),
        ("drop_nic", {"slot": "net0,hookscript=local:snippets/x"}, "slot"),
        ("drop_nic", {"slot": "net0\n"}, "slot"),
        ("add_nic", {"bridge": "vmbr0,firewall=0"}, "bridge"),
        ("detach_disk", {"slot": "net0"}, "slot"),
        ("detach_disk", {"slot": "cores"}, "slot"),
        ("drop_drive", {"slot": "scsi0"}, "slot"),
        ("eject", {"slot": "args"}, "slot"),
        ("undo", {"keys": ["protection"]}, "keys"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_nothing_is_written(
    shop: Workshop, request_name: str, asked: dict[str, Any], field: str
) -> None:
    bench = Bench(shop)
    before = bench.truth

    with pytest.raises(Refusal) as refused:
        bench.ask(getattr(ops, f"request_{request_name}"), **asked)

    assert (refused.value.field, bench.truth, bench.row.operations.count()) == (field, before, 0)
