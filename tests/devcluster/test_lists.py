"""Lists are late, filtered by rights, and quick for thousands of machines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devcluster.api import Api
from tests.devcluster.cluster import DevCluster

QEMU = "/nodes/pve1/qemu"
LAG_S = 1000


@pytest.fixture
def api(devcluster: DevCluster) -> Iterator[Api]:
    with Api(devcluster) as api:
        api.done("POST", "/pools", poolid="alice")
        yield api


def row_of(api: Api, vmid: int) -> dict[str, object]:
    found: dict[str, object] = next(row for row in api.get("/cluster/resources", type="vm") if row["vmid"] == vmid)
    return found


def test_a_new_machine_is_listed_before_its_name_is(api: Api, devcluster: DevCluster) -> None:
    devcluster.control("POST", "/windows", {"resources_lag": LAG_S})
    assert api.task("POST", f"{QEMU}/9000/clone", newid=300, pool="alice", name="web") == "OK"
    early = row_of(api, 300)
    assert early == {
        "id": "qemu/300",
        "type": "qemu",
        "node": "pve1",
        "vmid": 300,
        "status": "unknown",
        "pool": "alice",
    }
    devcluster.advance(LAG_S)
    assert row_of(api, 300)["name"] == "web"


def test_a_status_is_late_but_a_lock_is_not(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=300, pool="alice")
    devcluster.control("POST", "/windows", {"resources_lag": LAG_S})
    assert api.task("POST", f"{QEMU}/300/status/start") == "OK"
    with devcluster.fault("locked", vmid=300, lock="backup"):
        row = row_of(api, 300)
    assert (row["status"], row["lock"]) == ("stopped", "backup")
    devcluster.advance(LAG_S)
    assert row_of(api, 300)["status"] == "running"


def test_only_what_the_token_may_see_is_listed(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=300, pool="alice")
    devcluster.guest(vmid=301)
    assert {row["vmid"] for row in api.get("/cluster/resources", type="vm")} == {300, 9000, 9001}
    assert {row["vmid"] for row in api.get(QEMU)} == {300, 9000, 9001}


def test_the_console_token_sees_machines_and_no_pools(devcluster: DevCluster) -> None:
    devcluster.guest(vmid=300, pool="alice")
    token = f"PVEAPIToken={devcluster.user}!{devcluster.console_token_name}={devcluster.console_token_value}"
    with Api(devcluster, token) as console:
        assert [row["vmid"] for row in console.get("/cluster/resources", type="vm")] == [300]
        assert console.get("/pools") == []
        refused = console.send("POST", f"{QEMU}/300/status/start")
    assert refused.reason == "Permission check failed (/vms/300, VM.PowerMgmt)"


def test_a_token_without_a_right_on_the_root_sees_no_tasks_of_the_cluster(devcluster: DevCluster, api: Api) -> None:
    devcluster.guest(vmid=300, pool="alice")
    api.task("POST", f"{QEMU}/300/status/start")
    assert len(api.get("/cluster/tasks")) == 1
    with devcluster.fault("narrow_token", paths=["/"], privileges=["Sys.Audit"]):
        assert api.get("/cluster/tasks") == []
        assert [row["type"] for row in api.get("/nodes/pve1/tasks")] == ["qmstart"]


def test_nextid_is_the_lowest_free_one_and_reserves_nothing(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=100)
    assert [api.get("/cluster/nextid"), api.get("/cluster/nextid")] == ["101", "101"]
    assert api.send("GET", "/cluster/nextid", vmid=100).errors == {"vmid": "VM 100 already exists"}


def test_pools_may_be_nested_and_must_be_empty_to_go(api: Api, devcluster: DevCluster) -> None:
    api.done("POST", "/pools", poolid="alice/lab")
    devcluster.guest(vmid=300, pool="alice/lab")
    assert api.get("/pools", poolid="alice/lab")[0]["members"][0]["vmid"] == 300
    held = api.send("DELETE", "/pools", poolid="alice/lab")
    assert held.reason == "delete pool failed: pool 'alice/lab' is not empty (contains VM 300)"
    assert api.send("GET", f"{QEMU}/300/config").status == 200


def test_a_machine_moves_between_pools_only_when_told_to(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=300, pool="alice")
    api.done("POST", "/pools", poolid="bob")
    refused = api.send("PUT", "/pools/bob", vms="300")
    assert refused.reason.endswith("VM 300 belongs already to pool 'alice' and 'allow-move' is not set")
    api.done("PUT", "/pools/bob", vms="300", allow__move=1)
    assert devcluster.all_guests()[300]["pool"] == "bob"


def test_iso_images_are_listed_and_disks_hidden_from_strangers(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=301)
    volumes = [row["volid"] for row in api.get("/nodes/pve1/storage/shared/content")]
    assert "shared:iso/small-linux.iso" in volumes
    assert not [volid for volid in volumes if "301" in volid]


def test_three_thousand_machines_take_little_work_to_list(tmp_path: Path) -> None:
    with DevCluster.start(tmp_path, "scale:3000") as many, Api(many) as api:
        rows = api.get("/cluster/resources")
        assert len([row for row in rows if row["type"] == "qemu"]) == 3000
        assert len([row for row in rows if row["type"] == "pool"]) == 100
        spent_s = many.state("spent_s")["spent_s"]["GET /cluster/resources"]
    assert spent_s < 0.5


def test_state_survives_a_restart(tmp_path: Path) -> None:
    with DevCluster.start(tmp_path, arguments=("--keep",)) as first:
        made = first.guest(vmid=300, pool="alice", status="running", description="kept")
        token = first.token_value
    with DevCluster.start(tmp_path, arguments=("--keep",)) as second, Api(second) as api:
        kept = second.all_guests()[300]
        assert (kept["uuid"], kept["pool"], kept["description"]) == (made["uuid"], "alice", "kept")
        assert (kept["status"], second.token_value) == ("stopped", token)
        assert api.get(f"{QEMU}/300/config")["description"] == "kept"


def test_the_older_release_differs_where_it_did(tmp_path: Path) -> None:
    with DevCluster.start(tmp_path, profile="8.4") as old, Api(old) as api:
        old.guest(vmid=300, pool="alice", status="running")
        assert api.get("/version")["release"] == "8.4"
        assert "memhost" not in api.get(f"{QEMU}/300/status/current")
        assert {row["type"] for row in api.get("/cluster/resources")} >= {"sdn"}
        assert "VM.Monitor" in api.get("/access/permissions")["/pool"]
