"""A member's way with a real Linux: made from a template, signed in to, grown, kept, spoiled and brought back."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.cast import Cast
from tests.children import wait_until
from tests.devcluster.cluster import DevCluster
from tests.devcluster.test_qemu import real_cluster, serial
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation, VirtualMachine
from vms.operations import FromTemplate, request_grow_disk, request_power, request_roll_back, request_snapshot
from vms.states import OperationKind, OperationState, Power

pytestmark = [pytest.mark.qemu, pytest.mark.slow]
BOOT_S = 120.0
#: Far behind the small Linux, which begins the disk.
SPOT = "bs=1M seek=1000 conv=notrunc,fsync"
WHERE = "bs=1M skip=1000 count=1"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCluster]:
    """A cluster whose guests really run."""
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh and ssh-keygen")
    with real_cluster(tmp_path_factory.mktemp("real")) as running:
        running.control("PATCH", "/guests/9000", {"lends_ssh": True})
        yield running


@pytest.fixture
def house(cast: Cast, real: DevCluster, settings: Settings) -> Workshop:
    """Alice, and that cluster."""
    for name, value in {**real.settings(), **SHORT, "OPERATION_WATCH_S": 60}.items():
        setattr(settings, name, value)
    return Workshop(cast, real)


class Shell:
    """Signs in with the key that was given at create, over the guest's loopback port."""

    def __init__(self, real: DevCluster, key: Path, user: str) -> None:
        self.real, self.key, self.user = real, key, user

    def says(self, vm: VirtualMachine, command: str) -> str:
        """What a command prints. Raises CalledProcessError where the key is refused."""
        port = self.real.control("GET", f"/guests/{vm.vmid}/ssh")["port"]
        options = [
            "StrictHostKeyChecking=no",
            f"UserKnownHostsFile={self.key}.hosts",
            "BatchMode=yes",
            "LogLevel=ERROR",
        ]
        words = ["ssh", "-F", "none", "-i", str(self.key), "-p", str(port), *(f"-o{one}" for one in options)]
        words += ["-oIdentitiesOnly=yes", "-oLogLevel=ERROR", "-oConnectTimeout=30", f"{self.user}@127.0.0.1", command]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=90).stdout.strip()


def new_key(folder: Path, name: str) -> Path:
    """A fresh key pair; the private half's place."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice@desk", "-f", str(path)], check=True)
    return path


def fresh(op: Operation) -> VirtualMachine:
    """The machine's row as it is now; the operation went well."""
    assert op.state == OperationState.SUCCEEDED, (op.sentence, op.detail)
    return VirtualMachine.objects.get(pk=op.vm_id)


def booted(real: DevCluster, vm: VirtualMachine) -> None:
    """Waits until the guest says that it is up."""
    wait_until(lambda: "is up after" in serial(real, vm.vmid or 0), what="the guest", deadline_s=BOOT_S)


@pytest.mark.timeout(300)
def test_from_the_first_key_to_a_way_back(house: Workshop, real: DevCluster, tmp_path: Path) -> None:
    key, other = new_key(tmp_path, "key"), new_key(tmp_path, "other")
    who = {"by": house.cast.alice, "address": "192.0.2.7"}
    source = FromTemplate(
        house.template.pk, ssh_keys=(key.with_suffix(".pub").read_text().strip(),), login_user="alice"
    )
    shell = Shell(real, key, "alice")

    vm = fresh(house.work(house.create(source, "first-vm")))
    if vm.power != Power.RUNNING:
        vm = fresh(house.work(request_power(vm, OperationKind.START, key="start-0001", **who)))
    booted(real, vm)
    assert shell.says(vm, "hostname; echo $USER") == "first-vm\nalice"
    with pytest.raises(subprocess.CalledProcessError):
        Shell(real, other, "alice").says(vm, "true")

    vm = fresh(house.work(request_grow_disk(vm, slot="scsi0", size_gib=5, key="grow-0001", **who)))
    assert int(shell.says(vm, "cat /sys/block/sda/size")) == 5 * 2**21

    shell.says(vm, f"echo as it was | dd of=/dev/sda {SPOT} 2>/dev/null")
    vm = fresh(house.work(request_snapshot(vm, name="clean", key="take-0001", **who)))
    shell.says(vm, f"echo spoiled.. | dd of=/dev/sda {SPOT} 2>/dev/null")
    assert shell.says(vm, f"dd if=/dev/sda {WHERE} 2>/dev/null | head -n 1") == "spoiled.."

    vm = fresh(house.work(request_roll_back(vm, name="clean", key="back-0001", **who)))
    assert vm.power == Power.STOPPED
    vm = fresh(house.work(request_power(vm, OperationKind.START, key="start-0002", **who)))
    booted(real, vm)
    assert shell.says(vm, f"dd if=/dev/sda {WHERE} 2>/dev/null | head -n 1") == "as it was"
