"""Pages of RTPs: what needs them, all jobs with the logs of their Proxmox tasks."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.addresses import address_of
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof
from vms import attention
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, settle, task_logs
from vms.operations.missing import settle_missing
from vms.rows import steps_of
from vms.states import OperationKind, OperationState
from vms.verbs import fact, verb
from vms.views.pools import BIGGEST

STATES = {
    OperationState.QUEUED: "Waiting for a worker",
    OperationState.CLAIMED: "A worker has it",
    OperationState.SUBMITTED: "Proxmox works on it",
    OperationState.UNCERTAIN: "Finding out",
    OperationState.SUCCEEDED: "Done",
    OperationState.FAILED: "Failed",
    OperationState.NEEDS_RTP: "Waits for an RTP",
}


@require_GET
@rtp_required
def needs_you(request: RtpRequest) -> HttpResponse:
    """Operations that could not be found out, missing and orphaned machines, leftovers, what failed lately."""
    return render(request, "vms/attention.html", {"needs": attention.needs(timezone.now())})


@require_POST
@rtp_required
def settle_job(request: RtpRequest, job_id: int) -> HttpResponse:
    """Adopt what exists, mark not done, retry with the same code, or look again."""
    op = _job(job_id)
    require_proof(request, f"Say how {op.code} on {op.vm.name} ended")
    act = settle.ACTS.get(request.POST.get("act", ""))
    try:
        if act is None:
            raise Refusal("Say what is to be done: adopt it, mark it as not done, try again, or look again.")
        act(op, request.user, address_of(request))
    except Refusal as refusal:
        messages.error(request, f"{op.code}: {refusal.sentence}")
    else:
        messages.success(request, f"{op.code}: noted. The portal looks at {op.vm.name} now.")
    return redirect("vms:attention")


@require_POST
@rtp_required
def settle_gone(request: RtpRequest, vm_id: int) -> HttpResponse:
    """An RTP says that a missing machine is gone: it frees its quota and keeps its history."""
    vm = VirtualMachine.objects.filter(pk=min(vm_id, BIGGEST)).first()
    if vm is None:
        raise Http404("There is no such machine.")
    require_proof(request, f"Say that {vm.name} is gone")
    try:
        settle_missing(vm, request.user, timezone.now(), address_of(request))
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, f"{vm.name} is gone. Its quota is free.")
    return redirect("vms:attention")


@require_GET
@rtp_required
def jobs(request: RtpRequest) -> HttpResponse:
    """Everything that was ever asked for, with a filter."""
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    words = request.GET.get("q", "").strip()[:60]
    context = {
        "page": attention.jobs(state=state, kind=kind, words=words, page=request.GET.get("page")),
        "states": [(str(value), name) for value, name in STATES.items()],
        "kinds": [(str(value), verb(value).label) for value in OperationKind],
        "state": state,
        "kind": kind,
        "words": words,
    }
    return render(request, "vms/jobs.html", context)


@require_GET
@rtp_required
def job(request: RtpRequest, job_id: int) -> HttpResponse:
    """One operation with its steps, its tasks and their log."""
    op = _job(job_id)
    is_waiting = op.log_wanted_at is not None and (op.log_read_at is None or op.log_read_at < op.log_wanted_at)
    context = {
        "operation": op,
        "vm": op.vm,
        "steps": steps_of(op),
        "fact": fact(op.kind, op.state, op.vm.name),
        "tasks": task_logs.upids(op),
        "is_waiting": is_waiting,
    }
    return render(request, "vms/job.html", context)


@require_POST
@rtp_required
def read_log(request: RtpRequest, job_id: int) -> HttpResponse:
    """Asks a worker for the log of its Proxmox tasks; audited, changes nothing else."""
    op = _job(job_id)
    require_proof(request, f"Read the log of {op.code}")
    task_logs.want(op, by=request.user, address=address_of(request))
    messages.success(request, "The log is being read. Load the page again in a few seconds.")
    return redirect("vms:job", job_id=op.pk)


def _job(job_id: int) -> Operation:
    found = Operation.objects.select_related("vm", "vm__pool", "pool", "actor").filter(pk=min(job_id, BIGGEST)).first()
    if found is None:
        raise Http404("There is no such operation.")
    return found
