"""A year of leases in a minute: days pass, people renew, the portal sleeps, readings and mails fail, clocks jump."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from accounts.models import OutgoingMail
from tests.cast import person, personal_pool
from tests.factories import make_reading, make_vm
from tests.unwatched import nth_try
from vms import leases, leasing
from vms.models import LeaseWatch, MirrorRun, Operation, VirtualMachine
from vms.operations.rights import still_allowed
from vms.states import Lifecycle, OperationKind, OperationState, Power

START = datetime(2030, 1, 1, 6, 0, tzinfo=UTC)
K = OperationKind


@dataclass
class Year:
    """`wrong` counts what must never be; `seen` what was done at all. `written`: the day of each mail."""

    machines: int
    seed: int
    wrong: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    written: dict[int, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.people = [person(f"member{n}") for n in range(max(1, self.machines // 4))]
        self.pools = [personal_pool(each) for each in self.people]
        for n in range(self.machines):
            pool = self.pools[n % len(self.pools)]
            vm = make_vm(pool, f"vm-{n:03}x", power=Power.RUNNING)
            days = self.rng.randint(5, 90)
            VirtualMachine.objects.filter(pk=vm.pk).update(lease_until=leasing.end_after(days, START))

    def run(self, days: int) -> None:
        """Day by day; some are slept through."""
        now, asleep_until, self.back_at = START, START, START
        for day in range(days):
            now = START + timedelta(days=day)
            if now < asleep_until:
                continue
            if day and asleep_until == now:
                self.back_at = now
            if self.rng.random() < 0.02:
                asleep_until = now + timedelta(days=4)
            jump = timedelta(hours=self.rng.choice([-3, 2])) if self.rng.random() < 0.02 else timedelta()
            with nth_try(day):
                self.day(now + jump)

    def day(self, now: datetime) -> None:
        """Members do what they do; then the portal looks, workers work, and mail goes out or not."""
        self.members(now)
        self.is_good = self.rng.random() > 0.1
        MirrorRun.objects.all().delete()
        make_reading(now, is_complete=self.is_good)
        if self.rng.random() < 0.3:
            LeaseWatch.objects.filter(pk=1).update(released_until=now + timedelta(hours=20))
        before = set(OutgoingMail.objects.values_list("pk", flat=True))
        due = self.expected(now)
        leases.look_once(now)
        mails = [m for m in OutgoingMail.objects.exclude(pk__in=before) if "leases:" not in m.subject]
        self.written |= dict.fromkeys((mail.pk for mail in mails), now)
        self.judge_mails(mails, due)
        self.work(now)
        if self.rng.random() > 0.15:
            OutgoingMail.objects.filter(sent_at=None).update(sent_at=now)

    def members(self, now: datetime) -> None:
        """Renewals, restorings, starts, and new machines for those that went."""
        for vm in VirtualMachine.objects.filter(lifecycle=Lifecycle.READY).select_related("pool__owner"):
            owner = vm.pool.owner if vm.pool else None
            if vm.trashed_at is None and owner and self.rng.random() < 0.006:
                leases.renew(vm, by=owner, address="", now=now)
            elif vm.trashed_at is not None and self.rng.random() < 0.05:
                VirtualMachine.objects.filter(pk=vm.pk).update(trashed_at=None, trash_until=None)
                leasing.begin(VirtualMachine.objects.select_related("pool").get(pk=vm.pk), now)
            elif vm.trashed_at is None and vm.power == Power.STOPPED and self.rng.random() < 0.2:
                VirtualMachine.objects.filter(pk=vm.pk).update(power=Power.RUNNING)
        missing = self.machines - VirtualMachine.objects.filter(lifecycle=Lifecycle.READY).count()
        for _ in range(missing):
            self.seen["made"] += 1
            make_vm(self.rng.choice(self.pools), f"vm-{self.seen['made']:04}n", power=Power.RUNNING)

    def expected(self, now: datetime) -> dict[str, set[str]]:
        """By address, the machines that have a warning due on this very day."""
        found: dict[str, set[str]] = {}
        for vm in leasing.dated().exclude(lease_until=None):
            left = (vm.lease_until.date() - now.date()).days  # type: ignore[union-attr]
            if (left in {10, 7, 3, 1} or left <= 0) and now.hour >= 5:
                found.setdefault(vm.pool.owner.email, set()).add(vm.name)  # type: ignore[union-attr]
        return found

    def judge_mails(self, mails: list[OutgoingMail], due: dict[str, set[str]]) -> None:
        """One a person, naming everything that is due."""
        counted = Counter(mail.to for mail in mails)
        self.wrong["double"] += sum(count - 1 for count in counted.values())
        self.seen["mails"] += len(mails)
        text = {mail.to: mail.text for mail in mails}
        self.wrong["lost"] += sum(name not in text.get(to, "") for to, names in due.items() for name in names)

    def work(self, now: datetime) -> None:
        """What a worker would do, at once; the right is read again as a worker does."""
        for op in Operation.objects.in_flight().select_related("vm__pool"):
            allowed = still_allowed(op)
            Operation.objects.filter(pk=op.pk).update(state=OperationState.SUCCEEDED if allowed else "failed")
            self.seen[op.kind] += 1
            self.judge(op, now)
            if op.kind == K.DELETE:
                VirtualMachine.objects.filter(pk=op.vm_id).update(lifecycle=Lifecycle.GONE, vmid=None)
            elif op.kind == K.TRASH:
                until = now + timedelta(days=7)
                VirtualMachine.objects.filter(pk=op.vm_id).update(trashed_at=now, trash_until=until, power="stopped")
            else:
                VirtualMachine.objects.filter(pk=op.vm_id).update(power=Power.STOPPED)

    def judge(self, op: Operation, now: datetime) -> None:
        """Against our own book of mails, readings and returns."""
        vm = op.vm
        assert vm.lease_until is not None
        # Of this lease: no warning is older than its first, ten days before the end.
        since = vm.lease_until - timedelta(days=11)
        of_this_lease = [pk for pk, at in self.written.items() if at >= since]
        said = OutgoingMail.objects.filter(pk__in=of_this_lease, sent_at__isnull=False, text__contains=f"{vm.name} ")
        self.wrong["unwarned"] += said.count() < 3
        self.wrong["on bad readings"] += not self.is_good
        self.wrong["after return"] += timedelta() < now - self.back_at < timedelta(hours=24)
        self.wrong["after return"] += now == self.back_at
