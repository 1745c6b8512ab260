from dataclasses import replace
from pathlib import Path

import pytest

from tests.children import free_port
from tests.vms.cluster.odd_host import SECRET, OddHost, cluster_at, good, http
from vms.cluster import errors
from vms.cluster.types import GuestRef

UUID = "8a99d296-70bb-4994-a1b8-dbc1b0ac7587"
REF = GuestRef("pve1", 104, UUID, "members")
CONFIG = good([{"key": "smbios1", "value": f"uuid={UUID}"}])
MEMBERS = good([{"poolid": "members", "members": [{"type": "qemu", "vmid": 104}]}])
UPID = "UPID:pve1:0000C3A1:0012D687:6741A2B3:vncproxy:104:portal@pve!portal:"
TICKET = 'A"+&%#;/:PVEVNC:6741A2B3::sig+/=='
PROXY = {"ticket": TICKET, "port": "5900", "password": "pass%&+;", "upid": UPID, "user": "portal@pve!portal"}


def test_an_endpoint_holds_what_the_second_step_needs(tmp_path: Path) -> None:
    with OddHost(tmp_path, CONFIG, MEMBERS, good(PROXY)) as host:
        endpoint = cluster_at(host).console_endpoint(REF)

    assert (endpoint.host, endpoint.port, endpoint.vnc_port) == (*host.address, 5900)
    assert endpoint.password == "pass%&+;"
    assert endpoint.target == (
        "/api2/json/nodes/pve1/qemu/104/vncwebsocket?port=5900"
        "&vncticket=A%22%2B%26%25%23%3B%2F%3APVEVNC%3A6741A2B3%3A%3Asig%2B%2F%3D%3D"
    )
    assert endpoint.authorization == f"PVEAPIToken=portal@pve!portal={SECRET}"
    assert host.asked[2] == "POST /api2/json/nodes/pve1/qemu/104/vncproxy HTTP/1.1"


def test_a_release_without_password_uses_the_ticket(tmp_path: Path) -> None:
    old = {"ticket": "PVEVNC:6741A2B3::sig", "port": 5901, "upid": UPID}
    with OddHost(tmp_path, CONFIG, MEMBERS, good(old)) as host:
        assert cluster_at(host).console_endpoint(REF).password == "PVEVNC:6"


def test_nothing_secret_shows(tmp_path: Path) -> None:
    with OddHost(tmp_path, CONFIG, MEMBERS, good(PROXY)) as host:
        shown = repr(cluster_at(host).console_endpoint(REF))

    assert not any(secret in shown for secret in (SECRET, TICKET, "sig+", "pass%"))


def test_both_calls_go_to_the_nodes_own_host_where_it_is_set(tmp_path: Path) -> None:
    with OddHost(tmp_path, CONFIG, MEMBERS) as host, OddHost(tmp_path, good(PROXY)) as node:
        cluster = cluster_at(host)
        cluster.line.config = replace(cluster.config, node_hosts=(("pve1", node.address),))

        endpoint = cluster.console_endpoint(REF)

    assert (endpoint.host, endpoint.port) == node.address
    assert (len(host.asked), len(node.asked)) == (2, 1)


def test_else_to_the_configured_host_that_answered(tmp_path: Path) -> None:
    with OddHost(tmp_path, CONFIG, MEMBERS, good(PROXY)) as host:
        endpoint = cluster_at(("127.0.0.1", free_port()), host).console_endpoint(REF)

    assert (endpoint.host, endpoint.port) == host.address


def test_the_nodes_own_host_is_not_replaced_by_another(tmp_path: Path) -> None:
    with OddHost(tmp_path, CONFIG, MEMBERS, good(PROXY)) as host:
        cluster = cluster_at(host)
        cluster.line.config = replace(cluster.config, node_hosts=(("pve1", ("127.0.0.1", free_port())),))

        with pytest.raises(errors.Unreachable, match=r"127\.0\.0\.1:\d+: No connection"):
            cluster.console_endpoint(REF)

    assert len(host.asked) == 2


def test_a_token_that_sees_no_pools_opens_the_console_of_the_right_machine_only(tmp_path: Path) -> None:
    denied = http(403, {"data": None, "message": "Permission check failed (/pool/members, Pool.Audit)\n"})
    with OddHost(tmp_path, CONFIG, denied, good(PROXY)) as host:
        assert cluster_at(host).console_endpoint(REF).vnc_port == 5900
    with OddHost(tmp_path, CONFIG, denied, good(PROXY)) as host, pytest.raises(errors.WrongMachine):
        cluster_at(host).console_endpoint(replace(REF, uuid=UUID.replace("8", "9")))
    with OddHost(tmp_path, CONFIG, denied, good(PROXY)) as host, pytest.raises(errors.Denied):
        cluster_at(host).start(REF)


@pytest.mark.parametrize("answer", [None, {}, {"ticket": "x"}, {"port": "5900"}, {"ticket": "x", "port": "?"}, []])
def test_half_an_endpoint_is_none(tmp_path: Path, answer: object) -> None:
    with OddHost(tmp_path, CONFIG, MEMBERS, good(answer)) as host, pytest.raises(errors.Malformed):
        cluster_at(host).console_endpoint(REF)
