"""R-08: answers lost at every cut point of every action. Nothing happens twice, nothing is lost, no word is false."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts.models import Pool
from quotas.footprint import Footprint
from quotas.usage import figures
from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import figure, scaled
from tests.unwatched import nth_try
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation
from vms.operations import Size
from vms.operations.power import POWER, PowerStep
from vms.operations.steps import DidNotHappen
from vms.states import Lifecycle, OperationKind, OperationState, Power

SENT_KINDS = ("lose_before", "lose_after", "cut_mid_answer")
READ_KINDS = ("lose_before", "cut_mid_answer")
BIG = Size(cores=2, memory_mib=1024, disk_gib=3)
GUEST = r"/qemu/\d+"
SENT: dict[str, tuple[str, ...]] = {
    "template": ("POST /pools$", "POST /clone$", f"PUT {GUEST}/config$", f"PUT {GUEST}/resize$", "POST /start$"),
    "iso": ("POST /pools$", "POST /qemu$", "POST /start$"),
    **{str(kind): (f"POST /status/{kind}$",) for kind in POWER},
    "delete": (f"DELETE {GUEST}$",),
}
READ = ("GET /tasks/.*/status$", "GET /pending$", "GET /pools$", "GET /status/current$")
BEFORE = {"start": "stopped", "resume": "paused", "delete": "stopped"}
AFTER = {"start": "running", "resume": "running", "suspend": "paused", "shutdown": "stopped", "stop": "stopped"}
#: What a whole, undisturbed action does to machines.
EFFECTS: dict[str, dict[str, int]] = {
    "template": {"clone": 1, "configure": 2, "resize": 1, "start": 1},
    "iso": {"create": 1, "start": 1},
    "delete": {"destroy": 1},
}


@dataclass(frozen=True)
class Cut:
    """One lost answer: of which action, at which call, how, and how many times in a row."""

    action: str
    call: str
    kind: str
    times: int

    @property
    def match(self) -> dict[str, str]:
        """The stand-in's words for the call."""
        method, path_regex = self.call.split(" ")
        return {"method": method, "path_regex": path_regex}


def cuts(action: str) -> list[Cut]:
    """Every call of an action, cut in every way, up to three times in a row."""
    often = range(1, scaled(3, 5) + 1)
    sent = [Cut(action, call, kind, times) for call in SENT[action] for kind in SENT_KINDS for times in often]
    return sent + [Cut(action, call, kind, 2) for call in READ for kind in READ_KINDS]


GROUPS = {
    "template": ("template",),
    "iso": ("iso",),
    "power": tuple(str(kind) for kind in POWER),
    "delete": ("delete",),
}
CUTS = {group: [cut for action in actions for cut in cuts(action)] for group, actions in GROUPS.items()}


@dataclass
class Tally:
    """What was found; each entry names the cut."""

    duplicates: list[object] = field(default_factory=list)
    lost: list[object] = field(default_factory=list)
    false: list[object] = field(default_factory=list)


@pytest.mark.slow
@pytest.mark.parametrize("group", list(GROUPS))
def test_a_lost_answer_is_found_out_and_never_repeated_blindly(
    db: None, devcluster: DevCluster, settings: Settings, group: str
) -> None:
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    tally = Tally()
    for number, cut in enumerate(CUTS[group]):
        with nth_try(number), fresh(devcluster) as shop:
            attempt(shop, cut, tally)

    print_figure(group, tally)
    assert (tally.duplicates, tally.lost, tally.false) == ([], [], [])


def print_figure(group: str, tally: Tally) -> None:
    tried = len(CUTS[group])
    found = ("duplicates", len(tally.duplicates), "lost", len(tally.lost), "false words", len(tally.false))
    figure("R-08", group, "faults", tried, *found)


def test_the_cuts_are_as_many_as_demanded() -> None:
    assert sum(len(tried) for tried in CUTS.values()) >= 200


@contextmanager
def fresh(cluster: DevCluster) -> Iterator[Workshop]:
    """Everything as at the beginning; the database forgets afterwards."""
    cluster.reset()
    with transaction.atomic():
        yield Workshop(make_cast(), cluster)
        transaction.set_rollback(True)


def attempt(shop: Workshop, cut: Cut, tally: Tally) -> None:
    """Asks for the action with the fault in place, works until it rests, and compares with the cluster."""
    op = ask(shop, cut.action)
    before = Counter(one["verb"] for one in shop.cluster.effects())
    with shop.cluster.fault(cut.kind, match=cut.match, times=cut.times):
        words = watch_words(shop, op)
        op = shop.work(op)
    done = Counter(one["verb"] for one in shop.cluster.effects())
    done.subtract(before)
    wanted = EFFECTS.get(cut.action, {cut.action: 1})
    if any(count > wanted.get(verb, 0) for verb, count in done.items()) or len(shop.made()) > 1:
        tally.duplicates.append((cut, dict(done)))
    if op.state != OperationState.SUCCEEDED or any(done[verb] < count for verb, count in wanted.items()):
        tally.lost.append((cut, op.state, op.sentence, op.detail, dict(done)))
    if lies := [lie for lie in (*words, *final_lies(shop, cut, op)) if lie]:
        tally.false.append((cut, lies))


