"""R-02: any order of requests, ends, limits and members leaves what the book says, and nothing else."""

import logging
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import settings as trying
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pytest_django import Settings

from accounts import pools as pool_acts
from accounts.models import DirectoryGroup, DirectoryMembership, Pool, PoolMembership, User
from quotas import allowances, models, reservations
from quotas.allowances import Numbers
from quotas.errors import UNLIMITED, QuotaExceeded
from quotas.limits import limits_of
from quotas.models import Reservation
from quotas.states import ReservationState
from quotas.usage import figures
from tests.cast import make_cast
from tests.factories import make_iso, make_node, make_vm
from tests.figures import figure, scaled
from tests.quotas import deeds
from tests.quotas.book import NO_LIMIT, NONE, PARTS, Allowance, Amount, Book, Machine, Op, Policy, growth
from tests.quotas.deeds import ALL, KNOWN, TAKE_NOTHING, Deed
from tests.quotas.told import Told, uuid_of, vmid_of
from tests.unwatched import unwatched
from vms.mirror import apply
from vms.mirror.columns import config_columns
from vms.models import Operation, Storage, VirtualMachine
from vms.operations import FromIso, Refusal, Size, base, follow, power, request_create, rights, settle
from vms.operations.kinds import KINDS
from vms.operations.steps import Broken
from vms.states import OperationKind, OperationState
from vms.states import OperationKind as K
from vms.usage import usages_of

RUNS, STEPS = scaled(50, 2000), 50
#: A run may stop a step or two early.
MOST_STEPS = STEPS + 3
POOLS = ("alice", "bob", "ctf")
PEOPLE = ("alice", "bob", "carol", "rita")
POWER = (K.START, K.RESUME, K.SHUTDOWN, K.STOP, K.SUSPEND, K.START)
SIZES = (K.RESIZE, K.AUTOSTART, K.UNDO, K.APPLY)
DISKS = (K.ADD_DISK, K.GROW_DISK, K.DETACH_DISK, K.DROP_DISK)
KEPT = (K.SNAPSHOT, K.ROLL_BACK, K.DROP_SNAPSHOT)
PLACES = (K.MOVE, K.TRASH, K.RESTORE, K.DELETE)
met: Counter[str] = Counter()

#: "whoever may": as a rule people ask for what they may have.
people = st.sampled_from((*["whoever may"] * 6, *PEOPLE))
pools = st.sampled_from(POOLS)
few = st.integers(1, 4)


def one_of(kinds: tuple[K, ...]) -> st.SearchStrategy[K]:
    """Those of them that the portal can do."""
    return st.sampled_from([kind for kind in kinds if kind in KNOWN] or [K.START])


#: How something under way ends. "late": it was done, and failed afterwards.
ends = st.sampled_from(("done", "done", "done", "failed", "late", "asked", "swept", "settled", "waits", "waits"))


