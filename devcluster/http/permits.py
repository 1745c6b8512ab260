"""Rights that depend on what is asked for: options, storages, bridges."""

from devcluster import volumes
from devcluster.drives import Drive
from devcluster.http.calls import Call
from devcluster.refusals import bad_parameter, failed, forbidden
from devcluster.vmschema import ROOT_ONLY, demanded

SEE_ISO = ("Datastore.AllocateSpace", "Datastore.Audit")


def need_guest(call: Call, vmid: int, pool: str | None, *privileges: str) -> None:
    """On the pool the machine is to join, or on the machine; the refusal names the machine."""
    if pool is not None and call.rights.any(f"/pool/{pool}", privileges):
        return
    call.need(f"/vms/{vmid}", *privileges)


def check_option(call: Call, vmid: int, pool: str | None, key: str, value: str | None) -> None:
    need_guest(call, vmid, pool, *demanded(key, value))
    if value is not None and value.endswith(":cloudinit"):
        need_guest(call, vmid, pool, "VM.Config.Cloudinit")


def check_order(key: str, major: int) -> int:
    """In which order a create asks for the rights to its options; it decides which refusal is seen first."""
    asked = ["VM.Config.Options", "VM.Config.Network", "VM.Config.Memory", "VM.Config.CPU"]
    if major >= 9:
        asked = ["VM.Config.CPU", "VM.Config.Network", "VM.Config.Memory", "VM.Config.Options"]
    first = demanded(key, "")[0]
    return asked.index(first) if first in asked else len(asked)


def check_root_only(key: str, value: str | None) -> None:
    """No token is root, not even root's own."""
    if key == "hookscript":
        raise bad_parameter(hookscript=f"script '{value}' does not exist\n")
    if key in ROOT_ONLY:
        raise failed(f"only root can set '{key}' config")


def check_space(call: Call, storage: str) -> None:
    call.need(f"/storage/{storage}", "Datastore.AllocateSpace")


def check_image(call: Call, drive: Drive, default_storage: str | None = None) -> None:
    """A new volume needs space on its storage, an ISO image the right to see it."""
    wanted = volumes.wish(call.site, drive, default_storage)
    if wanted is not None:
        check_space(call, wanted.storage)
        return
    if drive.file in ("none", "cdrom") or not drive.storage:
        return
    volumes.find_storage(call.site, drive.storage)
    volume = volumes.find(call.site, call.node, drive.file)
    if volume is not None and volume.vmid is not None:
        if volume.vmid != call.params.get("vmid") and not call.rights.has(
            f"/storage/{drive.storage}", "Datastore.Allocate"
        ):
            raise forbidden(f"/vms/{volume.vmid}", ("VM.Config.Disk",))
        return
    call.need(f"/storage/{drive.storage}", *SEE_ISO)


def check_network(call: Call, key: str, value: str) -> None:
    """SDN.Use on the bridge a card is plugged into."""
    if not (key.startswith("net") and key[3:].isdigit()):
        return
    for part in value.split(","):
        if part.startswith("bridge="):
            call.need(f"/sdn/zones/localnetwork/{part.removeprefix('bridge=')}", "SDN.Use")
