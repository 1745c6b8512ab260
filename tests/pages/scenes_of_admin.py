"""Page states of RTPs: what needs them, jobs and their logs, one list of what happened."""

from datetime import timedelta

from django.utils import timezone

from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_vm
from tests.pages.states import PageState
from vms.models import ClusterTask, Leftover
from vms.states import OperationKind, OperationState, Power

UPID = "UPID:pve1:0000C0DE:0012D687:6A000000:qmstart:100:portal@pve!portal:"


def attention(cast: Cast) -> list[PageState]:
    """A start that could not be found out, a machine that vanished, a disk without one, and what failed."""
    now = timezone.now()
    make_reading()
    web = make_vm(cast.alices, "web-01", power=Power.RUNNING)
    op = make_operation(
        web, cast.alice, state=OperationState.NEEDS_RTP, step="start", intent={"step": "start"},
        sentence="Proxmox did not say whether web-01 was started, and nobody could find out for ten minutes.",
        steps=[{"name": "start", "label": "Start", "state": "uncertain", "at": now.isoformat(), "upids": [UPID]}],
        task_log=f"{UPID}\nstart failed: QEMU exited with code 1\nTASK ERROR: start failed", log_read_at=now,
    )  # fmt: skip
    make_vm(cast.bobs, "vanished", missing_since=now - timedelta(hours=3))
    failed = make_vm(cast.bobs, "db")
    make_operation(
        failed, cast.bob, kind=OperationKind.REBOOT, state=OperationState.FAILED, finished_at=now,
        sentence="db was not rebooted: the guest does not answer.",
    )  # fmt: skip
    Leftover.objects.create(
        volid="shared:777/vm-777-disk-0.qcow2", vmid=777, size_bytes=8 * 2**30,
        first_seen=now - timedelta(hours=6), last_seen=now,
    )  # fmt: skip
    ClusterTask.objects.create(
        upid=UPID, vm=web, kind="vzdump", user="root@pam", began_at=now, ended_at=now, exit_text="OK"
    )
    return [
        PageState("needs you", cast.rita, "/rtp/attention/"),
        PageState("jobs", cast.rita, "/rtp/jobs/"),
        PageState("jobs, none", cast.rita, "/rtp/jobs/?q=zzz"),
        PageState("job with its log", cast.rita, f"/rtp/jobs/{op.pk}/"),
        PageState("timeline of a machine", cast.alice, f"/vms/{web.pk}/activity/"),
        PageState("timeline of a member", cast.alice, "/activity/"),
    ]
