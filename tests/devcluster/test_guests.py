"""Machines of the stand-in come, change, run and go as on a real cluster."""

from collections.abc import Iterator

import pytest

from tests.devcluster.api import Api
from tests.devcluster.cluster import DevCluster

QEMU = "/nodes/pve1/qemu"


@pytest.fixture
def api(devcluster: DevCluster) -> Iterator[Api]:
    with Api(devcluster) as api:
        api.done("POST", "/pools", poolid="alice")
        yield api


def make(api: Api, vmid: int = 200, **options: object) -> None:
    wanted = {"vmid": vmid, "name": "web", "memory": 64, "scsi0": "shared:1,format=qcow2", "pool": "alice"}
    assert api.task("POST", QEMU, **wanted | options) == "OK"


def test_a_created_machine_has_a_uuid_of_its_own_and_a_disk(api: Api) -> None:
    make(api)
    config = api.get(f"{QEMU}/200/config")
    assert config["smbios1"].startswith("uuid=")
    assert config["scsi0"] == "shared:200/vm-200-disk-0.qcow2,size=1G"
    assert config["memory"] == "64"
    assert config["boot"] == "order=scsi0"
    assert [one["verb"] for one in api.cluster.effects()] == ["create"]


def test_a_given_uuid_is_kept(api: Api) -> None:
    uuid = "11111111-2222-4333-8444-555555555555"
    make(api, smbios1=f"uuid={uuid}")
    assert api.cluster.all_guests()[200]["uuid"] == uuid


def test_a_machine_in_the_making_is_hidden_from_rights_on_its_pool(devcluster: DevCluster, api: Api) -> None:
    with devcluster.fault("task_never_ends", type="qmcreate"):
        api.done("POST", QEMU, vmid=200, pool="alice", memory=64)
        assert api.send("GET", f"{QEMU}/200/config").reason == "Permission check failed (/vms/200, VM.Audit)"


def test_an_id_is_taken_before_a_create_answers(api: Api) -> None:
    api.done("POST", QEMU, vmid=200, pool="alice", memory=64)
    again = api.send("POST", QEMU, vmid=200, pool="alice", memory=64)
    assert (again.status, again.reason) == (500, "unable to create VM 200 - VM 200 already exists on node 'pve1'")


def test_clones_to_one_id_all_get_a_upid_and_one_wins(api: Api, devcluster: DevCluster) -> None:
    devcluster.control("POST", "/windows", {"clone_claim": 20})
    upids = [api.done("POST", f"{QEMU}/9000/clone", newid=300, pool="alice") for _ in range(3)]
    ends = sorted(api.end_of(upid) for upid in upids)
    assert ends == ["OK", *["unable to create VM 300: config file already exists"] * 2]


def test_a_clone_is_a_new_machine_born_on_its_templates_day(api: Api) -> None:
    template = api.get(f"{QEMU}/9000/config")
    assert api.task("POST", f"{QEMU}/9000/clone", newid=300, pool="alice", name="copy") == "OK"
    clone = api.get(f"{QEMU}/300/config")
    assert clone["meta"] == template["meta"]
    assert clone["smbios1"] != template["smbios1"]
    assert clone["net0"] != template["net0"]
    assert clone["scsi0"].startswith("shared:9000/base-9000-disk-0.qcow2/300/vm-300-disk-0.qcow2")


def test_a_full_clone_may_go_to_another_node_and_storage(api: Api) -> None:
    wanted = {"newid": 301, "pool": "alice", "full": 1, "storage": "shared", "target": "pve2"}
    assert api.task("POST", f"{QEMU}/9000/clone", **wanted) == "OK"
    assert api.get("/nodes/pve2/qemu/301/config")["scsi0"].startswith("shared:301/vm-301-disk-0.qcow2")


def test_starting_what_does_not_exist_fails_only_in_the_task(api: Api) -> None:
    api.cluster.control("POST", "/pools", {"poolid": "alice", "vmids": [555]})
    end = api.task("POST", f"{QEMU}/555/status/start")
    assert end == "Configuration file 'nodes/pve1/qemu-server/555.conf' does not exist"


def test_cores_of_a_running_machine_wait_for_a_restart(api: Api) -> None:
    make(api)
    assert api.task("POST", f"{QEMU}/200/status/start") == "OK"
    api.done("PUT", f"{QEMU}/200/config", cores=2, description="now")
    rows = {row["key"]: row for row in api.get(f"{QEMU}/200/pending")}
    assert "pending" not in rows["description"]
    assert rows["cores"]["pending"] == 2
    assert api.task("POST", f"{QEMU}/200/status/stop") == "OK"
    assert api.get(f"{QEMU}/200/config", current=1)["cores"] == 2


def test_a_digest_protects_what_was_read(api: Api) -> None:
    make(api)
    digest = api.get(f"{QEMU}/200/config")["digest"]
    api.done("PUT", f"{QEMU}/200/config", description="mine", digest=digest)
    late = api.send("PUT", f"{QEMU}/200/config", description="yours", digest=digest)
    assert (late.status, late.reason) == (500, "checksum mismatch (file change by other user?)")