def ask(shop: Workshop, action: str) -> Operation:
    """The request of an action; a creation is the first in its pool."""
    if action in {"template", "iso"}:
        Pool.objects.filter(pk=shop.cast.alices.pk).update(proxmox_poolid=None)
        shop.cast.alices.refresh_from_db()
        make: Callable[..., Operation] = shop.from_template if action == "template" else shop.from_iso
        return make(size=BIG)
    return shop.ask(shop.machine(status=BEFORE.get(action, "running")), OperationKind(action))


def watch_words(shop: Workshop, op: Operation) -> list[str]:
    """One step of work at a time at first: what is said while it is not known yet."""
    lies = []
    for _ in range(4):
        op = shop.work(op, rounds=1)
        if op.state == OperationState.UNCERTAIN and not op.sentence.startswith("We do not know yet"):
            lies.append(f"uncertain, and says {op.sentence!r}")
        if op.state in {OperationState.QUEUED, OperationState.SUBMITTED} and "was" in op.sentence.split():
            lies.append(f"under way, and says {op.sentence!r}")
    return lies


def final_lies(shop: Workshop, cut: Cut, op: Operation) -> list[str]:
    """What the end says against what the cluster shows."""
    guests = shop.made()
    lies = []
    if op.state != OperationState.SUCCEEDED:
        return (
            ["an end that changed something says that nothing was"] if "Nothing was" in op.sentence and guests else []
        )
    if cut.action == "delete":
        return [] if (not guests, op.vm.lifecycle) == (True, Lifecycle.GONE) else ["deleted, but there"]
    (guest,) = guests
    if Power(guest["status"]) != op.vm.power or str(op.vm.smbios_uuid) != guest["uuid"]:
        lies.append("the row is not the machine")
    if cut.action in AFTER and guest["status"] != AFTER[cut.action]:
        lies.append(f"{op.sentence!r}, but it is {guest['status']}")
    if cut.action in {"template", "iso"}:
        lies += creation_lies(shop, op, guest)
    return lies


def creation_lies(shop: Workshop, op: Operation, guest: dict[str, Any]) -> list[str]:
    """Size, pool and room of what was created."""
    found = (
        guest["config"]["cores"],
        guest["config"]["memory"],
        "size=3G" in guest["config"]["scsi0"],
        guest["status"],
    )
    pool = Pool.objects.get(pk=op.pool_id)
    lies = [] if found == ("2", "1024", True, "running") else [f"made as {found}"]
    if guest["pool"] != pool.proxmox_poolid:
        lies.append("in another pool")
    if figures(pool).used != Footprint(cores=2, memory_mib=1024, disk_gib=3, vms=1):
        lies.append(f"counted as {figures(pool).used}")
    return lies


def test_the_tally_sees_a_blind_repeat(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with the looking taken away, the same cut asks for a second reboot, and that is noticed.

    Where the first is still under way then, Proxmox refuses the second: what is told is wrong all the same.
    """
    monkeypatch.setattr(PowerStep, "look", lambda *_: DidNotHappen(is_safe=True))
    tally = Tally()

    attempt(shop, Cut("reboot", "POST /status/reboot$", "lose_after", 1), tally)

    assert len(tally.duplicates) + len(tally.lost) == 1


def test_silence_is_not_believed_before_the_cluster_s_own_time_out(shop: Workshop, settings: Settings) -> None:
    settings.OPERATION_RECONCILE_QUIET_S = 3600
    op = shop.ask(shop.machine(), OperationKind.START)

    with shop.cluster.fault("lose_before", match={"method": "POST", "path_regex": "/start$"}, times=1):
        op = shop.work(op, rounds=3)

    assert op.state == OperationState.UNCERTAIN
    assert op.sentence == (
        "We do not know yet whether web-01 was started. The connection broke after we asked. "
        "We are checking; this page will tell."
    )
    assert shop.cluster.requests().get("POST /nodes/{node}/qemu/{vmid}/status/start", 0) <= 1


def test_what_cannot_be_found_out_is_given_to_an_rtp_with_its_room_still_held(
    shop: Workshop, settings: Settings
) -> None:
    settings.OPERATION_UNCERTAIN_S = 0
    op = shop.ask(shop.machine(), OperationKind.START)

    with (
        shop.cluster.fault("lose_after", match={"path_regex": "/start$"}),
        shop.cluster.fault("lose_before", match={"method": "GET", "path_regex": "/tasks$"}),
    ):
        op = shop.work(op)

    assert op.state == OperationState.NEEDS_RTP
    assert op.code in op.sentence
    assert figures(shop.cast.alices).held.cores == 1
