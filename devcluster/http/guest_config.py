"""Reading and changing a machine's options."""

import re
from typing import Any

from devcluster import configure, disks
from devcluster.access import CONFIG_PRIVILEGES
from devcluster.cloud_seed import user_data
from devcluster.drives import SLOT, SLOTS, Drive
from devcluster.http.calls import CALLS, Call
from devcluster.http.permits import check_image, check_network, check_option, check_root_only
from devcluster.jobs import Job, JobFailed
from devcluster.power import Locked, file_lock
from devcluster.refusals import Refusal, bad_parameter, failed
from devcluster.report import Row
from devcluster.schema import BOOL, COUNT, DIGEST, SNAPSHOT, STRING, Rule
from devcluster.state import Guest
from devcluster.vmschema import CLOUD_INIT, UPDATE, decodable

AUDIT = ("/vms/{vmid}", ("VM.Audit",))
CHANGE = ("/vms/{vmid}", CONFIG_PRIVILEGES)
ABOUT = frozenset({"node", "vmid", "digest", "delete", "revert", "force", "skiplock", "background_delay"})


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/config", {"current": BOOL, "snapshot": SNAPSHOT}, needs=AUDIT)
async def read(call: Call) -> Any:
    """Pending values applied, unless the current ones are asked for."""
    guest = call.site.guest(call.node, call.vmid)
    config = dict(guest.config)
    name = call.params.get("snapshot")
    if name:
        found = disks.snapshot_named(guest, name)
        if found is None:
            raise failed(f"snapshot '{name}' does not exist")
        config = found.config | {"snaptime": str(found.taken_at), "description": found.description}
    elif not call.params.get("current"):
        config |= {key: value for key, value in guest.pending.items() if value is not None}
        config = {key: value for key, value in config.items() if guest.pending.get(key, "") is not None}
    return {key: configure.shown(key, value) for key, value in config.items()} | {"digest": configure.digest(guest)}


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/pending", needs=AUDIT)
async def pending(call: Call) -> Any:
    guest = call.site.guest(call.node, call.vmid)
    rows: list[Row] = [{"key": "digest", "value": configure.digest(guest)}]
    for key, value in guest.config.items():
        row: Row = {"key": key, "value": configure.shown(key, value)}
        if key in guest.pending:
            waits = guest.pending[key]
            row |= {"delete": 1} if waits is None else {"pending": configure.shown(key, waits)}
        rows.append(row)
    new = {key: value for key, value in guest.pending.items() if key not in guest.config and value is not None}
    return rows + [{"key": key, "pending": configure.shown(key, value)} for key, value in new.items()]


@CALLS.on("PUT", "/nodes/{node}/qemu/{vmid}/config", UPDATE, needs=CHANGE, protected=True)
async def change(call: Call) -> Any:
    changes, deletes = _checked(call)
    guest = call.site.guest(call.node, call.vmid)
    try:
        async with file_lock(call.site, guest):
            await _apply(call, guest, changes, deletes)
    except Locked as locked:
        raise failed(str(locked)) from None
    return None


ASYNC = UPDATE | {"background_delay": COUNT}


@CALLS.on("POST", "/nodes/{node}/qemu/{vmid}/config", ASYNC, needs=CHANGE, protected=True)
async def change_later(call: Call) -> Any:
    changes, deletes = _checked(call)
    site = call.site
    guest = site.guest(call.node, call.vmid)
    _check_guest(call, guest)
    given = {**changes, **({"delete": ",".join(deletes)} if deletes else {})}

    async def work(job: Job) -> None:
        job.say(f"update VM {guest.vmid}: " + " ".join(f"-{key} {value}" for key, value in given.items()))
        try:
            async with file_lock(site, guest):
                await site.clock.sleep(site.settings.windows.job_s("qmconfig"))
                await _apply(call, guest, changes, deletes)
        except (Locked, Refusal) as error:
            raise JobFailed(str(error)) from None

    job = site.jobs.start(call.node, "qmconfig", str(call.vmid), call.who, work)
    return job.upid


