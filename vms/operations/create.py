"""Create a machine from a template, an ISO or another machine: the request, the order of the steps, and the ends."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit, departures
from accounts.models import Pool, SshKey, User
from accounts.pools import personal_pool_for
from vms import leasing, restraints
from vms.access import may
from vms.audits import about
from vms.cluster import Cluster
from vms.cluster.errors import Denied, NoSuchGuest
from vms.cluster.types import GuestConfig
from vms.models import Operation, VirtualMachine
from vms.operations import ends, finding, growth, lifecycle, names, requests
from vms.operations.clone_steps import CloneTemplate, CopyMachine
from vms.operations.create_steps import BindPool, GrowDisk, SetSize, SetUpSignIn, is_ours
from vms.operations.database import decide
from vms.operations.delete import remove_remains
from vms.operations.errors import Refusal
from vms.operations.hooks import Point
from vms.operations.power import PowerStep
from vms.operations.rights import may_create, may_manage
from vms.operations.slot_steps import MakeFromIso
from vms.operations.sources import plan_source
from vms.operations.steps import Broken, HookStep, Step
from vms.operations.verb import Verb
from vms.operations.wishes import Size, Source
from vms.states import Action, Lifecycle, OperationKind, Power
from vms.usage import Shape


class Create(Verb):
    """From nothing to a machine that runs."""

    steps: ClassVar[tuple[Step, ...]] = (
        BindPool(),
        HookStep(Point.BEFORE_CREATE, "Prepare"),
        CloneTemplate(),
        CopyMachine(),
        MakeFromIso(),
        HookStep(Point.MAC_KNOWN, "Register it"),
        SetSize(),
        SetUpSignIn(),
        GrowDisk(),
        HookStep(Point.BEFORE_START, "Prepare the start"),
        PowerStep(OperationKind.START),
    )

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """READY, counted from its own row from now on."""
        facts = finding.facts_of(op, cluster)
        power = Power(facts[1].power)
        name = op.vm.name
        sentence = f"{name} was created and is running." if power == Power.RUNNING else f"{name} was created."
        ends.succeed(op, sentence, facts, also=lambda now: _ready(op, now))

    def fail(self, op: Operation, cluster: Cluster, broken: Broken) -> None:
        """What has everything but its first start stays. Less than that is removed; of nothing, nothing stays."""
        left = remains(op, cluster)
        if left is None:
            sentence = f"{broken.sentence} Nothing is left of it."
            ends.fail(op, sentence, broken.detail, None, also=lambda now: _failed(op))
            return
        facts = finding.facts_of(op, cluster)
        if op.step == OperationKind.START:
            sentence = f"{op.vm.name} was created, but not started. {broken.sentence.replace('create', 'start', 1)}"
            ends.fail(op, sentence, broken.detail, facts, settles=True, also=lambda now: _ready(op, now))
            return

        def clean_up(now: datetime) -> None:
            lifecycle.move(op.vm, Lifecycle.DELETING)
            remove_remains(op)

        sentence = f"{broken.sentence} What had been made of it is being removed."
        ends.fail(op, sentence, broken.detail, facts, settles=True, also=clean_up)


def remains(op: Operation, cluster: Cluster) -> GuestConfig | None:
    """What a failed creation left in its slot, provably ours; its uuid is saved.

    Raises Unreachable, or Denied where something sits there that the token may not see: with rights on pools alone
    that can be our own half-made machine, and "nothing is left" would be a guess.
    """
    vmid, node = op.vm.vmid, op.wish.get("node", "")
    if not vmid or not node:
        return None
    try:
        config = cluster.guest_config(node, vmid)
    except NoSuchGuest:
        return None
    except Denied:
        if cluster.slot_is_taken(vmid):
            raise
        return None
    if not is_ours(op, config):
        return None
    if op.vm.smbios_uuid is None:
        op.vm.smbios_uuid = UUID(config.uuid)
        op.vm.save(update_fields=["smbios_uuid"])
    return config


def _ready(op: Operation, now: datetime) -> None:
    lifecycle.move(op.vm, Lifecycle.READY)
    leasing.begin(op.vm, now)
    if op.actor is not None and (keys := op.wish.get("ssh_keys")):
        SshKey.objects.filter(user=op.actor, public_key__in=keys).update(last_used_at=now)


def _failed(op: Operation) -> None:
    lifecycle.move(op.vm, Lifecycle.FAILED)


def request_create(
    *, pool: Pool | None, by: User, address: str, key: str, name: str, size: Size, source: Source
) -> Operation:
    """Asks for a new machine in `pool` (None: the person's own). `operation.vm` is its row, CREATING.

    In one transaction under the pool's row lock: the name is free, the room is reserved (cores and memory too, because
    it will be started), machine, operation and audit row are written. Raises PermissionDenied, Refusal or
    QuotaExceeded; nothing was written then.
    """
    first = requests.known(by, key)
    if first is not None:
        return first
    if by.departed_at:
        raise PermissionDenied(departures.notice(by))
    name = names.checked_name(name)
    size.check()
    plan = plan_source(source, size, by)
    pool = pool or decide(lambda: personal_pool_for(by))
    if not may_create(by, pool):
        raise PermissionDenied("Your role in this pool does not include that.")

    def open_it(locked: Pool) -> Operation:
        if why := restraints.of_receiver(locked):
            raise Refusal(f"{name} cannot be created. {why}", "pool")
        names.refuse_taken_name(locked, name)
        asked = Shape(cores=size.cores, memory_mib=size.memory_mib, disk_gib=size.disk_gib)
        reservation = growth.hold(locked, None, asked, f"create {name}")
        vm = VirtualMachine.objects.create(
            pool=locked,
            name=name,
            created_by=by,
            source=plan.title[:120],
            login_user=plan.wish.get("login_user", ""),
            smbios_uuid=plan.uuid,
        )
        wish = plan.wish | {"cores": size.cores, "memory_mib": size.memory_mib, "disk_gib": size.disk_gib}
        return requests.open_operation(
            vm,
            locked,
            OperationKind.CREATE,
            Create.steps,
            by=by,
            address=address,
            key=key,
            wish=wish,
            reservation=reservation,
        )

    return requests.accept(by, pool, key, open_it)


def dismiss_failed(vm: VirtualMachine, by: User) -> None:
    """Puts a failed creation away, so that lists no longer show it. Raises PermissionDenied or Refusal."""
    if not may(by, vm, Action.VIEW) or vm.pool is None or not may_manage(by, vm.pool):
        raise PermissionDenied("Your role in this pool does not include that.")
    rows = VirtualMachine.objects.filter(pk=vm.pk, lifecycle=Lifecycle.FAILED, dismissed_at=None)
    if decide(lambda: rows.update(dismissed_at=timezone.now())) == 1:
        audit.record(actor=by, verb="vm.dismissed", pool=vm.pool, **about(vm))
    elif vm.lifecycle != Lifecycle.FAILED:
        raise Refusal(f"{vm.name} is no failed creation.")
