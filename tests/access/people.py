"""The people and things of the access matrix, every name of a thing a canary that must not leak."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.alarms import raise_alarm
from accounts.models import AuditEvent, Pool, PoolMembership, SshKey, User
from accounts.roles import PoolKind, Role
from consoles.grants import hashed
from consoles.models import ConsoleShare, ConsoleVisit
from quotas.models import MoreRequest
from tests.cast import make_cast, person
from tests.factories import make_operation, make_reading, make_vm
from tests.vms.departures.people import make_dora, make_lou
from vms.models import Operation, VirtualMachine
from vms.states import Lifecycle, OperationState, Power

ABSENT = 987_654
#: What stands in the address of the console that alice shares with bob.
SHARE_REF = "a-reference-of-43-characters-as-it-is-made-x"


@dataclass(frozen=True)
class World:
    """People by role, machines and their operations by kind of object."""

    people: dict[str, User | None]
    vms: dict[str, int]
    operations: dict[str, int]
    codes: dict[str, str]
    keys: dict[str, int]
    requests: dict[str, str]
    pools: dict[str, int]
    persons: dict[str, int]
    alarms: dict[str, int]
    visits: dict[str, int]
    shares: dict[str, int]

    @property
    def others(self) -> dict[str, dict[str, int] | dict[str, str]]:
        """Things that are no machines, by the word for them in an address."""
        return {
            "key_id": self.keys,
            "person_id": self.persons,
            "alarm_id": self.alarms,
            "visit_id": self.visits,
            "share_ref": {"bobs": SHARE_REF, "absent": "nothing"},
            "share_id": {"bobs": self.shares["alices"], "absent": ABSENT},
            "revoke_id": self.shares,
            "asked_ref": self.requests,
            "pool_id": {"shared": self.pools["shared"], "absent": ABSENT},
            "allowance_id": {"absent": ABSENT},
            "job_id": {"alices": self.operations["alices"], "absent": ABSENT},
        }


def make_world() -> World:
    """Everything the matrix asks about."""
    cast = make_cast()
    vera, eve, ian = person("vera"), person("eve"), person("ian")
    PoolMembership.objects.create(pool=cast.shared, user=vera, role=Role.VIEWER)
    PoolMembership.objects.create(pool=cast.shared, user=eve, role=Role.MANAGER)
    PoolMembership.objects.filter(pool=cast.shared, user=eve).delete()
    PoolMembership.objects.create(pool=cast.shared, user=ian, role=Role.MANAGER)
    User.objects.filter(pk=ian.pk).update(is_active=False)
    dora, lou = make_dora(cast.shared), make_lou(cast.rita)
    people: dict[str, User | None] = {
        "anonymous": None, "alice": cast.alice, "bob": cast.bob, "carol": cast.carol, "vera": vera, "eve": eve,
        "ian": ian, "rita": cast.rita, "dora": dora, "lou": lou,
    }  # fmt: skip
    unbound = Pool.objects.create(kind=PoolKind.SHARED, name="unbound-canary")
    PoolMembership.objects.create(pool=unbound, user=cast.alice, role=Role.MANAGER)
    running = {"power": Power.RUNNING}
    gone = {"lifecycle": Lifecycle.GONE, "gone_at": timezone.now(), "vmid": None}
    machines = {
        "alices": make_vm(cast.alices, "alices-canary", pk=710_001, **running),
        "shared": make_vm(cast.shared, "shared-canary", pk=710_002, **running),
        "bobs": make_vm(cast.bobs, "bobs-canary", pk=710_003, **running),
        "unbound": make_vm(unbound, "unbound-canary", pk=710_004, **running),
        "poolless": make_vm(None, "poolless-canary", pk=710_005, **running),
        "doras": make_vm(Pool.objects.get(owner=dora), "doras-canary", pk=710_007, **running),
        "lous": make_vm(Pool.objects.get(owner=lou), "lous-canary", pk=710_008, **running),
        "gone": make_vm(cast.alices, "gone-canary", pk=710_006, **gone),
    }
    make_reading()
    return _world(people, machines, cast.alice)


def _world(people: dict[str, User | None], machines: dict[str, VirtualMachine], alice: User) -> World:
    operations = {
        name: make_operation(vm, alice, state=OperationState.SUCCEEDED, sentence=f"{vm.name} did.")
        for name, vm in machines.items()
        if vm.pool is not None
    }
    key = SshKey.objects.create(user=alice, public_key="ssh-ed25519 AAAA canary", fingerprint="SHA256:canary")
    AuditEvent.objects.create(actor=alice, actor_name="alice", verb="vm.start", target_name="audit-canary")
    absent = dict.fromkeys(("absent",), ABSENT)
    now, screen = timezone.now(), machines["alices"]
    assert screen.smbios_uuid is not None
    visit = ConsoleVisit.objects.create(
        user=alice, user_name="alice", vm=screen, machine_uuid=screen.smbios_uuid, opened_at=now, seen_at=now
    )
    return World(
        people=people,
        vms={name: vm.pk for name, vm in machines.items()} | absent,
        operations={name: operation.pk for name, operation in operations.items()} | absent,
        codes={name: operation.code for name, operation in operations.items()} | {"absent": "OP-222222"},
        keys={"alices": key.pk} | absent,
        requests=_requests(machines) | {"absent": "nothing"},
        pools={name: vm.pool_id for name, vm in machines.items() if vm.pool_id} | absent,
        persons={"bob": people["bob"].pk if people["bob"] else 0} | absent,
        visits={"alices": visit.pk} | absent,
        shares={"alices": _share(screen, people).pk} | absent,
        alarms={"open": raise_alarm("test", "", "Something has happened.").pk} | absent,
    )


def _share(screen: VirtualMachine, people: dict[str, User | None]) -> ConsoleShare:
    """Alice's console, taken by bob."""
    assert screen.smbios_uuid is not None
    now, alice = timezone.now(), people["alice"]
    assert alice is not None
    return ConsoleShare.objects.create(
        ref_hash=hashed(SHARE_REF), maker=alice, guest=people["bob"], vm=screen, machine_uuid=screen.smbios_uuid,
        made_at=now, taken_at=now, expires_at=now + timedelta(hours=8),
    )  # fmt: skip


def _requests(machines: dict[str, VirtualMachine]) -> dict[str, str]:
    """Open requests for more: alice's and bob's."""
    found = {}
    for thing in ("alices", "bobs"):
        pool = machines[thing].pool
        assert pool is not None
        assert pool.owner is not None
        asked = MoreRequest.objects.create(
            ref=f"ref-{thing}", pool=pool, asked_by=pool.owner, cores=9, reason=f"{thing}-canary"
        )
        found[thing] = asked.ref
    return found


def operation_count() -> int:
    """How many operations there are: a refused request makes none."""
    return Operation.objects.count()
