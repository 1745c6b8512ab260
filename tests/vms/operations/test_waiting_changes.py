"""Changes made elsewhere, changes that wait, and how waiting ends: taken back, or applied by a restart."""

import pytest
from pytest_django import Settings

from accounts.models import Pool
from quotas.limits import limit_of
from quotas.locking import lock_pool
from tests.vms.operations.bench import SECOND_DISK, Bench
from tests.vms.operations.changes import CHANGES, RICH, prepare, request, rich
from tests.vms.operations.workshop import Workshop
from vms import operations as ops
from vms.models import VirtualMachine
from vms.operations import Refusal
from vms.operations.edits import CHANGED_ELSEWHERE
from vms.operations.hardware import WAITS
from vms.states import OperationState, Power

SUCCEEDED, FAILED = OperationState.SUCCEEDED, OperationState.FAILED
EDITS = [kind for kind in CHANGES if kind != "apply"]


@pytest.mark.parametrize("kind", EDITS)
def test_what_was_changed_elsewhere_is_never_overwritten(shop: Workshop, kind: str) -> None:
    bench = rich(shop)
    prepare(bench, kind)
    op = request(bench, kind)
    shop.cluster.change(bench.vm.vmid or 0, config={"balloon": "256"})
    before = bench.truth

    op = shop.work(op)

    assert (op.state, CHANGED_ELSEWHERE in op.sentence) == (FAILED, True)
    assert (bench.truth, op.wish["seen"]["name"]) == (before, "web-01")


def test_both_versions_can_be_shown_side_by_side(shop: Workshop) -> None:
    bench = rich(shop)
    op = bench.ask(ops.request_tags, tags=["web"])
    shop.cluster.change(bench.vm.vmid or 0, config={"tags": "theirs"})

    op = shop.work(op)

    versions = op.wish["seen"]["tags"], bench.row.hardware["told"]["tags"], op.wish["tags"]
    assert versions == ("old", "theirs", ["web"])


def test_a_form_older_than_the_row_is_refused(shop: Workshop) -> None:
    bench = rich(shop)
    seen = bench.row.config_digest
    bench.do(ops.request_tags, tags=["web"])

    with pytest.raises(Refusal, match="changed elsewhere meanwhile"):
        bench.ask(ops.request_tags, tags=["other"], digest=seen)

    assert bench.config["tags"] == "web"


def test_without_a_digest_the_newest_settings_are_changed(shop: Workshop) -> None:
    bench = rich(shop)
    shop.cluster.change(bench.vm.vmid or 0, config={"tags": "theirs"})

    op = bench.do(ops.request_tags, tags=["web"], digest="")

    assert (op.state, bench.config["tags"]) == (SUCCEEDED, "web")


@pytest.mark.parametrize(
    ("kind", "config", "sentence"),
    [
        ("set_nic", {"net1": "virtio=BC:24:11:99:99:99,bridge=vmbr0"}, "net1 is another network card now."),
        ("detach_disk", {"scsi1": "shared:vm-77-disk-99,size=1G"}, "scsi1 is another disk now."),
        ("mount", {"ide2": f"{SECOND_DISK},size=1G"}, "ide2 is no CD drive now."),
    ],
)
def test_a_slot_that_holds_something_else_now_is_left_alone(
    shop: Workshop, kind: str, config: dict[str, str], sentence: str
) -> None:
    """Also where no digest was given: a slot is a place, and the thing in it is what was meant."""
    bench = rich(shop, config={key: text for key, text in RICH.items() if key != "unused0"})
    ask, asked = CHANGES[kind]
    op = bench.ask(ask, digest="", **(asked | ({"iso_id": shop.iso.pk} if kind == "mount" else {})))
    shop.cluster.change(bench.vm.vmid or 0, config=config)
    before = bench.truth

    op = shop.work(op)

    assert (op.state, sentence in op.sentence, bench.truth) == (FAILED, True, before)


# --- what waits ---


def test_what_waits_is_shown_with_what_is_in_force(shop: Workshop) -> None:
    bench = rich(shop)

    op = bench.do(ops.request_display, display="virtio")

    assert op.sentence == f"The display of web-01 is VirtIO (for newer Linux). {WAITS}"
    waiting = [{"key": "vga", "label": "Display", "now": "none", "later": "virtio"}]
    assert bench.row.hardware["pending"] == waiting


