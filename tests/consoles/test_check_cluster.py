"""What `manage.py check_cluster` tells whoever installs the portal."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from devcluster.tls import ensure_certificates
from tests.cast import Cast
from tests.children import free_port
from tests.devcluster.cluster import DevCluster
from tests.factories import make_vm
from vms.cluster import client
from vms.cluster_check import Wanted, check_console_rights


@pytest.fixture
def configured(devcluster: DevCluster, settings: LazySettings, db: None) -> Iterator[LazySettings]:
    """Settings that name the stand-in."""
    for name, value in devcluster.settings().items():
        setattr(settings, name, value)
    yield settings
    for made in client._made.values():
        made.close()


def told(**options: object) -> tuple[str, str]:
    """What the command wrote, and what it failed with."""
    out = io.StringIO()
    try:
        call_command("check_cluster", stdout=out, **options)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_a_cluster_that_is_set_up_is_called_so(configured: LazySettings) -> None:
    out, failure = told()

    assert failure == ""
    assert "PROBLEM" not in out
    assert "accepts the token and runs Proxmox VE 9.2.11" in out
    assert "Template debian-12 (9000 on pve1) can be cloned and takes a user and keys." in out
    assert out.endswith("Members can work on this cluster.\n")


def test_nobody_at_the_address_is_told(configured: LazySettings) -> None:
    port = free_port()
    configured.PROXMOX_HOSTS = (("127.0.0.1", port),)

    out, failure = told()

    assert f"127.0.0.1:{port}: No connection: Connection refused. Is PROXMOX_HOSTS right" in out
    assert failure == "1 thing to put right before members can work."


def test_a_false_certificate_is_told_with_the_way_out(configured: LazySettings, tmp_path: Path) -> None:
    configured.PROXMOX_CA_FILE = str(ensure_certificates(tmp_path, ["pve1"]).ca_file)

    out, _ = told()

    assert "The certificate was refused" in out
    assert "/etc/pve/pve-root-ca.pem" in out


def test_a_refused_token_is_told_without_its_secret(configured: LazySettings, devcluster: DevCluster) -> None:
    configured.PROXMOX_TOKEN_VALUE = "wrong-secret-wrong-secret"

    out, failure = told()

    assert "refused the token portal@pve!portal (Authentication failed!)" in out
    assert "wrong-secret" not in out + failure


def test_no_token_is_told(configured: LazySettings) -> None:
    configured.PROXMOX_TOKEN_VALUE = ""

    assert told() == ("", "This process was given no address of a Proxmox host, or no token.")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/pool", "lacks Pool.Allocate, Pool.Audit, VM.Allocate"),
        ("/storage", "lacks Datastore.AllocateSpace, Datastore.Audit on /storage/shared"),
        ("/sdn/zones/localnetwork", "lacks SDN.Use on /sdn/zones/localnetwork/vmbr0"),
        ("/", "lacks Sys.Audit on /"),
    ],
)
def test_each_missing_right_is_named(
    configured: LazySettings, devcluster: DevCluster, path: str, sentence: str
) -> None:
    with devcluster.fault("narrow_token", paths=[path]):
        out, _ = told()

    assert sentence in out


def test_templates_that_are_not_shown_are_told(configured: LazySettings, devcluster: DevCluster) -> None:
    with devcluster.fault("narrow_token", paths=["/vms/9000", "/vms/9001"]):
        assert "The token sees no template" in told()[0]


def test_rights_that_are_too_much_are_named(configured: LazySettings) -> None:
    configured.PROXMOX_CONSOLE_TOKEN_NAME = configured.PROXMOX_TOKEN_NAME
    configured.PROXMOX_CONSOLE_TOKEN_VALUE = configured.PROXMOX_TOKEN_VALUE

    found = [f.sentence for f in check_console_rights(client.cluster(), Wanted("shared", ("shared",), "vmbr0"))]

    assert any(line.startswith("The console's token may Pool.Allocate") and "on /pool," in line for line in found)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("PROXMOX_VM_STORAGE", "nowhere", "Storage nowhere (PROXMOX_VM_STORAGE) is not there"),
        ("PROXMOX_VM_STORAGE", "local", "Storage local (PROXMOX_VM_STORAGE) is not set up for disks of machines."),
        ("PROXMOX_ISO_STORAGE", "local-lvm", "Storage local-lvm (PROXMOX_ISO_STORAGE) is not set up for ISO images."),
        ("PROXMOX_ISO_STORAGE", "shared, elsewhere", "Storage elsewhere (PROXMOX_ISO_STORAGE) is not there"),
        ("PROXMOX_BRIDGE", "vmbr9", "Bridge vmbr9 (PROXMOX_BRIDGE) is not shown on pve1, pve2, pve3"),
        ("PROXMOX_BRIDGES", ("vmbr0", "vmbr8"), "Bridge vmbr8 (PROXMOX_BRIDGES) is not shown on pve1, pve2, pve3"),
        ("PROXMOX_POOL_PARENT", "portal", "Pool portal (PROXMOX_POOL_PARENT) is not there"),
    ],
)
def test_each_setting_that_names_nothing_is_told(
    configured: LazySettings, setting: str, value: object, sentence: str
) -> None:
    setattr(configured, setting, value)

    assert sentence in told()[0]


def test_a_node_that_is_away_and_a_lost_quorum_are_told(configured: LazySettings, devcluster: DevCluster) -> None:
    with devcluster.fault("node_down", node="pve3"):
        assert "Not online: pve3." in told()[0]
    with devcluster.fault("no_quorum"):
        assert "no quorum" in told()[0]


# --- the console ---


def guest(devcluster: DevCluster, **wanted: object) -> int:
    client.cluster().create_pool("members")
    return int(devcluster.guest(name="web", node="pve2", pool="members", **wanted)["vmid"])


def test_a_console_that_works_is_told_in_three_steps(configured: LazySettings, devcluster: DevCluster) -> None:
    out, failure = told(console=guest(devcluster, status="running"))

    assert failure == ""
    assert [line[:3] for line in out.splitlines() if line[0].isdigit()] == ["1. ", "2. ", "3. "]
    assert out.endswith("The console of this machine works.\n")


def test_the_consoles_process_finds_the_machine_by_its_row(
    configured: LazySettings, devcluster: DevCluster, cast: Cast
) -> None:
    poolid = cast.alices.proxmox_poolid or ""
    client.cluster().create_pool(poolid)
    made = devcluster.guest(name="web", node="pve2", pool=poolid, status="running")
    make_vm(cast.alices, node="pve2", vmid=made["vmid"], smbios_uuid=made["uuid"])
    configured.PROXMOX_TOKEN_NAME = configured.PROXMOX_TOKEN_VALUE = ""

    out, failure = told(console=made["vmid"])

    assert (failure, out.splitlines()[-1][:2]) == ("", "3.")


def test_the_third_step_is_named_for_a_stopped_machine(configured: LazySettings, devcluster: DevCluster) -> None:
    out, failure = told(console=guest(devcluster))

    assert "2. WebSocket: done" in out
    assert failure.startswith("3. RFB handshake: failed.")
    assert failure.endswith("It is not running.")


def test_the_first_step_is_named_where_the_right_is_missing(configured: LazySettings, devcluster: DevCluster) -> None:
    vmid = guest(devcluster, status="running")

    match = {"method": "POST", "path_regex": "vncproxy$"}
    with devcluster.fault("error500", sentence="Permission check failed (/vms/1, VM.Console)", match=match):
        out, failure = told(console=vmid)

    assert out == ""
    assert failure == "1. vncproxy: failed. Permission check failed (/vms/1, VM.Console)"


def test_the_second_step_is_named_where_no_websocket_answers(configured: LazySettings, devcluster: DevCluster) -> None:
    vmid = guest(devcluster, status="running")

    with devcluster.fault("error500", sentence="no", match={"path_regex": "vncwebsocket"}):
        out, failure = told(console=vmid)

    assert "1. vncproxy: done" in out
    assert failure.startswith("2. WebSocket: failed.")


@pytest.mark.parametrize(("vmid", "sentence"), [(77777, "sees no machine 77777"), (9000, "is in no pool")])
def test_a_machine_the_portal_would_not_touch_is_told(configured: LazySettings, vmid: int, sentence: str) -> None:
    assert sentence in told(console=vmid)[1]