def test_a_deaf_guest_is_shut_down_only_by_force(api: Api) -> None:
    make(api)
    api.task("POST", f"{QEMU}/200/status/start")
    assert api.task("POST", f"{QEMU}/200/status/shutdown", timeout=0) == "VM quit/powerdown failed - got timeout"
    assert api.task("POST", f"{QEMU}/200/status/shutdown", timeout=0, forceStop=1) == "OK"


def test_stop_overrules_a_shutdown_that_waits(api: Api) -> None:
    make(api)
    api.cluster.control("POST", "/windows", {"shutdown_timeout": 600, "lock_wait": 600})
    api.task("POST", f"{QEMU}/200/status/start")
    shutdown = api.done("POST", f"{QEMU}/200/status/shutdown")
    assert api.task("POST", f"{QEMU}/200/status/stop", overrule__shutdown=1) == "OK"
    assert api.end_of(shutdown) == "received interrupt"


def test_a_running_or_protected_machine_is_not_deleted(api: Api) -> None:
    make(api, protection=1)
    assert api.send("DELETE", f"{QEMU}/200").reason == "can't remove VM 200 - protection mode enabled"
    api.done("PUT", f"{QEMU}/200/config", protection=0)
    api.task("POST", f"{QEMU}/200/status/start")
    assert api.send("DELETE", f"{QEMU}/200").reason == "VM 200 is running - destroy failed"


def test_deleting_frees_the_slot_the_disks_and_the_membership(api: Api) -> None:
    make(api)
    assert api.task("DELETE", f"{QEMU}/200", purge=1, destroy__unreferenced__disks=1) == "OK"
    state = api.cluster.state()
    assert "200" not in state["guests"]
    assert state["pools"]["alice"]["vmids"] == []
    assert not [volid for volid in state["volumes"] if "-200-" in volid]


def test_a_template_in_use_is_not_deleted(api: Api, devcluster: DevCluster) -> None:
    api.task("POST", f"{QEMU}/9000/clone", newid=300, pool="alice")
    devcluster.change(9000, pool="alice")
    end = api.task("DELETE", f"{QEMU}/9000")
    assert end.startswith("base volume 'shared:9000/base-9000-disk-0.qcow2' is still in use by linked cloned")


def test_disks_only_grow(api: Api) -> None:
    make(api)
    assert api.task("PUT", f"{QEMU}/200/resize", disk="scsi0", size="3G") == "OK"
    assert api.get(f"{QEMU}/200/config")["scsi0"].endswith("size=3G")
    assert api.task("PUT", f"{QEMU}/200/resize", disk="scsi0", size="1G") == "shrinking disks is not supported"
    assert api.task("PUT", f"{QEMU}/200/resize", disk="scsi5", size="+1G") == "disk 'scsi5' does not exist"


def test_a_detached_disk_is_still_there_until_it_is_deleted_again(api: Api) -> None:
    make(api)
    api.done("PUT", f"{QEMU}/200/config", delete="scsi0")
    assert api.get(f"{QEMU}/200/config")["unused0"] == "shared:200/vm-200-disk-0.qcow2"
    api.done("PUT", f"{QEMU}/200/config", delete="unused0")
    assert "shared:200/vm-200-disk-0.qcow2" not in api.cluster.state("volumes")["volumes"]


def test_a_snapshot_brings_the_old_options_back(api: Api) -> None:
    make(api)
    assert api.task("POST", f"{QEMU}/200/snapshot", snapname="before") == "OK"
    api.done("PUT", f"{QEMU}/200/config", cores=4)
    assert api.task("POST", f"{QEMU}/200/snapshot/before/rollback") == "OK"
    assert "cores" not in api.get(f"{QEMU}/200/config")
    assert [row["name"] for row in api.get(f"{QEMU}/200/snapshot")] == ["before", "current"]
    assert api.task("DELETE", f"{QEMU}/200/snapshot/before") == "OK"


@pytest.mark.parametrize("verb", ["reset", "suspend", "resume", "reboot"])
def test_what_needs_a_running_machine_is_refused_at_once(api: Api, verb: str) -> None:
    make(api)
    answer = api.send("POST", f"{QEMU}/200/status/{verb}")
    assert (answer.status, answer.reason) == (500, "VM 200 not running")


def test_a_suspended_machine_is_paused_in_the_list_and_running_in_its_status(api: Api) -> None:
    make(api)
    api.task("POST", f"{QEMU}/200/status/start")
    assert api.task("POST", f"{QEMU}/200/status/suspend") == "OK"
    assert [row["status"] for row in api.get("/cluster/resources", type="vm") if row["vmid"] == 200] == ["paused"]
    now = api.get(f"{QEMU}/200/status/current")
    assert (now["status"], now["qmpstatus"]) == ("running", "paused")
