"""A member's way with a real Linux, in Chromium: made, signed in to, grown, kept, spoiled and brought back."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.cast import make_cast
from tests.children import wait_until
from tests.devcluster.cluster import DevCluster
from tests.devcluster.test_qemu import real_cluster, serial
from tests.factories import make_reading
from tests.pages.window import Window
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation, VirtualMachine
from vms.states import OperationState, Power

pytestmark = [pytest.mark.browser, pytest.mark.qemu, pytest.mark.slow]
BOOT_S = 120.0
#: Far behind the small Linux, which begins the disk.
SPOT = "bs=1M seek=1000 conv=notrunc,fsync"
READ = "dd if=/dev/sda bs=1M skip=1000 count=1 2>/dev/null | head -n 1"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCluster]:
    """A cluster whose guests really run."""
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh and ssh-keygen")
    with real_cluster(tmp_path_factory.mktemp("real")) as running:
        running.control("PATCH", "/guests/9000", {"lends_ssh": True})
        yield running


@pytest.fixture
def house(transactional_db: None, real: DevCluster, settings: Settings) -> Workshop:
    """Alice, and that cluster, with a reading that says it answers."""
    for name, value in {**real.settings(), **SHORT, "OPERATION_WATCH_S": 60}.items():
        setattr(settings, name, value)
    make_reading()
    return Workshop(make_cast(), real)


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


def done(house: Workshop) -> VirtualMachine:
    """What a worker does with what the page asked for; the machine's row afterwards."""
    op = house.work(Operation.objects.latest("pk"))
    assert op.state == OperationState.SUCCEEDED, (op.sentence, op.detail)
    return VirtualMachine.objects.get(pk=op.vm_id)


def booted(real: DevCluster, vm: VirtualMachine) -> None:
    """Waits until the guest says that it is up."""
    wait_until(lambda: "is up after" in serial(real, vm.vmid or 0), what="the guest", deadline_s=BOOT_S)


def create(page: Page, key: str) -> None:
    """Asks for a machine from the template, with this public key."""
    page.fill("#id_name", "first-vm")
    page.locator("label.choice", has_text="debian-12").first.click()
    page.fill("#id_public_key", key)
    page.click("#submit")
    page.wait_for_url("**/vms/*/**")


def start(window: Window, house: Workshop, vm: VirtualMachine) -> None:
    """Presses Start, and waits for the guest."""
    window.open(f"/vms/{vm.pk}/").click("#first-action")
    booted(house.cluster, done(house))


def grow(window: Window, vm: VirtualMachine, size_gib: int) -> None:
    """Asks on the Hardware tab for its first disk to have that size."""
    page = window.open(f"/vms/{vm.pk}/hardware/")
    page.get_by_role("link", name="Grow Disk 1").click()
    page.fill("#id_size_gib", str(size_gib))
    page.click("#send")
    page.wait_for_url("**/hardware/?watching=*")


def keep(window: Window, vm: VirtualMachine) -> None:
    """Takes a snapshot named clean."""
    page = window.open(f"/vms/{vm.pk}/snapshots/")
    page.get_by_label("Name").fill("clean")
    page.get_by_role("button", name="Take snapshot").click()
    page.wait_for_url("**/snapshots/")


def roll_back(window: Window, vm: VirtualMachine) -> None:
    """Rolls back to it, past the page that asks back."""
    page = window.open(f"/vms/{vm.pk}/snapshots/")
    page.get_by_role("link", name="Roll back to clean").click()
    expect(page.get_by_text("Everything on its disks since")).to_be_visible()
    page.get_by_role("button", name=f"Roll back {vm.name}").click()
    page.wait_for_url("**/snapshots/")


@pytest.mark.timeout(300)
def test_from_the_first_key_to_a_way_back(
    house: Workshop, real: DevCluster, chromium: Browser, site: str, tmp_path: Path
) -> None:
    key, other = new_key(tmp_path, "key"), new_key(tmp_path, "other")
    with Window(chromium, site, house.cast.alice) as window:
        create(window.open("/vms/new/"), key.with_suffix(".pub").read_text().strip())
        vm = done(house)
        if vm.power != Power.RUNNING:
            start(window, house, vm)
        booted(real, vm)
        shell = Shell(real, key, vm.login_user)
        assert shell.says(vm, "hostname; echo $USER") == f"first-vm\n{vm.login_user}"
        with pytest.raises(subprocess.CalledProcessError):
            Shell(real, other, vm.login_user).says(vm, "true")

        wanted_gib = vm.disk_gib + 3
        grow(window, vm, wanted_gib)
        assert int(shell.says(done(house), "cat /sys/block/sda/size")) == wanted_gib * 2**21

        shell.says(vm, f"echo as it was | dd of=/dev/sda {SPOT} 2>/dev/null")
        keep(window, vm)
        done(house)
        expect(window.page.get_by_text("first-vm was kept as snapshot clean.")).to_be_visible()
        shell.says(vm, f"echo spoiled.. | dd of=/dev/sda {SPOT} 2>/dev/null")
        assert shell.says(vm, READ) == "spoiled.."

        roll_back(window, vm)
        vm = done(house)
        assert (vm.power, vm.pool) == (Power.STOPPED, house.cast.alices)
        start(window, house, vm)
        assert shell.says(vm, READ) == "as it was"
