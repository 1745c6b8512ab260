"""Everything that can go wrong on demand really does, and only then."""

from collections.abc import Iterator

import pytest
import requests

from tests.devcluster.api import Api
from tests.devcluster.cluster import DevCluster

QEMU = "/nodes/pve1/qemu"


@pytest.fixture
def api(devcluster: DevCluster) -> Iterator[Api]:
    devcluster.guest(vmid=300, pool="alice", status="running")
    with Api(devcluster) as api:
        yield api


def test_a_node_that_is_down_is_no_route(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("node_down", node="pve1"):
        answer = api.send("GET", f"{QEMU}/300/config")
        assert (answer.status, answer.reason, answer.body) == (595, "No route to host", "")
        rows = {row["id"]: row.get("status") for row in api.get("/cluster/resources")}
    assert rows["node/pve1"] == "offline"
    assert rows["qemu/300"] == "running"


def test_a_silent_node_is_forgotten_after_five_minutes(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("node_down", node="pve1"):
        devcluster.advance(301)
        row = next(row for row in api.get("/cluster/resources", type="vm") if row["vmid"] == 300)
    assert row["status"] == "unknown"
    assert "name" not in row


def test_a_hanging_node_times_out_with_or_without_the_effect(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("node_hang", node="pve1"):
        answer = api.send("POST", f"{QEMU}/300/status/stop")
    assert (answer.status, answer.reason) == (596, "Connection timed out")
    assert devcluster.effects("stop") == []
    with devcluster.fault("node_hang", node="pve1", effect=1):
        api.send("POST", f"{QEMU}/300/status/stop")
    devcluster.wait_until(
        lambda state: [one for one in state["effects"] if one["verb"] == "stop"] != [], parts="effects"
    )


def test_a_daemon_that_is_down_still_lets_the_config_be_read(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("daemon_down", node="pve1"):
        assert api.send("GET", f"{QEMU}/300/config").status == 200
        assert api.send("GET", f"{QEMU}/300/status/current").reason == "Connection refused"


def test_an_answer_lost_before_the_effect_did_nothing(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("lose_before", match={"method": "POST", "path_regex": "/pools"}, times=1):
        with pytest.raises(requests.ConnectionError):
            api.send("POST", "/pools", poolid="lost")
        assert "lost" not in devcluster.state("pools")["pools"]
        assert api.send("POST", "/pools", poolid="lost").status == 200


@pytest.mark.parametrize("kind", ["lose_after", "cut_mid_answer"])
def test_an_answer_lost_after_the_effect_leaves_it(api: Api, devcluster: DevCluster, kind: str) -> None:
    match = {"method": "POST", "path_regex": "/pools"}
    with devcluster.fault(kind, match=match, times=1), pytest.raises(requests.RequestException):
        api.send("POST", "/pools", poolid="lost")
    assert "lost" in devcluster.state("pools")["pools"]


def test_a_fault_for_one_machine_leaves_the_others(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=301, pool="alice")
    with devcluster.fault("error500", sentence="disk on fire", match={"vmid": 300}):
        assert api.send("GET", f"{QEMU}/300/config").reason == "disk on fire"
        assert api.send("GET", f"{QEMU}/301/config").status == 200


def test_a_locked_machine_refuses_now_or_in_the_task(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("locked", vmid=300, lock="backup"):
        assert api.send("PUT", f"{QEMU}/300/config", cores=2).reason == "VM is locked (backup)"
        assert api.task("POST", f"{QEMU}/300/status/stop") == "VM is locked (backup)"
    assert api.task("POST", f"{QEMU}/300/status/stop") == "OK"


def test_a_task_may_end_oddly_though_it_did_its_work(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("task_ends", type="qmstop", exitstatus="unexpected status"):
        assert api.task("POST", f"{QEMU}/300/status/stop") == "unexpected status"
    assert devcluster.all_guests()[300]["status"] == "stopped"


def test_a_task_that_never_ends_stays_running(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("task_never_ends", type="qmstop"):
        upid = api.done("POST", f"{QEMU}/300/status/stop")
        assert api.get(f"/nodes/pve1/tasks/{upid}/status")["status"] == "running"
        assert [row["status"] for row in api.get("/nodes/pve1/tasks", source="active")] == ["RUNNING"]
    assert devcluster.all_guests()[300]["status"] == "running"


def test_a_narrowed_token_loses_sight_of_its_machines(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("narrow_token", paths=["/pool"]):
        seen = {row["vmid"] for row in api.get("/cluster/resources", type="vm")}
        assert api.send("GET", f"{QEMU}/300/config").status == 403
    assert seen == {9000, 9001}


def test_one_privilege_may_be_taken_alone(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("narrow_token", paths=["/pool/alice"], privileges=["VM.PowerMgmt"]):
        assert api.send("GET", f"{QEMU}/300/config").status == 200
        assert api.send("POST", f"{QEMU}/300/status/stop").reason == "Permission check failed (/vms/300, VM.PowerMgmt)"


def test_lists_may_be_empty_half_or_foreign(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=301, pool="alice")
    with devcluster.fault("resources_empty"):
        assert api.get("/cluster/resources") == []
    with devcluster.fault("resources_half"):
        assert len(api.get("/cluster/resources", type="vm")) == 2
    with devcluster.fault("resources_foreign"):
        assert {row["vmid"] for row in api.get("/cluster/resources", type="vm")}.isdisjoint({300, 301, 9000, 9001})
    assert len(api.get("/cluster/resources", type="vm")) == 4


def test_without_a_quorum_nothing_changes(api: Api, devcluster: DevCluster) -> None:
    with devcluster.fault("no_quorum"):
        assert api.send("PUT", f"{QEMU}/300/config", cores=2).status == 500
        assert [row["quorate"] for row in api.get("/cluster/status") if row["type"] == "cluster"] == [0]


def test_a_recreated_machine_has_the_slot_and_another_uuid(devcluster: DevCluster, api: Api) -> None:
    before = devcluster.all_guests()[300]
    after = devcluster.change(300, recreate=True)
    assert (after["vmid"], after["pool"]) == (300, "alice")
    assert after["uuid"] != before["uuid"]


def test_a_reset_forgets_everything(devcluster: DevCluster, api: Api) -> None:
    devcluster.control("POST", "/faults", {"kind": "no_quorum"})
    devcluster.reset()
    state = devcluster.state()
    assert sorted(state["guests"]) == ["9000", "9001"]
    assert (state["pools"], state["effects"], state["faults"], state["jobs"]) == ({}, [], [], [])