class Portal(RuleBasedStateMachine):
    """The portal's rows on one side, the book on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.around = transaction.atomic()
        self.around.__enter__()
        try:
            self.begin()
        except BaseException:
            self.teardown()
            raise

    def begin(self) -> None:
        """People, pools, limits, and five machines that have been there for long."""
        cast = make_cast()
        self.users: dict[str, User] = {name: getattr(cast, name) for name in PEOPLE}
        self.pools: dict[str, Pool] = {"alice": cast.alices, "bob": cast.bobs, "ctf": cast.shared}
        self.iso = make_iso(node="", volid="shared:iso/small-linux.iso")
        Storage.objects.create(node=make_node(), name="shared", is_shared=True, content="images")
        self.group = DirectoryGroup.objects.create(name="seniors", seen_at=timezone.now())
        self.book = Book(
            {"default": Policy(3, 4096, 14, 4), "seniors": Policy(5, 5120, 20), "ctf-own": Policy(4, 4096, 16)},
            {("ctf", "alice"): "manager", ("ctf", "carol"): "operator"},
        )
        for name, numbers in self.book.policies.items():
            row = models.Policy.objects.create(name=name, is_default=name == "default", **vars(numbers))
            if name == "seniors":
                row.groups.add(self.group)
            if name == "ctf-own":
                row.pools.add(cast.shared)
        self.told = Told(self.book).as_cluster()
        for n, pool in enumerate((*POOLS, "alice", "ctf")):
            self.begin_with(pool, "running" if n % 2 else "stopped")

    def begin_with(self, pool: str, power: str) -> None:
        """A machine that has been there for long."""
        machine = Machine(0, pool, 1, 1024, {"scsi0": 3}, power, is_there=True)
        row = make_vm(self.pools[pool], power=power, disk_gib=3)
        machine.pk = row.pk
        VirtualMachine.objects.filter(pk=row.pk).update(smbios_uuid=uuid_of(machine), vmid=vmid_of(machine))
        self.book.machines.append(machine)
        config = self.told.guest_config("pve1", vmid_of(machine))
        with transaction.atomic():
            apply.apply_guest(VirtualMachine.objects.get(pk=row.pk), config, None, timezone.now())

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)

    # --- what people ask for ---

    @rule(who=people, pool=pools, cores=few, memory_gib=few, disk_gib=st.integers(1, 8), end=ends)
    def create(self, *, who: str, pool: str, cores: int, memory_gib: int, disk_gib: int, end: str) -> None:
        who = self.meant(who, pool)
        fresh = Machine(0, pool, cores, memory_gib * 1024, {"scsi0": disk_gib})
        asked = fresh.takes(always=True)
        why = set() if self.book.may(who, pool, "manager") else {"no right"}
        if not why:
            why |= {"too large"} if deeds.refuses_size(self.book, pool, None, fresh) else set()
            why |= set() if self.book.fits(pool, asked) else {"no room"}
        wanted: dict[str, Any] = {
            "pool": self.pools[pool], "name": f"m{uuid.uuid4().hex[:8]}", "source": FromIso(self.iso.pk),
            "size": Size(cores, memory_gib * 1024, disk_gib),
        }  # fmt: skip
        op = self.expect("create", why, lambda: request_create(**wanted, **self.who(who)))
        if op is not None:
            fresh.pk = op.vm_id
            VirtualMachine.objects.filter(pk=op.vm_id).update(smbios_uuid=uuid_of(fresh), vmid=vmid_of(fresh))
            self.book.machines.append(fresh)
            fresh.op = Op(op.pk, "create", {}, who, pool, asked)
            self.bring_to(end, fresh)

    @rule(kind=one_of(POWER), who=people, nth=st.integers(0, 30), end=ends)
    def change_power(self, *, kind: OperationKind, who: str, nth: int, end: str) -> None:
        self.ask(kind, who, nth, {}, end)

    @rule(kind=one_of(POWER), nth=st.integers(0, 30))
    def change_power_at_once(self, *, kind: OperationKind, nth: int) -> None:
        self.ask(kind, "whoever may", nth, {}, "done")

    @rule(kind=one_of(SIZES), who=people, nth=st.integers(0, 30), cores=few, memory_gib=few, on=st.booleans(), end=ends)
    def change_size(
        self, *, kind: OperationKind, who: str, nth: int, cores: int, memory_gib: int, on: bool, end: str
    ) -> None:
        self.ask(kind, who, nth, {"cores": cores, "memory_mib": memory_gib * 1024, "on": on}, end)

    @rule(kind=one_of(DISKS), who=people, nth=st.integers(0, 30), n=st.integers(0, 1), size=st.integers(1, 8), end=ends)
    def change_disks(self, *, kind: OperationKind, who: str, nth: int, n: int, size: int, end: str) -> None:
        self.ask(kind, who, nth, {"slot": f"scsi{n}", "unused": f"unused{n}", "size_gib": size}, end)

    @rule(kind=one_of(KEPT), who=people, nth=st.integers(0, 30), n=st.integers(0, 1), memory=st.booleans(), end=ends)
    def change_snapshots(self, *, kind: OperationKind, who: str, nth: int, n: int, memory: bool, end: str) -> None:
        self.ask(kind, who, nth, {"name": ("s-one", "s-two")[n], "with_memory": memory}, end)

    @rule(kind=one_of(PLACES), who=people, nth=st.integers(0, 30), into=pools, end=ends)
    def change_place(self, *, kind: OperationKind, who: str, nth: int, into: str, end: str) -> None:
        self.ask(kind, who, nth, {"into": into}, end)

    def ask(self, kind: OperationKind, who: str, nth: int, wish: deeds.Wish, end: str) -> None:
        fit = lambda one: one.is_there and one.op is None and not ALL[kind].stops(one, wish)  # noqa: E731
        machine = self.nth(nth, fit if who == "whoever may" else None)
        if machine is None:
            return
        who = self.meant(who, machine.pool)
        why, holds, into = self.judge(ALL[kind], kind, who, machine, wish)
        vm = VirtualMachine.objects.select_related("pool").get(pk=machine.pk)
        op = self.expect(kind, why, lambda: ALL[kind].ask(vm, wish, self.who(who)))
        if op is not None:
            machine.op = Op(op.pk, str(kind), wish, who, into, holds)
            self.bring_to(end, machine)

    def judge(
        self, deed: Deed, kind: OperationKind, who: str, machine: Machine, wish: deeds.Wish
    ) -> tuple[set[str], Amount, str]:
        """Why it has to be refused (nothing: it has to be accepted), what it holds, and in which pool."""
        into = str(wish["into"]) if kind == OperationKind.MOVE else machine.pool
        if not (self.book.may(who, machine.pool, deed.needs) and self.book.may(who, into, deed.needs)):
            return {"no right"}, NONE, into
        if machine.op or not machine.is_there or deed.stops(machine, wish):
            return {"state", "too large", "no room"}, NONE, into
        if not deed.grows:
            return set(), NONE, into
        always, after = self.book.counts_always(into), deed.after(machine, wish)
        before = None if kind == OperationKind.MOVE else machine
        holds = growth(before.takes(always=always) if before else NONE, after.takes(always=always))
        why = {"too large"} if deeds.refuses_size(self.book, into, before, after) else set()
        return why | (set() if self.book.fits(into, holds) else {"no room"}), holds, into

    def expect(self, kind: str, why: set[str], ask: Callable[[], Operation]) -> Operation | None:
        """Asks, and compares what comes with what has to come."""
        try:
            op, got = ask(), ""
        except PermissionDenied:
            op, got = None, "no right"
        except QuotaExceeded:
            op, got = None, "no room"
        except Refusal as error:
            op, got = None, "too large" if error.sentence.startswith("One VM may have") else "state"
        met[got or "accepted"] += 1
        met[f"{kind} {got or 'accepted'}"] += 1
        assert got in (why or {""}), f"{kind}: came {got or 'accepted'}, has to be {why or 'accepted'}"
        return op

    # --- how it ends ---

    @rule(nth=st.integers(0, 30), end=ends)
    def end(self, nth: int, end: str) -> None:
        machine = self.nth(nth, lambda one: one.op is not None)
        if machine is not None and machine.op is not None:
            self.bring_to(end, machine)

    def bring_to(self, end: str, machine: Machine) -> None:
        """Lets what is under way with the machine end like that, or wait."""
        op = machine.op
        assert op is not None
        met[f"{op.kind} {end}"] += 1
        match end:
            case "waits":
                return
            case "swept":
                self.sweep(op)
            case "settled" if op.kind != "create":
                self.give_to_rtp(op, machine, is_done=op.pk % 2 == 0)
            case _:
                self.work(end, op, machine)

    def sweep(self, op: Op) -> None:
        """Its worker died long ago; nothing had been sent. What is overdue is not given back while it is needed."""
        assert base.claim(op.pk, from_states=frozenset({OperationState.QUEUED}))
        Operation.objects.filter(pk=op.pk).update(lease_until=timezone.now() - timedelta(hours=1))
        follow.sweep(timezone.now() + timedelta(days=30))

    def give_to_rtp(self, op: Op, machine: Machine, *, is_done: bool) -> None:
        """It could not be found out; the room stays held until rita says what she saw."""
        claimed = base.claim(op.pk, from_states=frozenset({OperationState.QUEUED}))
        assert claimed is not None
        base.move(claimed, OperationState.NEEDS_RTP, sentence="")
        self.check()
        (settle.adopt if is_done else settle.mark_not_done)(claimed, self.users["rita"])
        if is_done:
            self.does(op, machine)
        fresh = base.load(op.pk)
        assert fresh is not None
        settle.carry_out(fresh, self.told)
        self.after_end(machine)

    def work(self, end: str, op: Op, machine: Machine) -> None:
        """What a worker writes at the end; the cluster did what the book says."""
        claimed = base.claim(op.pk, from_states=frozenset({OperationState.QUEUED}))
        assert claimed is not None
        if op.kind == K.ADD_DISK:
            base.write(claimed, wish={**claimed.wish, "slot": "scsi9"})  # its step chooses one
        verb = KINDS[OperationKind(op.kind)]
        may = self.book.may(op.by, op.pool, "manager" if op.kind == "create" else ALL[OperationKind(op.kind)].needs)
        assert rights.still_allowed(claimed) == (may and self.still_may(op, machine))
        if end == "failed" or not rights.still_allowed(claimed):
            verb.fail(claimed, self.told, Broken("It broke."))
        elif end == "late" and op.kind not in {"create", "delete", "move", "trash", "restore"}:
            self.does(op, machine)
            verb.fail(claimed, self.told, Broken("It broke."))
        else:
            self.does(op, machine)
            verb.succeed(claimed, self.told)
        self.after_end(machine)

    def still_may(self, op: Op, machine: Machine) -> bool:
        """The right in the pool the machine is in now."""
        return op.kind == "create" or self.book.may(op.by, machine.pool, ALL[OperationKind(op.kind)].needs)

    def does(self, op: Op, machine: Machine) -> None:
        if op.kind == "create":
            machine.is_there = True
        else:
            ALL[OperationKind(op.kind)].does(machine, op.wish)

    def after_end(self, machine: Machine) -> None:
        machine.op = None
        if not machine.is_there:
            self.book.machines.remove(machine)

    # --- limits and members ---

    @rule(
        name=st.sampled_from(("default", "seniors", "ctf-own")), cores=st.integers(0, 8),
        memory_gib=st.integers(0, 8), disk_gib=st.sampled_from((0, 10, 20, 30)),
        vms=st.sampled_from((None, 8, 4, 2)), always=st.booleans(), cap=st.sampled_from((None, None, 4, 3)),
    )  # fmt: skip
    def edit_policy(
        self, *, name: str, cores: int, memory_gib: int, disk_gib: int, vms: int | None, always: bool, cap: int | None
    ) -> None:
        numbers = Policy(
            cores or None, memory_gib * 1024 or None, disk_gib or None, vms, always,
            cap, cap * 4 if cap else None, cap - 2 if cap else None,
        )  # fmt: skip
        self.book.policies[name] = numbers
        models.Policy.objects.filter(name=name).update(**vars(numbers))
        self.check_limits()

    @rule(
        pool=pools, cores=st.one_of(st.none(), st.integers(0, 8)), disk_gib=st.integers(0, 40),
        days=st.one_of(st.none(), st.integers(0, 3)),
    )  # fmt: skip
    def allow(self, *, pool: str, cores: int | None, disk_gib: int, days: int | None) -> None:
        until = timezone.localdate() + timedelta(days=days) if days is not None else None
        numbers = Numbers(cores=cores, disk_gib=disk_gib)
        made = allowances.give(self.pools[pool], numbers, reason="tried", until=until, by=self.users["rita"])
        parts = {"disk_gib": disk_gib} | ({"cores": cores} if cores is not None else {})
        self.book.allowances.append(Allowance(made.pk, pool, parts, days))
        self.check_limits()

    @rule(nth=st.integers(0, 10))
    def end_allowance(self, nth: int) -> None:
        if self.book.allowances:
            one = self.book.allowances[nth % len(self.book.allowances)]
            row = models.Allowance.objects.get(pk=one.pk)
            assert allowances.end(row, by=self.users["rita"]) != one.is_ended
            one.is_ended = True
            self.check_limits()

    @rule(passes=st.booleans())
    def a_day_passes(self, *, passes: bool) -> None:
        if not passes:
            self.join_or_leave_the_seniors()
            return
        for one in self.book.allowances:
            if one.days_left is not None:
                one.days_left -= 1
                until = timezone.localdate() + timedelta(days=one.days_left)
                models.Allowance.objects.filter(pk=one.pk).update(until=until)
        self.check_limits()

    @rule(who=st.sampled_from(("alice", "bob", "carol")), role=st.sampled_from(("viewer", "operator", "manager")))
    def take_in(self, who: str, role: str) -> None:
        PoolMembership.objects.update_or_create(
            pool=self.pools["ctf"], user=self.users[who], defaults={"role": role}
        )  # fmt: skip
        self.book.roles["ctf", who] = role

    @rule(who=st.sampled_from(("alice", "bob", "carol")))
    def leave(self, who: str) -> None:
        was = self.book.roles.pop(("ctf", who), None)
        assert pool_acts.remove_member(self.pools["ctf"], self.users[who], by=None) == (was is not None)

    def join_or_leave_the_seniors(self) -> None:
        self.book.has_senior = not self.book.has_senior
        if self.book.has_senior:
            DirectoryMembership.objects.create(user=self.users["alice"], group=self.group)
        else:
            DirectoryMembership.objects.all().delete()
        self.check_limits()

    # --- what has to hold ---

    @invariant()
    def check(self) -> None:
        """What machines take, both ways, and what is held."""
        met["steps"] += 1
        used = usages_of(pool.pk for pool in self.pools.values())
        open_ones = Reservation.objects.filter(state=ReservationState.HELD).values_list("pool_id", *PARTS)
        for name, pool in self.pools.items():
            assert parts(used[pool.pk].running) == self.book.used(name, always=False), f"running in {name}"
            assert parts(used[pool.pk].always) == self.book.used(name, always=True), f"all of {name}"
            held = [row[1:] for row in open_ones if row[0] == pool.pk]
            assert (tuple(map(sum, zip(*held, strict=True))) or NONE) == self.book.held(name), f"held in {name}"

    def check_limits(self) -> None:
        """What holds now, asked for all pools at once; the refusals ask for one."""
        limits = limits_of(self.pools.values())
        for name, pool in self.pools.items():
            found = figures(pool)
            assert parts(limits[pool.pk].footprint) == parts(found.limit) == self.book.limit(name), f"limit of {name}"
            assert limits[pool.pk].counts_always == self.book.counts_always(name), f"what counts in {name}"
            free = [most - used for most, used in zip(self.book.limit(name), self.book.taken(name), strict=True)]
            assert list(parts(found.free)) == free, f"free in {name}"

    # --- helpers ---

    def meant(self, who: str, pool: str) -> str:
        """Who asks in this pool."""
        if who != "whoever may":
            return who
        return next((one for one in ("alice", "bob", "carol") if self.book.may(one, pool, "manager")), "rita")

    def nth(self, n: int, fit: Callable[[Machine], bool] | None) -> Machine | None:
        """One of those that fit, or of all where none does."""
        chosen = [one for one in self.book.machines if fit is None or fit(one)] or self.book.machines
        return chosen[n % len(chosen)] if chosen else None

    def who(self, name: str) -> dict[str, Any]:
        return {"by": self.users[name], "address": "192.0.2.7", "key": uuid.uuid4().hex}


def parts(found: Any) -> Amount:
    """A footprint as the book writes it."""
    assert UNLIMITED == NO_LIMIT
    return (found.cores, found.memory_mib, found.disk_gib, found.vms)


def try_all(runs: int, **how: Any) -> None:
    run_state_machine_as_test(
        Portal,
        settings=trying(
            max_examples=runs, stateful_step_count=MOST_STEPS, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=False, **how,
        ),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def place(db: None, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "vms.operations.follow")  # it names every dead worker
    settings.PROXMOX_VM_STORAGE = "shared"
    met.clear()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_what_is_counted_is_what_the_book_says() -> None:
    with unwatched():  # the control below is watched
        try_all(RUNS)
        while met["steps"] < RUNS * STEPS:  # Hypothesis ends runs early that drew very much
            try_all(RUNS // 10, derandomize=False)

    figure("R-02", "runs", RUNS, "steps", met["steps"], "accepted", met["accepted"], "refused for room", met["no room"],
           "kinds", len(KNOWN) + 1, "differences", 0)  # fmt: skip
    assert met["steps"] >= RUNS * STEPS
    assert met["accepted"] > RUNS * 2
    assert met["no room"] > RUNS // 5


def test_every_kind_is_in_the_book_or_takes_nothing() -> None:
    unknown = set(KINDS) - set(ALL) - TAKE_NOTHING - {OperationKind.CREATE}
    assert not unknown, f"tests/quotas/deeds.py has to say what {sorted(unknown)} take of a limit"


def forget_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that holds nothing."""
    monkeypatch.setattr(power, "counted_after", lambda vm, kind: None)


def keep_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room that a failure does not give back."""
    monkeypatch.setattr(reservations, "release", lambda reservation_id: True)


def overlook_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that do not learn what comes into force with the next start."""
    nothing = {"pending_cores": None, "pending_memory_mib": None}
    monkeypatch.setattr(apply, "config_columns", lambda *told: config_columns(*told) | nothing)


PLANTS = (forget_the_start, keep_the_room, overlook_what_waits)


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS[: scaled(1, len(PLANTS))])
def test_a_planted_mistake_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The control."""
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        try_all(200)
