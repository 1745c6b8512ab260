"""What guests tell of themselves through their agent: addresses and system. Asked rarely, by a worker.

`vm.guest`: {"addresses": [text], "os": text, "read_at": ISO, "is_silent": bool}. What was told once stays with the
moment it was told. A silent agent costs three seconds a question, so it is asked more rarely still.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from accounts import alarms
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Denied, Refused
from vms.mirror import lock
from vms.models import VirtualMachine
from vms.states import Lifecycle, Power

JOB = "ask guests"
JOB_LASTS_S = 120.0
#: How often one guest is asked at most, and one whose agent was silent.
EVERY = timedelta(minutes=5)
SILENT_EVERY = timedelta(minutes=30)
#: Nobody's guests are asked for so long after the token was refused.
DENIED_LASTS_S = 3600.0
DENIED = "agents denied"
ALARM = "agents"
MOST_A_CYCLE = 20
PARALLEL = 4


@dataclass(frozen=True)
class Told:
    """One guest's answer. `is_silent`: its agent did not answer. `is_denied`: our token may not ask agents."""

    addresses: tuple[str, ...] = ()
    system: str = ""
    is_silent: bool = False
    is_denied: bool = False


def due(now: datetime) -> list[VirtualMachine]:
    """Running machines with the agent flag that were not asked for long."""
    rested = Q(guest_asked_at=None) | Q(guest_asked_at__lt=now - SILENT_EVERY)
    rested |= Q(guest_asked_at__lt=now - EVERY) & ~Q(guest__is_silent=True)
    there = VirtualMachine.objects.filter(lifecycle=Lifecycle.READY, power=Power.RUNNING, missing_since=None)
    there = there.filter(rested, hardware__has_agent=True).exclude(vmid=None).exclude(smbios_uuid=None)
    return list(there.exclude(node="").order_by("guest_asked_at", "pk")[:MOST_A_CYCLE])


def ask_guests(cluster: Cluster, now: datetime) -> int:
    """Asks who is due, a few at a time; how many answered."""
    with lock.held(JOB, JOB_LASTS_S) as holder:
        if holder is None or lock.is_open(DENIED):
            return 0
        machines = due(now)
        with ThreadPoolExecutor(max_workers=PARALLEL) as threads:
            answers = list(threads.map(lambda vm: _ask(cluster, vm), machines))
        if any(answer is not None and answer.is_denied for answer in answers):
            _note_denial()
        return sum(_write(vm, answer, now) for vm, answer in zip(machines, answers, strict=True))


def _ask(cluster: Cluster, vm: VirtualMachine) -> Told | None:
    """None where Proxmox did not answer, or shows another machine in the slot: its guest tells nothing of this one."""
    try:
        if cluster.guest_config(vm.node, vm.vmid or 0).uuid != str(vm.smbios_uuid):
            return None
    except ClusterError:
        return None
    try:
        addresses = cluster.agent_addresses(vm.node, vm.vmid or 0)
        return Told(addresses, cluster.agent_system(vm.node, vm.vmid or 0))
    except Denied:
        return Told(is_denied=True)
    except Refused:
        return Told(is_silent=True)
    except ClusterError:
        return None


def _write(vm: VirtualMachine, answer: Told | None, now: datetime) -> bool:
    rows = VirtualMachine.objects.filter(pk=vm.pk, smbios_uuid=vm.smbios_uuid, lifecycle=Lifecycle.READY)
    if answer is None or answer.is_denied:
        rows.update(guest_asked_at=now)
        return False
    if answer.is_silent:
        rows.update(guest_asked_at=now, guest={**vm.guest, "is_silent": True})
        return False
    alarms.end_alarm(ALARM, "")
    told = {"addresses": list(answer.addresses), "os": answer.system, "read_at": now.isoformat(), "is_silent": False}
    return rows.update(guest_asked_at=now, guest=told) == 1


def _note_denial() -> None:
    """RTPs are told once; nobody's guest is asked for an hour."""
    lock.take(DENIED, lock.new_holder(), DENIED_LASTS_S)
    alarms.raise_alarm(
        ALARM,
        "",
        "Proxmox does not let the portal ask guest agents, so addresses of VMs are not shown. Its token needs "
        "VM.Monitor (Proxmox 8) or VM.GuestAgent.Audit (Proxmox 9) on the pools.",
    )
