"""Says in plain words what of the cluster the portal cannot use yet."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from consoles.probe import HandshakeFailed, UpgradeFailed, try_endpoint
from vms import cluster as gateway
from vms.cluster.errors import ClusterError
from vms.cluster.types import GuestRef
from vms.cluster_check import Finding, Level, Wanted, check
from vms.models import VirtualMachine

MARK = {Level.GOOD: "ok       ", Level.WARNING: "warning  ", Level.PROBLEM: "PROBLEM  "}


class Command(BaseCommand):
    """`manage.py check_cluster [--console VMID]`: ends with 1 where something stops members."""

    help = "Checks address, certificate, token, rights, storages, bridge and templates of the Proxmox cluster."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One machine's console may be tried instead."""
        parser.add_argument("--console", type=int, metavar="VMID", help="open the console of a running machine")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a finding, or the three steps of a console."""
        try:
            if options["console"] is not None:
                self._console(options["console"])
            else:
                self._check()
        except ClusterError as error:
            raise CommandError(error.sentence or type(error).__name__) from None

    def _check(self) -> None:
        wanted = Wanted(
            settings.PROXMOX_VM_STORAGE,
            tuple(name.strip() for name in settings.PROXMOX_ISO_STORAGE.split(",") if name.strip()),
            settings.PROXMOX_BRIDGE,
            settings.PROXMOX_POOL_PARENT,
            tuple(settings.PROXMOX_BRIDGES),
        )
        found = [self._told(finding) for finding in check(gateway.cluster(), gateway.console_cluster(), wanted)]
        problems = sum(finding.level == Level.PROBLEM for finding in found)
        if problems:
            raise CommandError(f"{problems} thing{'s' if problems > 1 else ''} to put right before members can work.")
        self.stdout.write("Members can work on this cluster.")

    def _told(self, finding: Finding) -> Finding:
        self.stdout.write(MARK[finding.level] + finding.sentence)
        return finding

    def _console(self, vmid: int) -> None:
        """The three steps of a console, on the real thing; names the one that failed."""
        ref = _machine(vmid)
        endpoint = self._step("1. vncproxy", lambda: gateway.console_cluster().console_endpoint(ref))
        self.stdout.write(f"   {endpoint.host}:{endpoint.port} opened port {endpoint.vnc_port} for one connection.")
        try:
            asyncio.run(try_endpoint(endpoint))
        except UpgradeFailed as error:
            raise CommandError(f"2. WebSocket: failed. {error}") from None
        except HandshakeFailed as error:
            self.stdout.write("2. WebSocket: done")
            power = gateway.console_cluster().guest_status(ref.node, vmid).power
            hint = "" if power == "running" else " It is not running."
            raise CommandError(f"3. RFB handshake: failed. {error}.{hint}") from None
        self.stdout.write("2. WebSocket: done")
        self.stdout.write("3. RFB handshake: done. The console of this machine works.")

    def _step(self, name: str, do: Any) -> Any:
        try:
            answer = do()
        except ClusterError as error:
            raise CommandError(f"{name}: failed. {error.sentence or type(error).__name__}") from None
        self.stdout.write(f"{name}: done")
        return answer


def _machine(vmid: int) -> GuestRef:
    """The machine as our row names it, else as the cluster does: the console's token alone cannot see pools."""
    row = VirtualMachine.objects.present().filter(vmid=vmid, pool__isnull=False).exclude(node="").first()
    if row is not None and row.pool is not None and row.smbios_uuid is not None:
        return GuestRef(row.node, vmid, str(row.smbios_uuid), row.pool.proxmox_poolid or "")
    cluster = gateway.cluster() if settings.PROXMOX_TOKEN_VALUE else gateway.console_cluster()
    guest = next((guest for guest in cluster.read().guests if guest.vmid == vmid), None)
    if guest is None:
        raise CommandError(f"The token sees no machine {vmid}.")
    if not guest.poolid:
        raise CommandError(f"Machine {vmid} is in no pool that the token sees; the portal touches no such machine.")
    return GuestRef(guest.node, vmid, cluster.guest_config(guest.node, vmid).uuid, guest.poolid)
