"""A place to try operations: the stand-in's templates, ISO, nodes and machines as rows, and a worker to call."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Pool, User
from tests.cast import Cast
from tests.devcluster.cluster import DevCluster
from tests.factories import make_iso, make_node, make_template, make_vm
from vms.cluster import cluster
from vms.mirror.recount import recount
from vms.models import IsoImage, Operation, Storage, Template, VirtualMachine
from vms.operations import FromIso, FromTemplate, Size, engine, follow, request_create, request_delete, request_power
from vms.operations.wishes import Source
from vms.states import OperationKind, OperationState, Power

#: Settings that make an operation's waits short. The stand-in does at once what it does.
SHORT: dict[str, Any] = {
    "OPERATION_RECONCILE_QUIET_S": 0,
    "OPERATION_WATCH_S": 10,
    "PROXMOX_READ_TIMEOUT_S": 10,
    "SHUTDOWN_WAIT_S": 1,
}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx0fW1rYW5kbm90aGluZ2Vsc2VidXRhdGVzdGtleWhlcmU alice@laptop"
SMALL = Size(cores=1, memory_mib=512, disk_gib=2)


class Workshop:
    """`cluster` is the truth the tests compare with."""

    def __init__(self, cast: Cast, cluster: DevCluster) -> None:
        self.cast, self.cluster = cast, cluster
        for name in ("pve1", "pve2", "pve3"):
            Storage.objects.create(node=make_node(name), name="shared", is_shared=True, content="images,iso")
        for poolid in ("alice", "bob", "ctf"):
            cluster.control("POST", "/pools", {"poolid": poolid})
        found = cluster.all_guests()[9000]
        self.template: Template = make_template(
            "debian-12", vmid=9000, smbios_uuid=uuid.UUID(found["uuid"]), node=found["node"], disk_gib=2
        )
        self.iso: IsoImage = make_iso("small-linux.iso", volid="shared:iso/small-linux.iso", node="")

    def machine(self, name: str = "web-01", *, pool: Pool | None = None, **asked: Any) -> VirtualMachine:
        """A machine of alice's that has been there for long, in the cluster and as a row."""
        pool = pool or self.cast.alices
        guest = self.cluster.guest(name=name, pool=pool.proxmox_poolid, **({"disk_gib": 4, "node": "pve1"} | asked))
        return make_vm(
            pool,
            name,
            vmid=guest["vmid"],
            node=guest["node"],
            smbios_uuid=uuid.UUID(guest["uuid"]),
            power=Power(guest["status"]),
        )

    def from_template(self, name: str = "web-01", **asked: Any) -> Operation:
        """Alice asks for a clone."""
        source = FromTemplate(self.template.pk, ssh_keys=(KEY,), login_user="alice")
        return self.create(source, name, **asked)

    def from_iso(self, name: str = "web-01", **asked: Any) -> Operation:
        """Alice asks for a machine from the ISO."""
        return self.create(FromIso(self.iso.pk), name, **asked)

    def create(
        self,
        source: Source,
        name: str,
        *,
        size: Size = SMALL,
        pool: Pool | None = None,
        by: User | None = None,
        key: str = "",
    ) -> Operation:
        """Alice, or whoever, asks for a machine."""
        return request_create(
            pool=pool or self.cast.alices,
            by=by or self.cast.alice,
            address="192.0.2.7",
            key=key or uuid.uuid4().hex,
            name=name,
            size=size,
            source=source,
        )

    def ask(
        self, vm: VirtualMachine, kind: OperationKind, *, by: User | None = None, key: str = "", force: bool = False
    ) -> Operation:
        """Alice, or whoever, asks for a change of power or a deletion."""
        common: dict[str, Any] = {"by": by or self.cast.alice, "address": "192.0.2.7", "key": key or uuid.uuid4().hex}
        if kind == OperationKind.DELETE:
            return request_delete(vm, **common)
        return request_power(vm, kind, force=force, **common)

    def work(self, op: Operation, *, rounds: int = 30) -> Operation:
        """What workers and beat do, as fast as it goes, until the operation is at rest or `rounds` are over."""
        for _ in range(rounds):
            engine.run(op.pk)
            op = Operation.objects.select_related("vm", "reservation").get(pk=op.pk)
            if op.is_at_rest:
                break
            follow.sweep(timezone.now())
        return Operation.objects.select_related("vm", "reservation", "vm__pool").get(pk=op.pk)

    def work_all(self) -> None:
        """The same for everything in flight."""
        while op := Operation.objects.in_flight().first():
            assert self.work(op).is_at_rest, op.state

    def audit(self) -> list[str]:
        """Where the rows count otherwise than the cluster has, once everything under way is at rest.

        Whoever claimed something is gone by now: the claims end.
        """
        Operation.objects.filter(state=OperationState.CLAIMED).update(lease_until=timezone.now() - timedelta(seconds=1))
        self.work_all()
        found = recount(cluster())
        idle = [f"{found.idle} reservations hold room for no operation"] if found.idle else []
        return [*(str(each) for each in found.disagreements), *idle]

    def made(self) -> list[dict[str, Any]]:
        """Machines of the cluster beside the templates."""
        return [guest for vmid, guest in self.cluster.all_guests().items() if vmid not in {9000, 9001}]


def state_of(op: Operation) -> tuple[OperationState, str]:
    """How it stands, and its sentence."""
    return OperationState(op.state), op.sentence


def close_connection() -> None:
    """For threads of tests."""
    connection.close()
