"""Real guests: QEMU runs, its screen comes through the console, what is typed arrives, and nothing outlives us."""

import os
import signal
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from devcluster.qemu import missing
from devcluster.rooms import GUESTS
from tests.children import wait_until
from tests.devcluster.cluster import DevCluster
from tests.devcluster.console_house import Caller, WebSocket
from tests.devcluster.rfb import Screen, handshake, press, request, update

BOOT_S = 120.0

pytestmark = [pytest.mark.qemu, pytest.mark.slow]


def real_cluster(
    folder: Path, seed: str = "test", *, arguments: tuple[str, ...] = ()
) -> AbstractContextManager[DevCluster]:
    lack = missing(GUESTS)
    if lack:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)
    return DevCluster.start(folder, seed, "require", windows={"shutdown_timeout": BOOT_S}, arguments=arguments)


@pytest.fixture(scope="module")
def pve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCluster]:
    with real_cluster(tmp_path_factory.mktemp("qemu")) as running:
        yield running


def caller(pve: DevCluster) -> Caller:
    trust = ssl.create_default_context(cafile=pve.ca_file)
    return Caller(pve.port, trust, f"PVEAPIToken={pve.user}!{pve.token_name}={pve.token_value}")


def serial(pve: DevCluster, vmid: int) -> str:
    text: str = pve.control("GET", f"/guests/{vmid}/serial")["text"]
    return text


def awaits(pve: DevCluster, vmid: int, text: str) -> None:
    wait_until(lambda: text in serial(pve, vmid), what=f"{text!r} on the serial line", deadline_s=BOOT_S)


def awaits_power(pve: DevCluster, vmid: int, status: str) -> None:
    pve.wait_until(lambda state: state["guests"][str(vmid)]["status"] == status, parts="guests", timeout_s=BOOT_S)


async def task(pve: DevCluster, method: str, path: str, **form: object) -> str:
    """The exit text of the task a call began."""
    status, reason, answer = await caller(pve).call(method, path, "", **form)
    assert status == 200, reason
    upid = answer["data"]
    found = pve.wait_until(lambda state: _job(state, upid)["status"] == "stopped", parts="jobs", timeout_s=BOOT_S)
    return str(_job(found, upid)["exitstatus"])


def _job(state: dict[str, Any], upid: str) -> dict[str, Any]:
    return next(job for job in state["jobs"] if job["upid"] == upid)


async def console(pve: DevCluster, vmid: int) -> tuple[WebSocket, Screen]:
    socket, password = await caller(pve).console(vmid)
    return socket, await handshake(socket, password)


@pytest.fixture(scope="module")
def linux(pve: DevCluster) -> int:
    """A running small Linux that has come to its login prompt; the tests below use it one after the other."""
    pve.guest(vmid=301, node="pve1", name="typist", pool="qemu", memory_mib=256, disk_gib=1, status="running")
    awaits_prompts(pve, 301, 1)
    return 301


def awaits_prompts(pve: DevCluster, vmid: int, count: int) -> None:
    wait_until(
        lambda: serial(pve, vmid).count("small-linux login:") >= count, what=f"login prompt {count}", deadline_s=BOOT_S
    )


async def test_a_machine_without_a_disk_boots_the_rescue_disc_and_its_screen_answers_keys(pve: DevCluster) -> None:
    disc = {"ide2": "local:iso/grub-rescue.iso,media=cdrom", "boot": "order=ide2"}
    pve.guest(vmid=300, node="pve1", pool="qemu", memory_mib=128, obeys_shutdown=False, config=disc, status="running")
    socket, screen = await console(pve, 300)

    seen: set[bytes] = set()
    while len(seen) < 4:  # firmware, boot loader, its menu, and what the key did
        request(socket, screen)
        seen.add(b"".join(pixels for *_, pixels in await update(socket)))
        press(socket, "c")

    assert screen.name == "QEMU (vm300)"
    socket.close()
    pve.destroy(300)


async def test_what_is_typed_at_the_screen_comes_out_of_the_serial_line(pve: DevCluster, linux: int) -> None:
    socket, _ = await console(pve, linux)

    press(socket, "Hello, from the console!\n")

    awaits(pve, linux, "typed: Hello, from the console!")
    socket.close()


async def test_suspend_resume_and_reset_reach_the_guest(pve: DevCluster, linux: int) -> None:
    where = f"/nodes/pve1/qemu/{linux}/status"

    assert await task(pve, "POST", f"{where}/suspend") == "OK"
    assert pve.all_guests()[linux]["status"] == "paused"
    assert await task(pve, "POST", f"{where}/resume") == "OK"
    assert await task(pve, "POST", f"{where}/reset") == "OK"

    awaits_prompts(pve, linux, 2)


