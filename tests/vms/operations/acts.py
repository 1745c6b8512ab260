"""Every kind of operation as a member asks for it: one table that all tests over all actions go through.

A kind that is added later and is not here fails `test_every_kind_is_an_act`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Pool
from tests.vms.operations import changes
from tests.vms.operations.bench import Bench
from tests.vms.operations.workshop import Workshop
from vms import operations
from vms.models import Operation, VirtualMachine
from vms.operations import FromMachine, Size
from vms.operations.kinds import KINDS
from vms.states import OperationKind as K

BIG = Size(cores=2, memory_mib=1024, disk_gib=5)
GUEST = r"/qemu/\d+"
CONFIG = f"PUT {GUEST}/config$"
NAME = "s-one"


@dataclass(frozen=True)
class Act:
    """`ask` prepares a machine and asks. `calls` change something, the decisive one last; `task` is that one's, empty
    where there is none. `effects`: what it does to machines when nothing disturbs it."""

    name: str
    kind: K
    ask: Callable[[Workshop], Operation]
    calls: tuple[str, ...]
    task: str = ""
    effects: dict[str, int] = field(default_factory=dict)
    grows: bool = False

    def __str__(self) -> str:
        return self.name


def _first_in_pool(shop: Workshop) -> None:
    Pool.objects.filter(pk=shop.cast.alices.pk).update(proxmox_poolid=None)
    shop.cast.alices.refresh_from_db()


def _template(shop: Workshop) -> Operation:
    _first_in_pool(shop)
    return shop.from_template(size=BIG)


def _iso(shop: Workshop) -> Operation:
    _first_in_pool(shop)
    return shop.from_iso(size=BIG)


def _copy(shop: Workshop) -> Operation:
    source = Bench(shop, name="db").row
    return shop.create(FromMachine(source.pk), "web-01", size=BIG)


def _power(kind: K, status: str) -> Callable[[Workshop], Operation]:
    return lambda shop: shop.ask(Bench(shop, status=status).row, kind)


def _hardware(kind: str) -> Callable[[Workshop], Operation]:
    def ask(shop: Workshop) -> Operation:
        bench = changes.rich(shop)
        changes.prepare(bench, kind)
        return changes.request(bench, kind)

    return ask


def _with_snapshot(shop: Workshop) -> Bench:
    bench = Bench(shop, status="running", memory_mib=1024)
    op = operations.request_snapshot(bench.row, name=NAME, with_memory=True, **bench.who)
    assert shop.work(op).state == "succeeded"
    return bench


def _snapshot(shop: Workshop) -> Operation:
    bench = Bench(shop, status="running", memory_mib=1024)
    return operations.request_snapshot(bench.row, name=NAME, with_memory=True, **bench.who)


def _roll_back(shop: Workshop) -> Operation:
    bench = _with_snapshot(shop)
    bench.shop.cluster.change(bench.vm.vmid or 0, status="stopped")
    bench.read()
    return operations.request_roll_back(bench.row, name=NAME, **bench.who)


def _drop_snapshot(shop: Workshop) -> Operation:
    bench = _with_snapshot(shop)
    return operations.request_drop_snapshot(bench.row, name=NAME, **bench.who)


def _move(shop: Workshop) -> Operation:
    bench = Bench(shop, status="running")
    return operations.request_move(bench.row, into=shop.cast.shared, **bench.who)


def _trash(shop: Workshop) -> Operation:
    bench = Bench(shop)
    return _request("trash")(bench.row, **bench.who)


def _restore(shop: Workshop) -> Operation:
    bench = Bench(shop)
    assert shop.work(_request("trash")(bench.row, **bench.who)).state == "succeeded"
    return _request("restore")(bench.row, **bench.who)


def _request(name: str) -> Callable[..., Operation]:
    found: Callable[..., Operation] = getattr(operations, f"request_{name}")
    return found


def _power_act(kind: K, status: str, task: str, *, grows: bool = False) -> Act:
    return Act(
        str(kind), kind, _power(kind, status), (f"POST /status/{kind}$",), task, {str(kind): 1}, grows=grows
    )  # fmt: skip


def _change_act(kind: str) -> Act:
    grows = kind in {"resize", "autostart", "add_disk"}
    return Act(kind, K(kind), _hardware(kind), (CONFIG,), "", {"configure": 1}, grows=grows)


SPECIAL: dict[str, Act] = {
    "grow_disk": Act(
        "grow_disk", K.GROW_DISK, _hardware("grow_disk"), (f"PUT {GUEST}/resize$",), "resize", {"resize": 1}, grows=True
    ),
    "apply": Act(
        "apply", K.APPLY, _hardware("apply"), ("POST /status/shutdown$", "POST /status/start$"), "qmstart",
        {"shutdown": 1, "start": 1}, grows=True,
    ),
}  # fmt: skip
CREATE = ("POST /pools$", "POST /clone$", CONFIG, f"PUT {GUEST}/resize$", "POST /status/start$")
_ALL: tuple[Act, ...] = (
    Act("template", K.CREATE, _template, CREATE, "qmstart",
        {"clone": 1, "configure": 2, "resize": 1, "start": 1}, grows=True),
    Act("iso", K.CREATE, _iso, ("POST /pools$", "POST /qemu$", "POST /status/start$"), "qmstart",
        {"create": 1, "start": 1}, grows=True),
    Act("copy", K.CREATE, _copy, CREATE[1:], "qmstart", {"clone": 1, "configure": 1, "resize": 1, "start": 1},
        grows=True),
    _power_act(K.START, "stopped", "qmstart", grows=True),
    _power_act(K.SHUTDOWN, "running", "qmshutdown"),
    _power_act(K.STOP, "running", "qmstop"),
    _power_act(K.REBOOT, "running", "qmreboot"),
    _power_act(K.RESET, "running", "qmreset"),
    _power_act(K.SUSPEND, "running", "qmpause"),
    _power_act(K.RESUME, "paused", "qmresume", grows=True),
    Act("delete", K.DELETE, _power(K.DELETE, "stopped"), (f"DELETE {GUEST}$",), "qmdestroy", {"destroy": 1}),
    *(SPECIAL.get(kind) or _change_act(kind) for kind in changes.CHANGES),
    Act("snapshot", K.SNAPSHOT, _snapshot, ("POST /snapshot$",), "qmsnapshot", {"snapshot": 1}, grows=True),
    Act("roll_back", K.ROLL_BACK, _roll_back, ("POST /rollback$",), "qmrollback", {"rollback": 1}, grows=True),
    Act("drop_snapshot", K.DROP_SNAPSHOT, _drop_snapshot, (f"DELETE /snapshot/{NAME}$",), "qmdelsnapshot",
        {"delsnapshot": 1}),
    Act("move", K.MOVE, _move, ("PUT /pools$",), "", {}, grows=True),
    Act("trash", K.TRASH, _trash, (), "", {}),
    Act("restore", K.RESTORE, _restore, (), "", {}, grows=True),
)  # fmt: skip
#: What the portal can do today.
ACTS: tuple[Act, ...] = tuple(act for act in _ALL if act.kind in KINDS)
GROWING: tuple[Act, ...] = tuple(act for act in ACTS if act.grows)


def named(name: str) -> Act:
    """The act of that name."""
    return next(act for act in _ALL if act.name == name)


def matching(call: str) -> dict[str, str]:
    """The stand-in's words for a call such as "POST /clone$"."""
    method, path_regex = call.split(" ")
    return {"method": method, "path_regex": path_regex}


def row_of(op: Operation) -> VirtualMachine:
    """The operation's machine as it is now."""
    return VirtualMachine.objects.get(pk=op.vm_id)


def details(op: Operation) -> tuple[Any, ...]:
    """What a failed comparison should show of it."""
    return op.kind, op.state, op.sentence, op.detail
