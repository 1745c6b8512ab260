"""U-02: every action meets every kind of answer of Proxmox, and ends in its own true sentence."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django import Settings

from accounts.models import Pool
from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import add_to_figure, scaled
from tests.unwatched import nth_try
from tests.vms.operations.acts import ACTS, CONFIG, Act, details, matching, named
from tests.vms.operations.changes import CHANGES
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation
from vms.operations import edits, words
from vms.states import OperationKind as K
from vms.states import OperationState as S

MAKING = {"template": "POST /clone$", "iso": "POST /qemu$", "copy": "POST /clone$"}
TASKS = {"template": "qmclone", "copy": "qmclone"}
#: Changes of settings walk one way; in tests a few of them stand for all, others each time.
OF_ONE_WAY = tuple(act for act in ACTS if act.name in CHANGES and act.name not in {"grow_disk", "add_disk", "apply"})
GONE = ("machine gone", "another machine there")
#: What is so after a start and after a resume alike.
RUNS, ANYTHING = "web-01 is running.", ""
SEED = random.randrange(10**6)


@dataclass(frozen=True)
class Answer:
    """`meet` puts it in place for an operation that was asked for. `happens`: what was asked takes place all the same.
    `lasts`: for longer than anybody waits. `fits` says of which acts it can be an answer.
    """

    name: str
    meet: Callable[[Workshop, Act, Operation], AbstractContextManager[object]]
    happens: bool = False
    lasts: bool = False
    fits: Callable[[Act], bool] = lambda act: True

    def __str__(self) -> str:
        return self.name


def decisive(act: Act) -> str:
    return MAKING.get(act.name, act.calls[-1])


def refuses(sentence: str, status: int = 500) -> Callable[[Workshop, Act, Operation], AbstractContextManager[object]]:
    return lambda shop, act, op: shop.cluster.fault(
        "error500", sentence=sentence, status=status, match=matching(decisive(act))
    )


def loses(kind: str) -> Callable[[Workshop, Act, Operation], AbstractContextManager[object]]:
    return lambda shop, act, op: shop.cluster.fault(kind, match=matching(decisive(act)), times=1)


def task(kind: str, exitstatus: str) -> Callable[[Workshop, Act, Operation], AbstractContextManager[object]]:
    return lambda shop, act, op: shop.cluster.fault(kind, type=TASKS.get(act.name, act.task), exitstatus=exitstatus)


def removes(shop: Workshop, act: Act, op: Operation) -> AbstractContextManager[object]:
    shop.cluster.destroy(_slot(shop, act, op))
    return nullcontext()


def replaces(shop: Workshop, act: Act, op: Operation) -> AbstractContextManager[object]:
    slot = _slot(shop, act, op)
    shop.cluster.destroy(slot)
    shop.cluster.guest(vmid=slot, name="another", node="pve1", pool="bob", status="running")
    return nullcontext()


def _slot(shop: Workshop, act: Act, op: Operation) -> int:
    """The machine meant: of a creation, what it is made from."""
    if act.kind != K.CREATE:
        return op.vm.vmid or 0
    return (
        9000
        if act.name == "template"
        else next(n for n, one in shop.cluster.all_guests().items() if one["name"] == "db")
    )


ANSWERS: tuple[Answer, ...] = (
    Answer("done", lambda shop, act, op: nullcontext(), happens=True),
    Answer("lost, and it happened", loses("lose_after"), happens=True),
    Answer("lost, and it did not", loses("lose_before"), happens=True),
    Answer("cut in the middle", loses("cut_mid_answer"), happens=True),
    Answer("locked", refuses("VM is locked (backup)"), lasts=True),
    Answer("no right", refuses("Permission check failed (/vms/100, VM.PowerMgmt)", 403)),
    Answer("no connection (595)", refuses("No route to host", 595), lasts=True),
    Answer("broken connection (596)", refuses("Connection timed out", 596)),
    Answer("no quorum", refuses("cluster not ready - no quorum?")),
    Answer("storage full", refuses("no space left on device")),
    Answer(
        "changed elsewhere",
        refuses("detected modified configuration - file changed by other user? Try again."),
        fits=lambda act: decisive(act) in {CONFIG, named("grow_disk").calls[0]},
    ),
    Answer(
        "task failed", task("task_fails", "MAX 2 vcpus allowed per VM on this node"), fits=lambda act: bool(act.task)
    ),
    Answer("task with warnings", task("task_ends", "WARNINGS: 1"), happens=True, fits=lambda act: bool(act.task)),
    Answer("machine gone", removes, fits=lambda act: act.name != "iso"),
    Answer("another machine there", replaces, fits=lambda act: act.name != "iso"),
)


def chosen() -> tuple[Act, ...]:
    """All acts; in tests four of those of one way."""
    some = set(random.Random(SEED).sample([act.name for act in OF_ONE_WAY], scaled(4, len(OF_ONE_WAY))))
    return tuple(act for act in ACTS if act.calls and (act not in OF_ONE_WAY or act.name in some))


@contextmanager
def fresh(cluster: DevCluster) -> Iterator[Workshop]:
    """Everything as at the beginning; the database forgets afterwards."""
    cluster.reset()
    with transaction.atomic():
        yield Workshop(make_cast(), cluster)
        transaction.set_rollback(True)


@pytest.fixture
def place(db: None, devcluster: DevCluster, settings: Settings) -> DevCluster:
    for name, value in {
        **devcluster.settings(),
        **SHORT,
        "OPERATION_PATIENCE_S": 0,
        "OPERATION_UNCERTAIN_S": 0,
    }.items():
        setattr(settings, name, value)
    return devcluster


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_each_action_ends_in_its_own_true_sentence_whatever_is_answered(place: DevCluster) -> None:
    ends: dict[tuple[str, str], str] = {}
    wrong: list[object] = []
    false = Counter[str]()
    for act in chosen():
        for answer in ANSWERS:
            if answer.fits(act):
                with nth_try(len(ends)), fresh(place) as shop:
                    op, happened, lies = meet(shop, act, answer)
                ends[act.name, answer.name] = op.sentence
                false["success"] += op.state == S.SUCCEEDED and not happened
                false["failure"] += op.state == S.FAILED and happened
                wrong += [(act.name, answer.name, op.state, op.sentence, op.detail, lie) for lie in lies]
    alike = shared(ends)
    add_to_figure(
        "U-02", cells=len(ends), actions=len(chosen()), false_success=false["success"], false_failure=false["failure"],
        shared_sentences=len(alike), seed=SEED,
    )  # fmt: skip
    assert not wrong + alike, "\n".join(map(str, wrong + alike))
    assert len(ends) >= 180
    assert len(chosen()) >= 18


def meet(shop: Workshop, act: Act, answer: Answer) -> tuple[Operation, bool, list[str]]:
    """Asks, answers like that, works until it rests: how it ended, whether it happened, and what is not true."""
    op = act.ask(shop)
    Pool.objects.filter(pk=shop.cast.alices.pk).update(proxmox_poolid="alice")  # tried by itself elsewhere
    before = Counter(one["verb"] for one in shop.cluster.effects())
    with answer.meet(shop, act, op), override_settings(OPERATION_UNCERTAIN_S=0 if answer.lasts else 3600):
        meddled = Counter(one["verb"] for one in shop.cluster.effects())
        op = shop.work(op)
        done = Counter(one["verb"] for one in shop.cluster.effects())
    done.subtract(meddled or before)
    happened = has_happened(shop, act, op, done)
    lies = [] if op.is_at_rest and op.code and op.sentence else ["no end, no sentence or no code"]
    if op.state in {S.SUCCEEDED, S.FAILED} and (op.state == S.SUCCEEDED) != happened:
        lies.append(f"it says {op.state}, and it {'happened' if happened else 'did not happen'}")
    if answer.happens != happened and not is_gone_as_wished(act, answer):
        lies.append(f"{dict(done)} although {answer}")
    if words.NOTHING in op.sentence and +done:
        lies.append(f"it says that nothing was changed, but {dict(+done)}")
    if answer.name != "another machine there":
        lies += count_again(shop) if answer.name != "machine gone" else []
    elif done["destroy"] or not any(
        one["name"] == "another" for one in shop.made() + list(shop.cluster.all_guests().values())
    ):
        lies.append("another machine was touched")
    return op, happened, lies


def count_again(shop: Workshop) -> list[str]:
    """What the rows count otherwise than the cluster has."""
    try:
        return shop.audit()
    except AssertionError as stuck:
        return [f"something never ends: {stuck}", *(str(details(op)) for op in Operation.objects.in_flight())]


def has_happened(shop: Workshop, act: Act, op: Operation, done: Counter[str]) -> bool:
    """By what the cluster shows."""
    guests = shop.cluster.all_guests()
    if act.kind == K.MOVE:
        guest = guests.get(op.vm.vmid or 0)
        return guest is not None and guest["pool"] == "ctf" and guest["uuid"] == str(op.vm.smbios_uuid)
    if act.kind == K.DELETE:
        return all(one["uuid"] != str(op.vm.smbios_uuid) for one in guests.values())
    return all(done[verb] == count for verb, count in act.effects.items())


def is_gone_as_wished(act: Act, answer: Answer) -> bool:
    """A machine that is gone is what a deletion wished."""
    return act.kind == K.DELETE and answer.name in GONE


def shared(ends: dict[tuple[str, str], str]) -> list[object]:
    """Sentences that two cells share although they have different things to say."""
    ways = {answer.name for answer in ANSWERS if answer.happens and answer.name != "task with warnings"}
    found: dict[str, tuple[str, str]] = {}
    alike: list[object] = []
    for (act, answer), sentence in ends.items():
        what = "done" if answer in ways or is_gone(act, answer) else answer
        what = "machine gone" if answer in GONE and named(act).kind == K.CREATE else what
        said = (ANYTHING if sentence.startswith(RUNS) else named(act).kind, what)
        if found.setdefault(plain(sentence), said) != said:
            alike.append((sentence, found[plain(sentence)], said))
    return alike


def is_gone(act: str, answer: str) -> bool:
    return act == "delete" and answer in GONE


def plain(sentence: str) -> str:
    """Without the operation's code."""
    return re.sub(r"OP-\w+", "OP", sentence)


@pytest.mark.slow
def test_a_sentence_that_is_not_true_is_found(place: DevCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a change that never looks at what it finds says that it was done."""
    monkeypatch.setattr(edits.Edit, "send", lambda *_: None)
    with fresh(place) as shop:
        _op, happened, lies = meet(shop, named("agent"), ANSWERS[0])
    assert not happened
    assert lies[0] == "it says succeeded, and it did not happen"
