"""What becomes of calls whose answer should be a task."""

from pathlib import Path

import pytest

from tests.vms.cluster.odd_host import DROP, HANG, OddHost, cluster_at, good, http
from vms.cluster import errors
from vms.cluster.types import GuestRef, NewGuest, TemplateRef, Upid

UUID = "8a99d296-70bb-4994-a1b8-dbc1b0ac7587"
UPID = "UPID:pve1:0000C3A1:0012D687:6741A2B3:qmcreate:5000:portal@pve!portal:"
NEW = NewGuest("pve1", 5000, UUID, "web", "members", 1, 128, 1, "shared", "vmbr0")
NO_WORKER = http(500, {"data": None, "message": "got no worker upid - start worker failed\n"})


def test_a_create_is_answered_with_its_task(tmp_path: Path) -> None:
    with OddHost(tmp_path, good(UPID)) as host:
        assert cluster_at(host).create(NEW) == Upid.parse(UPID)


@pytest.mark.parametrize("answer", [None, "", "OK", 7, {"upid": UPID}, [UPID]])
def test_an_answer_that_names_no_task_leaves_the_outcome_open(tmp_path: Path, answer: object) -> None:
    with OddHost(tmp_path, good(answer)) as host, pytest.raises(errors.OutcomeUnknown, match="names no task"):
        cluster_at(host).create(NEW)


def test_a_create_without_worker_may_have_left_something_and_is_not_repeated(tmp_path: Path) -> None:
    with OddHost(tmp_path, NO_WORKER, good(UPID)) as host, pytest.raises(errors.OutcomeUnknown):
        cluster_at(host).create(NEW)

    assert len(host.asked) == 1


@pytest.mark.parametrize("second", [DROP, HANG, http(596, text="")], ids=["drop", "hang", "596"])
def test_the_repeat_after_a_missing_worker_can_lose_its_answer_too(tmp_path: Path, second: bytes) -> None:
    with OddHost(tmp_path, NO_WORKER, second) as host, pytest.raises(errors.OutcomeUnknown):
        cluster_at(host, answer_s=0.3).clone(TemplateRef("pve1", 9000), vmid=5000, name="web", poolid="members")

    assert len(host.asked) == 2


def test_a_second_missing_worker_is_a_refusal(tmp_path: Path) -> None:
    with OddHost(tmp_path, NO_WORKER) as host, pytest.raises(errors.Refused, match="no worker"):
        cluster_at(host).clone(TemplateRef("pve1", 9000), vmid=5000, name="web", poolid="members")

    assert len(host.asked) == 2


def test_another_template_in_the_slot_is_not_cloned(tmp_path: Path) -> None:
    template = TemplateRef("pve1", 9000, UUID.replace("8", "9"))
    config = good([{"key": "smbios1", "value": f"uuid={UUID}"}])
    with OddHost(tmp_path, config) as host, pytest.raises(errors.WrongMachine):
        cluster_at(host).clone(template, vmid=5000, name="web", poolid="members")

    assert [line.split()[0] for line in host.asked] == ["GET"]


def test_a_release_that_resizes_at_once_names_no_task(tmp_path: Path) -> None:
    config = good([{"key": "smbios1", "value": f"uuid={UUID}"}])
    members = good([{"poolid": "members", "members": [{"type": "qemu", "vmid": 104}]}])
    with OddHost(tmp_path, config, members, good(None)) as host:
        ref = GuestRef("pve1", 104, UUID, "members")
        assert cluster_at(host).resize_disk(ref, slot="scsi0", size_gib=9) is None