async def test_a_guest_that_powers_itself_off_is_stopped(pve: DevCluster, linux: int) -> None:
    socket, _ = await console(pve, linux)

    press(socket, "root\n")
    awaits(pve, linux, "root is signed in on /dev/tty1")
    press(socket, "poweroff\n")

    awaits_power(pve, linux, "stopped")
    assert await socket.ends() is not None
    socket.close()


async def test_a_guest_starts_again_and_obeys_the_power_button(pve: DevCluster, linux: int) -> None:
    where = f"/nodes/pve1/qemu/{linux}/status"

    assert await task(pve, "POST", f"{where}/start") == "OK"
    awaits_prompts(pve, linux, 1)
    assert await task(pve, "POST", f"{where}/shutdown", timeout=100) == "OK"

    assert pve.all_guests()[linux]["status"] == "stopped"
    assert children_of(pve.process.pid) == []


async def test_a_clone_with_cloud_init_greets_with_its_name_and_lets_its_user_in(pve: DevCluster) -> None:
    pve.control("POST", "/pools", {"poolid": "qemu"})
    where = "/nodes/pve1/qemu/303"
    key = quote("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx a", safe="")
    assert await task(pve, "POST", "/nodes/pve1/qemu/9000/clone", newid=303, name="web-1", pool="qemu") == "OK"
    status, reason, _ = await caller(pve).call("PUT", f"{where}/config", ciuser="alice", sshkeys=key)
    assert status == 200, reason
    assert await task(pve, "PUT", f"{where}/resize", disk="scsi0", size="4G") == "OK"
    assert await task(pve, "POST", f"{where}/status/start") == "OK"
    awaits(pve, 303, "web-1 login:")

    socket, _ = await console(pve, 303)
    press(socket, "alice\n")
    awaits(pve, 303, "alice is signed in on /dev/tty1")
    press(socket, "echo I am $USER, $(wc -l < .ssh/authorized_keys) key > /dev/ttyS0\n")

    awaits(pve, 303, "disk sda: 4096 MiB")
    awaits(pve, 303, "I am alice, 1 key")
    socket.close()
    pve.destroy(303)


async def test_disks_grow_keep_snapshots_and_are_copied_while_and_after_their_machine_runs(pve: DevCluster) -> None:
    pve.guest(vmid=307, node="pve1", pool="qemu", memory_mib=128, disk_gib=1, status="running")
    where = "/nodes/pve1/qemu/307"

    assert await task(pve, "PUT", f"{where}/resize", disk="scsi0", size="+1G") == "OK"
    for _ in range(2):
        assert await task(pve, "POST", f"{where}/snapshot", snapname="before") == "OK"
        assert await task(pve, "DELETE", f"{where}/snapshot/before") == "OK"
    assert await task(pve, "POST", f"{where}/snapshot", snapname="before") == "OK"
    assert await task(pve, "POST", f"{where}/snapshot/before/rollback") == "OK"
    assert pve.all_guests()[307]["status"] == "stopped"
    assert await task(pve, "PUT", f"{where}/resize", disk="scsi0", size="3G") == "OK"
    assert await task(pve, "DELETE", f"{where}/snapshot/before") == "OK"
    assert await task(pve, "POST", f"{where}/snapshot", snapname="before") == "OK"
    pve.destroy(307)


async def test_a_full_clone_of_a_template_runs_without_it(pve: DevCluster) -> None:
    pve.control("POST", "/pools", {"poolid": "qemu"})

    assert await task(pve, "POST", "/nodes/pve1/qemu/9001/clone", newid=308, pool="qemu", full=1) == "OK"
    assert await task(pve, "POST", "/nodes/pve1/qemu/308/status/start") == "OK"

    assert len(children_of(pve.process.pid)) == 1
    pve.destroy(308)


def children_of(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[1]) == pid and words[0] != "Z":
                found.append(int(folder.name))
    return found


def test_no_guest_outlives_a_stand_in_that_is_killed(tmp_path: Path) -> None:
    with real_cluster(tmp_path) as doomed:
        doomed.guest(vmid=304, node="pve1", memory_mib=128, status="running")
        guests = children_of(doomed.process.pid)

        os.kill(doomed.process.pid, signal.SIGKILL)

        assert len(guests) == 1
        wait_until(lambda: not Path(f"/proc/{guests[0]}").exists(), what="the guest's end")


def test_a_demo_that_is_started_again_runs_the_machines_that_start_with_their_node(tmp_path: Path) -> None:
    with real_cluster(tmp_path, seed="demo") as first:
        made = first.guest(vmid=305, node="pve1", memory_mib=128, config={"onboot": "1"}, status="running")
        first.guest(vmid=306, node="pve1", memory_mib=128, status="running")

    with real_cluster(tmp_path, seed="demo") as again:
        kept = again.all_guests()

        assert (kept[305]["status"], kept[305]["uuid"], kept[306]["status"]) == ("running", made["uuid"], "stopped")
        assert (again.token_value, len(children_of(again.process.pid))) == (first.token_value, 1)
