"""The walk through an operation's steps.

For each step: the right is read again, the intent is saved, the call is sent once, its UPID is saved, the task is
followed to its end. A lost answer makes the operation UNCERTAIN at once and is looked into; sending again happens only
where nothing can have happened. Any worker may die at any line: what it left is found by follow.py.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from vms.cluster import Cluster, cluster
from vms.cluster.errors import ClusterError, NoSuchGuest, NoSuchTask, OutcomeUnknown, Unreachable
from vms.cluster.types import TaskStatus, Upid
from vms.models import Operation
from vms.operations import base, finding, progress, settle, steps, words
from vms.operations.database import decide
from vms.operations.heartbeat import beating
from vms.operations.hooks import HookFailed
from vms.operations.kinds import verb_of
from vms.operations.rights import still_allowed
from vms.operations.steps import Again, Broken, DidNotHappen, Done, Happened, Step, StillUnknown, Unsure, Verdict
from vms.states import OperationState

log = logging.getLogger(__name__)
S = OperationState

#: How often one step is sent at most, each time after proof that nothing had happened.
MOST_SENDS = 12
#: The longest pause between two looks at a task; one that takes so long is asked how far it is.
LONG_S = 1.0


def run(operation_id: int, *, watch_s: float | None = None) -> None:
    """Takes an operation as far as it goes now. Safe to call any number of times, by any number of workers.

    `watch_s`: how long to stay with a running task (OPERATION_WATCH_S); follow_operations comes back for it.
    """
    op = base.load(operation_id)
    if op is None:
        return
    try:
        proxmox = cluster()
        if op.state == S.QUEUED:
            _begin(op, proxmox, watch_s)
        elif op.state == S.SUBMITTED:
            _continue(op, proxmox, watch_s)
        elif op.state == S.UNCERTAIN:
            look_into(op, proxmox, watch_s)
    except base.LostClaim:
        log.info("operation %s: another worker has it", op.code)
    except ClusterError as error:
        log.warning("operation %s: %s", op.code, words.detail(error))


def look_into(op: Operation, proxmox: Cluster, watch_s: float | None = None) -> None:
    """Finds out whether what an UNCERTAIN operation sent took place, and goes on from there."""
    asked_at = timezone.now()
    since = op.uncertain_since or asked_at
    if "settle" in op.wish:
        settle.carry_out(op, proxmox)
        return
    step = verb_of(op).named(op.intent["step"])
    match _finding(op, step, proxmox):
        case Happened(upid) if upid:
            rows = base.mark(op, step.name, "running", upid=upid)
            base.move(op, S.SUBMITTED, upid=upid, uncertain_since=None, sentence="", steps=rows)
            _continue(op, proxmox, watch_s)
        case Happened():
            if claimed := base.claim(op.pk, from_states=frozenset({S.UNCERTAIN})):
                base.write(claimed, intent={**claimed.intent, "answered": True}, uncertain_since=None, sentence="")
                Walk(claimed, proxmox, watch_s).go()
        case DidNotHappen(is_safe):
            if is_safe or asked_at >= since + timedelta(seconds=settings.OPERATION_RECONCILE_QUIET_S):
                _send_anew(op, proxmox, watch_s)
        case StillUnknown(why):
            if asked_at >= since + timedelta(seconds=settings.OPERATION_UNCERTAIN_S):
                base.move(op, S.NEEDS_RTP, sentence=words.needs_rtp(op), detail=why)


def watch(op: Operation, proxmox: Cluster, watch_s: float | None) -> TaskStatus | None:
    """How the task of a SUBMITTED operation ended; None while it runs, or while its node does not answer."""
    upid = Upid.parse(op.upid)
    deadline = time.monotonic() + (settings.OPERATION_WATCH_S if watch_s is None else watch_s)
    pause_s = 0.05
    while True:
        status = _task_status(op, proxmox, upid)
        if status is not None and not status.running:
            return status
        if status is not None and pause_s >= LONG_S:
            progress.tell(op, proxmox, upid)
        if time.monotonic() + pause_s > deadline:
            return None
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, LONG_S)


def _task_status(op: Operation, proxmox: Cluster, upid: Upid) -> TaskStatus | None:
    try:
        status = _asked_or_listed(proxmox, upid)
    except ClusterError:
        _note_silence(op, timezone.now())
        return None
    if op.uncertain_since is not None:
        _note_silence(op, None)
    if not status.running and status.exit_text is None:
        return TaskStatus(upid, running=False, exit_text=words.LOST_RECORD)
    return status


def _asked_or_listed(proxmox: Cluster, upid: Upid) -> TaskStatus:
    """What the task's own record says; where that is gone, what its node's list says, which is kept for longer."""
    try:
        return proxmox.task_status(upid)
    except NoSuchTask:
        listed = finding.listed_task(proxmox, upid)
        if listed is None:
            return TaskStatus(upid, running=False, exit_text=words.LOST_RECORD)
        return TaskStatus(upid, running=listed.is_running, exit_text=listed.exit_text)


def _note_silence(op: Operation, since: datetime | None) -> None:
    """Since when nobody could say how the task does; the sweeper gives it to an RTP when that lasts."""
    if since is not None and op.uncertain_since is not None:
        return
    rows = Operation.objects.filter(pk=op.pk, state=S.SUBMITTED, attempts=op.attempts)
    if decide(lambda: rows.update(uncertain_since=since)):
        op.uncertain_since = since


def _begin(op: Operation, proxmox: Cluster, watch_s: float | None) -> None:
    if claimed := base.claim(op.pk, from_states=frozenset({S.QUEUED})):
        Walk(claimed, proxmox, watch_s).go()


def _continue(op: Operation, proxmox: Cluster, watch_s: float | None) -> None:
    # A task that is told of again does not end the wait for what could not be read after it.
    stuck_since = op.uncertain_since if op.sentence else None
    end = watch(op, proxmox, watch_s)
    if end is not None and (claimed := base.claim(op.pk, from_states=frozenset({S.SUBMITTED}))):
        claimed.uncertain_since = claimed.uncertain_since or stuck_since
        Walk(claimed, proxmox, watch_s).go(end)


def _send_anew(op: Operation, proxmox: Cluster, watch_s: float | None) -> None:
    claimed = base.claim(op.pk, from_states=frozenset({S.UNCERTAIN}))
    if claimed is None:
        return
    base.write(claimed, intent={"sends": claimed.intent.get("sends", 1)}, uncertain_since=None, sentence="")
    Walk(claimed, proxmox, watch_s).go()


def _finding(op: Operation, step: Step, proxmox: Cluster) -> steps.Finding:
    try:
        return step.look(op, proxmox)
    except ClusterError as error:
        return StillUnknown(words.detail(error))


class Walk:
    """One worker's way through a claimed operation."""

    def __init__(self, op: Operation, proxmox: Cluster, watch_s: float | None) -> None:
        self.op, self.proxmox, self.watch_s = op, proxmox, watch_s
        self.verb = verb_of(op)
        self.end: TaskStatus | None = None

    def go(self, end: TaskStatus | None = None) -> None:
        """From where the row says, to the end or to where it has to wait. `end`: of the task it waited for."""
        self.end = end
        try:
            if failed := self.op.intent.get("failed"):
                self._write_failure(Broken(failed["sentence"], failed["detail"]))
                return
            while (step := self.verb.current(self.op)) is not None:
                if not self._is_answered() and not self._send(step):
                    return
                if not self._judge(step, step.after(self.op, self.proxmox, self.end)):
                    return
            self.verb.succeed(self.op, self.proxmox)
        except base.LostClaim:
            raise
        except ClusterError as error:
            # Sending has its own handling: here only reading failed.
            self._later(words.detail(error), words.standstill(error))
        except Exception as error:  # whatever broke in the portal is said, and looked into by an RTP
            if self._is_on_its_way():
                raise
            log.exception("operation %s: an error of the portal", self.op.code)
            self._later(f"{type(error).__name__}: {error}"[:2000], words.our_fault(self.op))

    def _is_on_its_way(self) -> bool:
        """Something may have been sent that has no answer yet: found out once this claim has ended."""
        return self.op.state != S.CLAIMED or bool(self.op.intent.get("step") and not self._is_answered())

    def _is_answered(self) -> bool:
        return bool(self.end is not None or self.op.intent.get("answered"))

    def _send(self, step: Step) -> bool:  # noqa: PLR0911 (one line for each way a call can end)
        """Sends one step. True when its answer, and its task's end, are there."""
        if not still_allowed(self.op):
            return self._fail(Broken(words.lost_right(self.op, begun=words.has_begun(self.op))))
        sends = int(self.op.intent.get("sends", 0)) + 1
        if sends > MOST_SENDS:
            return self._fail(Broken(words.kept_failing(self.op), self.op.detail))
        try:
            prepared = step.prepare(self.op, self.proxmox)
        except Unreachable:
            raise
        except ClusterError as error:  # Proxmox answered: it is not there, is another one, or is none of ours
            return self._refused(step, error)
        if isinstance(prepared, Broken):
            return self._fail(prepared)
        self._save_intent(step, {**prepared, "sends": sends})
        try:
            with beating(self.op):
                upid = step.send(self.op, self.proxmox)
        except OutcomeUnknown as error:
            return self._uncertain(step, error)
        except Unreachable as error:
            self._later(words.detail(error), words.standstill(error))
            return False
        except HookFailed as failed:
            return self._fail(Broken(failed.sentence))
        except ClusterError as error:
            return self._refused(step, error)
        if upid is None:
            base.write(self.op, intent={**self.op.intent, "answered": True})
            return True
        return self._submitted(step, str(upid))

    def _save_intent(self, step: Step, intent: dict[str, Any]) -> None:
        now = timezone.now()
        base.write(
            self.op,
            step=step.name,
            intent={**intent, "step": step.name, "at_s": now.timestamp()},
            intent_at=now,
            upid="",
            sentence="",
            steps=base.mark(self.op, step.name, "running"),
        )

    def _submitted(self, step: Step, upid: str) -> bool:
        rows = base.mark(self.op, step.name, "running", upid=upid)
        base.move(self.op, S.SUBMITTED, upid=upid, uncertain_since=None, steps=rows)
        self.end = watch(self.op, self.proxmox, self.watch_s)
        if self.end is None:
            return False
        claimed = base.claim(self.op.pk, from_states=frozenset({S.SUBMITTED}))
        if claimed is None:
            return False
        self.op = claimed
        return True

    def _uncertain(self, step: Step, error: OutcomeUnknown) -> bool:
        base.move(
            self.op,
            S.UNCERTAIN,
            uncertain_since=timezone.now(),
            sentence=words.not_known(self.op),
            detail=words.detail(error),
            steps=base.mark(self.op, step.name, "uncertain"),
        )
        look_into(self.op, self.proxmox, self.watch_s)
        return False

    def _refused(self, step: Step, error: ClusterError) -> bool:
        if isinstance(error, NoSuchGuest) and self._has_moved():
            return self._judge(step, Again())
        log.info("operation %s, %s: %s", self.op.code, step.name, words.detail(error))
        if self._judge(step, step.refused(self.op, self.proxmox, error)):
            self.go()
        return False

    def _has_moved(self) -> bool:
        """Whether the machine is on another node than the one asked; remembered for the next try."""
        vmid, asked = self.op.intent.get("vmid"), self.op.intent.get("node")
        if not vmid or not asked or not self.op.vm.smbios_uuid:
            return False
        node = finding.node_now(self.proxmox, int(vmid))
        if node in {"", asked}:
            return False
        base.write(self.op, wish={**self.op.wish, "node": node})
        return True

    def _judge(self, step: Step, verdict: Verdict) -> bool:
        """Writes what a step came to. True when the walk goes on (`self.end` and the row say from where)."""
        end, self.end = self.end, None
        match verdict:
            case Done(note):
                self._note_warnings(end)
                rows = base.mark(self.op, step.name, "done", note=note)
                after = self.verb.following(step, self.op)
                base.write(self.op, step=after, intent={}, upid="", uncertain_since=None, sentence="", steps=rows)
                return True
            case Again(note):
                rows = base.mark(self.op, step.name, "waiting", note=note)
                base.write(self.op, intent={"sends": self.op.intent.get("sends", 1)}, upid="", steps=rows)
                self.go()
                return False
            case Broken():
                return self._fail(verdict)
            case Unsure(detail):
                rows = base.mark(self.op, step.name, "uncertain")
                sentence = words.needs_rtp(self.op)
                base.move(self.op, S.NEEDS_RTP, sentence=sentence, detail=detail, steps=rows)
                return False
            case _:
                self._later(verdict.note, verdict.why)
                return False

    def _note_warnings(self, end: TaskStatus | None) -> None:
        if end is None or not end.warnings:
            return
        try:
            self.op.detail = "\n".join(self.proxmox.task_log(end.upid))[:4000]
        except ClusterError:
            self.op.detail = end.exit_text or ""
        base.write(self.op, detail=self.op.detail)

    def _fail(self, broken: Broken) -> bool:
        intent = {**self.op.intent, "failed": {"sentence": broken.sentence, "detail": broken.detail}}
        base.write(self.op, intent=intent, upid="", steps=base.mark(self.op, self.op.step, "failed"))
        self._write_failure(broken)
        return False

    def _write_failure(self, broken: Broken) -> None:
        self.verb.fail(self.op, self.proxmox, broken)

    def _later(self, why: str, told: str = "") -> None:
        """Proxmox does not answer, or not yet as wished (`told` says why), and nothing is under way that it was not
        asked before: come back, or give up."""
        now = timezone.now()
        since = self.op.uncertain_since or now
        waited_s = (now - since).total_seconds()
        begun = words.has_begun(self.op)
        if not begun and not self._is_answered() and waited_s >= settings.OPERATION_PATIENCE_S:
            self._give_up(why, told)
        elif waited_s >= settings.OPERATION_UNCERTAIN_S:
            base.move(self.op, S.NEEDS_RTP, sentence=words.needs_rtp(self.op), detail=why)
        elif self.op.upid:
            base.move(self.op, S.SUBMITTED, uncertain_since=since, sentence=words.waiting(told), detail=why)
        else:
            self._put_back(since, why, told)

    def _put_back(self, since: datetime, why: str, told: str) -> None:
        intent = self.op.intent
        keep = (
            intent if intent.get("answered") or intent.get("failed") else {"sends": max(0, intent.get("sends", 1) - 1)}
        )
        rows = base.mark(self.op, self.op.step, "waiting")
        sentence = words.waiting(told)
        base.move(self.op, S.QUEUED, intent=keep, uncertain_since=since, sentence=sentence, detail=why, steps=rows)

    def _give_up(self, why: str, told: str) -> None:
        broken = Broken(words.gave_up(self.op, told), why)
        if self.op.intent.get("failed"):
            base.move(self.op, S.NEEDS_RTP, sentence=words.needs_rtp(self.op), detail=why)
            return
        try:
            self._fail(broken)
        except ClusterError as error:
            base.move(self.op, S.NEEDS_RTP, sentence=words.needs_rtp(self.op), detail=words.detail(error))