def test_one_waiting_change_is_taken_back_and_the_others_wait_on(shop: Workshop) -> None:
    bench = rich(shop)
    bench.do(ops.request_display, display="virtio")
    bench.do(ops.request_agent, on=True)

    op = bench.do(ops.request_undo, keys=["vga"])

    assert op.sentence == "What waited for a restart of web-01 was taken back."
    assert (list(bench.pending), bench.row.hardware["pending_keys"]) == (["agent"], ["agent"])


def test_all_waiting_changes_are_taken_back(shop: Workshop) -> None:
    bench = rich(shop)
    before = bench.config
    bench.do(ops.request_display, display="virtio")
    bench.do(ops.request_drop_drive, slot="sata0")

    bench.do(ops.request_undo)

    assert (bench.pending, bench.config, bench.row.hardware["pending"]) == ({}, before, [])


def test_a_drive_that_is_taken_back_leaves_the_boot_order_too(shop: Workshop) -> None:
    bench = rich(shop)
    op = bench.do(ops.request_add_drive)
    assert set(bench.pending) == {op.wish["slot"], "boot"}

    bench.do(ops.request_undo, keys=[op.wish["slot"]])

    assert (bench.pending, bench.row.hardware["boot_order"]) == ({}, ["scsi0", "ide2", "net0"])


def test_there_is_nothing_to_take_back_where_nothing_waits(shop: Workshop) -> None:
    with pytest.raises(Refusal, match="Nothing waits for a restart"):
        rich(shop).ask(ops.request_undo)


# --- apply by restart ---


def test_a_restart_applies_what_waits_in_two_steps(shop: Workshop) -> None:
    bench = rich(shop)
    bench.do(ops.request_display, display="virtio")

    op = shop.work(ops.request_apply(bench.row, **bench.who))

    assert op.sentence == "web-01 was restarted. What waited holds now."
    steps = [(step["label"], step["state"]) for step in op.steps if step["name"] != "limits"]
    assert steps == [("Shut down", "done"), ("Start", "done")]
    assert (bench.config["vga"], bench.pending, bench.truth["status"]) == ("type=virtio", {}, "running")


def test_a_guest_that_does_not_go_down_is_not_forced(shop: Workshop) -> None:
    bench = rich(shop, obeys_shutdown=False)
    bench.do(ops.request_display, display="virtio")

    op = shop.work(ops.request_apply(bench.row, **bench.who))

    assert (op.state, op.sentence) == (
        FAILED,
        "web-01 has not shut down after 1 s, so it was not restarted. Nothing was forced: it runs on, and the changes "
        "wait.",
    )
    assert (bench.truth["status"], set(bench.pending)) == ("running", {"vga"})


def test_a_start_that_fails_after_the_shutdown_is_told(shop: Workshop) -> None:
    bench = rich(shop, memory_mib=512)
    shop.cluster.change(bench.vm.vmid or 0, pending={"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr404"})
    bench.read()

    op = shop.work(ops.request_apply(bench.row, **bench.who))

    assert (op.state, bench.truth["status"], bench.row.power) == (FAILED, "stopped", Power.STOPPED)
    assert op.sentence.startswith("web-01 has shut down, but did not start again.")


def test_room_that_was_given_away_between_the_two_steps_is_not_overrun(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = rich(shop)
    cap = limit_of(shop.cast.alices).footprint.cores

    def give_away(pool_id: int) -> Pool:
        VirtualMachine.objects.filter(pk=other.row.pk).update(cores=cap, last_known_power=Power.RUNNING)
        return lock_pool(pool_id)

    other = Bench(shop, name="web-02")
    bench.do(ops.request_display, display="virtio")
    monkeypatch.setattr("vms.operations.pending.lock_pool", give_away)
    op = shop.work(ops.request_apply(bench.row, **bench.who))

    assert (op.state, bench.truth["status"]) == (FAILED, "stopped")
    assert op.sentence.startswith("web-01 has shut down, but was not started again. This needs 1 core")


def test_a_second_tab_does_not_restart_it_once_more(shop: Workshop) -> None:
    bench = rich(shop)
    bench.do(ops.request_display, display="virtio")
    shop.work(ops.request_apply(bench.row, **bench.who))

    with pytest.raises(Refusal, match="Nothing waits for a restart"):
        ops.request_apply(bench.row, **bench.who)

    assert len(shop.cluster.effects("shutdown")) == 1


def test_a_stopped_machine_has_nothing_to_apply(shop: Workshop, settings: Settings) -> None:
    bench = Bench(shop)

    with pytest.raises(Refusal, match="It is stopped"):
        ops.request_apply(bench.row, **bench.who)