def _checked(call: Call) -> tuple[dict[str, Any], list[str]]:
    """What is to change, after the checks that come before the machine is even looked for."""
    asked = call.params
    if asked.get("skiplock"):
        raise bad_parameter(skiplock="Only root may use this option.")
    changes = {key: value for key, value in asked.items() if key not in ABOUT}
    deletes = [key for key in re.split(r"[,;\s]+", str(asked.get("delete", ""))) if key]
    if not changes and not deletes and not asked.get("revert"):
        raise failed("no options specified")
    for key in [*changes, *deletes]:
        check_root_only(key, changes.get(key))
    if "sshkeys" in changes and not decodable(str(changes["sshkeys"])):
        raise failed("SSH public key validation error")
    for key, value in changes.items():
        if SLOT.match(key):
            check_image(call, Drive.parse(str(value)))
        check_option(call, call.vmid, None, key, str(value))
        check_network(call, key, str(value))
    for key in deletes:
        check_option(call, call.vmid, None, key, None)
    return changes, deletes


def _check_guest(call: Call, guest: Guest) -> None:
    asked = call.params.get("digest")
    if asked is not None and asked != configure.digest(guest):
        raise failed("checksum mismatch (file change by other user?)")
    if guest.lock:
        raise failed(f"VM is locked ({guest.lock})")


async def _apply(call: Call, guest: Guest, changes: dict[str, Any], deletes: list[str]) -> None:
    _check_guest(call, guest)
    configure.revert(guest, [key for key in re.split(r"[,;\s]+", str(call.params.get("revert", ""))) if key])
    try:
        await configure.apply(call.site, guest, changes, deletes, force=bool(call.params.get("force")))
    finally:
        call.site.effect("configure", guest)


RESIZE = {
    "disk": Rule(enum=tuple(SLOTS)).required(),
    "size": Rule(pattern=r"\+?\d+(\.\d+)?[KMGT]?").required(),
    "digest": DIGEST,
    "skiplock": BOOL,
}


@CALLS.on("PUT", "/nodes/{node}/qemu/{vmid}/resize", RESIZE, needs=("/vms/{vmid}", ("VM.Config.Disk",)), protected=True)
async def resize(call: Call) -> Any:
    site, node, vmid, asked = call.site, call.node, call.vmid, call.params
    site.guest(node, vmid)

    async def work(job: Job) -> None:
        await disks.resize(site, node, vmid, job, slot=asked["disk"], size=asked["size"], digest=asked.get("digest"))

    return site.jobs.start(node, "resize", str(vmid), call.who, work).upid


UNLINK = {"idlist": STRING.required(), "force": BOOL}


@CALLS.on("PUT", "/nodes/{node}/qemu/{vmid}/unlink", UNLINK, needs=("/vms/{vmid}", ("VM.Config.Disk",)), protected=True)
async def unlink(call: Call) -> Any:
    guest = call.site.guest(call.node, call.vmid)
    slots = [slot for slot in re.split(r"[,;\s]+", call.params["idlist"]) if slot]
    await _apply(call, guest, {}, slots)
    return None


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/cloudinit", needs=AUDIT)
async def cloud_init(call: Call) -> Any:
    """What the image holds, and what it will hold after it is made anew."""
    guest = call.site.guest(call.node, call.vmid)
    keys = [key for key in guest.config if key in CLOUD_INIT]
    rows: list[Row] = []
    for key in keys:
        row: Row = {"key": key, "value": configure.shown(key, guest.config[key])}
        burnt = guest.in_image.get(key)
        if burnt is not None and burnt != guest.config[key]:
            row |= {"value": configure.shown(key, burnt), "pending": configure.shown(key, guest.config[key])}
        rows.append(row)
    return rows


@CALLS.on("PUT", "/nodes/{node}/qemu/{vmid}/cloudinit", needs=("/vms/{vmid}", ("VM.Config.Cloudinit",)), protected=True)
async def make_image(call: Call) -> Any:
    guest = call.site.guest(call.node, call.vmid)
    guest.burn_image()
    return None


DUMP = {"type": Rule(enum=("user", "network", "meta")).required()}


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/cloudinit/dump", DUMP, needs=AUDIT)
async def dump(call: Call) -> Any:
    guest = call.site.guest(call.node, call.vmid)
    if call.params["type"] == "meta":
        return f"instance-id: {configure.digest(guest)}\n"
    if call.params["type"] == "network":
        return "version: 1\nconfig:\n    - type: physical\n      name: eth0\n"
    return user_data(guest.name, guest.config)


FEATURE = {"feature": Rule(enum=("snapshot", "clone", "copy")).required(), "snapname": SNAPSHOT}


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/feature", FEATURE, needs=AUDIT, protected=True)
async def feature(call: Call) -> Any:
    guest = call.site.guest(call.node, call.vmid)
    able = call.params["feature"] != "clone" or guest.is_template
    return {"hasFeature": int(able), "nodes": [call.node]}
