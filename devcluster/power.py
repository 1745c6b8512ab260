"""Workers that change a machine's power state."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devcluster import configure
from devcluster.jobs import Job, JobFailed
from devcluster.machines import MachineError
from devcluster.refusals import no_config
from devcluster.site import Site
from devcluster.state import Guest

RUNS_KEPT = 100
GONE_DOWN_TIMEOUT = "VM quit/powerdown failed - got timeout"


class Locked(Exception):
    """The config file is held by another worker; the text is Proxmox's."""


@asynccontextmanager
async def file_lock(site: Site, guest: Guest) -> AsyncIterator[None]:
    """The short lock on a machine's config file. Raises Locked after the lock wait."""
    try:
        await asyncio.wait_for(guest.file_lock.acquire(), site.settings.windows.lock_wait)
    except TimeoutError:
        path = f"/var/lock/qemu-server/lock-{guest.vmid}.conf"
        raise Locked(f"can't lock file '{path}' - got timeout") from None
    try:
        yield
    finally:
        guest.file_lock.release()


@asynccontextmanager
async def job_lock(site: Site, guest: Guest, job: Job) -> AsyncIterator[None]:
    if guest.file_lock.locked():
        job.say("trying to acquire lock...")
    try:
        async with file_lock(site, guest):
            yield
    except Locked as locked:
        raise JobFailed(str(locked)) from None


def check_lock(guest: Guest) -> None:
    if guest.lock:
        raise JobFailed(f"VM is locked ({guest.lock})")


def present(site: Site, node: str, vmid: int) -> Guest:
    guest = site.cluster.guests.get(vmid)
    if guest is None or guest.node != node:
        raise JobFailed(no_config(node, vmid))
    return guest


async def start(site: Site, node: str, vmid: int, job: Job) -> None:
    guest = present(site, node, vmid)
    async with job_lock(site, guest, job):
        check_lock(guest)
        if guest.is_template:
            raise JobFailed("you can't start a vm if it's a template")
        if guest.power != "stopped":
            raise JobFailed(f"VM {vmid} already running")
        await site.clock.sleep(site.settings.windows.job_s("qmstart"))
        await run(site, guest, job)
        site.effect("start", guest, job)


async def run(site: Site, guest: Guest, job: Job) -> None:
    """Power on with pending changes applied."""
    await configure.apply_pending(site, guest)
    host_cores = site.cluster.nodes[guest.node].cores
    if guest.cores > host_cores:
        raise JobFailed(f"MAX {host_cores} vcpus allowed per VM on this node")
    cards = [value for key, value in guest.config.items() if key.startswith("net") and key[3:].isdigit()]
    bridges = [part.removeprefix("bridge=") for card in cards for part in card.split(",") if part.startswith("bridge=")]
    missing = [bridge for bridge in bridges if bridge not in site.cluster.bridges]
    if missing:
        if site.settings.major >= 9:
            raise JobFailed(f"bridge '{missing[0]}' does not exist")
        job.say(f"bridge '{missing[0]}' does not exist")
        job.say("kvm: network script failed with status 512")
        raise JobFailed("start failed: QEMU exited with code 1")
    if any("cloudinit" in value for value in guest.config.values()):
        job.say("generating cloud-init ISO")
        guest.burn_image()
    try:
        await site.room.machine(guest).start(lambda: gone_down(site, guest))
    except MachineError as error:
        job.say(str(error))
        raise JobFailed("start failed: QEMU exited with code 1") from None
    guest.power, guest.started_at = "running", site.clock.now()
    guest.pid, guest.went_down = job.pid + 3, asyncio.Event()
    site.touch(guest)


def gone_down(site: Site, guest: Guest) -> None:
    """The machine is off, by whatever way."""
    if guest.started_at is not None:
        guest.ran = [*guest.ran, (guest.started_at, site.clock.now())][-RUNS_KEPT:]
    guest.power, guest.started_at = "stopped", None
    guest.went_down.set()
    site.touch(guest)


async def stop(site: Site, node: str, vmid: int, job: Job, *, overrule: bool) -> None:
    guest = present(site, node, vmid)
    if overrule:
        await _abort_shutdowns(site, vmid, job)
    async with job_lock(site, guest, job):
        if guest.power == "stopped":
            return
        check_lock(guest)
        await site.clock.sleep(site.settings.windows.job_s("qmstop"))
        await pull_plug(site, guest)
        site.effect("stop", guest, job)


async def _abort_shutdowns(site: Site, vmid: int, job: Job) -> None:
    for other in site.jobs.all():
        if other.running and other.type == "qmshutdown" and other.id == str(vmid):
            job.say(f"overruling 'qmshutdown' task {other.upid}")
            await site.jobs.abort(other)


async def pull_plug(site: Site, guest: Guest) -> None:
    await site.room.machine(guest).stop()
    gone_down(site, guest)
    await configure.apply_pending(site, guest)


async def shutdown(site: Site, node: str, vmid: int, job: Job, *, timeout_s: float, force_stop: bool) -> None:
    """Holds the config lock the whole time, as the real one does."""
    guest = present(site, node, vmid)
    async with job_lock(site, guest, job):
        if guest.power == "stopped":
            return
        check_lock(guest)
        await site.clock.sleep(site.settings.windows.job_s("qmshutdown"))
        if not await _powered_down(site, guest, job, timeout_s):
            if not force_stop:
                raise JobFailed(GONE_DOWN_TIMEOUT)
            job.say("VM quit/powerdown failed - terminating now with SIGTERM")
            await pull_plug(site, guest)
        await configure.apply_pending(site, guest)
        site.effect("shutdown", guest, job)


async def _powered_down(site: Site, guest: Guest, job: Job, timeout_s: float) -> bool:
    """Press the button and wait for the guest to obey."""
    if guest.config.get("agent", "0").startswith(("1", "enabled=1")):
        told = f"VM {guest.vmid} qmp command 'guest-ping' failed - got timeout"
        job.say(f"QEMU Guest Agent is not running - {told}")
    await site.room.machine(guest).shutdown()
    waits = [
        asyncio.ensure_future(guest.went_down.wait()),
        asyncio.ensure_future(site.clock.sleep(timeout_s)),
    ]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
    return guest.went_down.is_set()


async def reboot(site: Site, node: str, vmid: int, job: Job, *, timeout_s: float) -> None:
    guest = present(site, node, vmid)
    async with job_lock(site, guest, job):
        check_lock(guest)
        await site.clock.sleep(site.settings.windows.job_s("qmreboot"))
        if not await _powered_down(site, guest, job, timeout_s):
            raise JobFailed("VM quit/powerdown failed")
        await run(site, guest, job)
        site.effect("reboot", guest, job)


async def simple(site: Site, node: str, vmid: int, job: Job, verb: str) -> None:
    """reset, suspend or resume of a running machine."""
    guest = present(site, node, vmid)
    async with job_lock(site, guest, job):
        check_lock(guest)
        if guest.power == "stopped":
            raise JobFailed(f"VM {vmid} not running")
        await site.clock.sleep(site.settings.windows.job_s(job.type))
        machine = site.room.machine(guest)
        if verb == "reset":
            await machine.reset()
        elif verb == "suspend":
            await machine.suspend()
            guest.power = "paused"
        else:
            await machine.resume()
            guest.power = "running"
        site.effect(verb, guest, job)
