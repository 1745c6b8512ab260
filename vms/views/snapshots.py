"""The Snapshots tab: the tree, the form that takes one, and the pages that ask back before a way back or a deletion."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.addresses import address_of
from accounts.proof import require_proof
from accounts.view_as import readable_as_member
from quotas.errors import UNLIMITED, QuotaExceeded, cores
from quotas.errors import gib as memory
from quotas.limits import limit_of
from vms import selectors, snapshot_tree
from vms.access import by_power, vm_for
from vms.forms import ConfirmForm
from vms.models import VirtualMachine
from vms.operations import Refusal, request_drop_snapshot, request_roll_back, request_snapshot
from vms.operations.snapshot_steps import GONE
from vms.operations.snapshots import LONGEST_NOTE, checked_name, default_name, known
from vms.room import explain
from vms.rows import Rights, button_of
from vms.states import Action, OperationKind, Power
from vms.templatetags.vm_tags import new_key
from vms.units import MIB, gib
from vms.verbs import verb
from vms.views.person import PersonRequest, person_required
from vms.views.repeated import told_once

KINDS = frozenset({OperationKind.SNAPSHOT, OperationKind.ROLL_BACK, OperationKind.DROP_SNAPSHOT})
ASKED = {Action.ROLL_BACK: request_roll_back, Action.DROP_SNAPSHOT: request_drop_snapshot}


class TakeForm(forms.Form):
    """A new snapshot."""

    name = forms.CharField(
        label="Name",
        help_text="Letters, numbers, hyphens and underscores.",
        error_messages={"required": "Give the snapshot a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=LONGEST_NOTE,
        help_text="What it is for.",
        error_messages={"max_length": f"Note must have {LONGEST_NOTE} characters or fewer."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    with_memory = forms.BooleanField(label="Keep its memory too", required=False)
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """Proxmox's rule for names."""
        try:
            return checked_name(self.cleaned_data["name"])
        except Refusal as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal


@require_GET
@readable_as_member
@person_required
def snapshots(request: PersonRequest, vm_id: int) -> HttpResponse:
    """The tab; asked for by htmx, only the part that lives."""
    vm = vm_for(request.user, vm_id, Action.VIEW)
    form = TakeForm(initial={"name": default_name(timezone.now())})
    template = "vms/_snapshots.html" if request.htmx else "vms/snapshots.html"
    return render(request, template, _context(request, vm, form))


@require_POST
@person_required
@told_once
def take(request: PersonRequest, vm_id: int) -> HttpResponse:
    """Asks for a snapshot; a refusal stands beside its field, and what was typed stays."""
    vm = vm_for(request.user, vm_id, Action.SNAPSHOT)
    if by_power(request.user, vm, Action.SNAPSHOT):
        require_proof(request, f"Take a snapshot of {vm.name}")
    form, problem = TakeForm(request.POST), ""
    if form.is_valid():
        try:
            request_snapshot(vm, by=request.user, address=address_of(request), **form.cleaned_data)
        except QuotaExceeded as refusal:
            assert vm.pool is not None  # noqa: S101 (a machine without a pool cannot be acted on)
            problem = f"{refusal.sentence} {explain(vm.pool, refusal).text}"
        except Refusal as refusal:
            problem = "" if refusal.field in form.fields else refusal.sentence
            if not problem:
                form.add_error(refusal.field, refusal.sentence)
        else:
            return redirect("vms:snapshots", vm_id=vm.pk)
    return render(request, "vms/snapshots.html", _context(request, vm, form, problem), status=422)


@require_http_methods(["GET", "POST"])
@person_required
@told_once
def roll_back(request: PersonRequest, vm_id: int, snapshot: str) -> HttpResponse:
    """Asks back, naming what is lost; then asks for it."""
    return _asked_back(request, vm_id, snapshot, Action.ROLL_BACK)


@require_http_methods(["GET", "POST"])
@person_required
@told_once
def drop(request: PersonRequest, vm_id: int, snapshot: str) -> HttpResponse:
    """Asks back; then asks for it."""
    return _asked_back(request, vm_id, snapshot, Action.DROP_SNAPSHOT)


def _asked_back(request: PersonRequest, vm_id: int, name: str, action: Action) -> HttpResponse:
    vm, words = vm_for(request.user, vm_id, action), verb(action)
    if request.method == "POST" and by_power(request.user, vm, action):
        require_proof(request, f"{words.label} of {vm.name}")
    one, form = known(vm, name), ConfirmForm(request.POST)
    if one is None:
        messages.error(request, GONE)
        return redirect("vms:snapshots", vm_id=vm.pk)
    if request.method == "GET" or not form.is_valid():
        context = {"vm": vm, "words": words, "key": new_key(), **_lost(vm, one), **_reason(request, vm, action)}
        context["is_drop"] = action == Action.DROP_SNAPSHOT
        return render(request, "vms/snapshots_ask.html", context, status=200 if request.method == "GET" else 422)
    _act(request, vm, name, action, form.cleaned_data["key"])
    return redirect("vms:snapshots", vm_id=vm.pk)


def _act(request: PersonRequest, vm: VirtualMachine, name: str, action: Action, key: str) -> None:
    seen = request.POST.get("taken_at", "")[:40]
    try:
        ASKED[action](vm, name=name, taken_at=seen, by=request.user, address=address_of(request), key=key)
    except QuotaExceeded as refusal:
        assert vm.pool is not None  # noqa: S101 (a machine without a pool cannot be acted on)
        why = explain(vm.pool, refusal)
        messages.error(request, f"{vm.name} cannot be rolled back yet. {refusal.sentence} {why.text}", why.ask)
    except Refusal as refusal:
        messages.error(request, refusal.sentence)


def _lost(vm: VirtualMachine, one: dict[str, Any]) -> dict[str, Any]:
    """What a way back loses, what stays, and how the machine is afterwards."""
    sizes = ((cores, "cores"), (memory, "memory_mib"))
    changes = [
        f"{words(one[part])} instead of {words(getattr(vm, part))}"
        for words, part in sizes
        if one[part] != getattr(vm, part)
    ]
    return {
        "one": one,
        "taken_at": snapshot_tree.moment(one),
        "newer": snapshot_tree.newer(vm.snapshots, one),
        "changes": changes,
        "children": [other["name"] for other in vm.snapshots if other["parent"] == one["name"]],
        "goes_off": not one["with_memory"] and vm.power != Power.STOPPED,
    }


def _reason(request: PersonRequest, vm: VirtualMachine, action: Action) -> dict[str, Any]:
    """Why the action is not possible now, if it is not, and the machine's row."""
    heading = selectors.heading(request.user, vm, timezone.now())
    row: Any = heading["row"]
    return {"row": row, "reason": button_of(vm, action, row.operation, Rights(request.user)).reason}


def _context(request: PersonRequest, vm: VirtualMachine, form: TakeForm, problem: str = "") -> dict[str, Any]:
    heading = selectors.heading(request.user, vm, timezone.now())
    row: Any = heading["row"]
    rights = Rights(request.user)
    most = limit_of(vm.pool).caps.snapshots_per_vm if vm.pool else UNLIMITED
    latest: Any = heading["latest"]
    context = {
        "tab": "snapshots",
        "form": form,
        "problem": problem,
        "lines": snapshot_tree.lines(vm.snapshots, vm.hardware.get("snapshot_parent", "")),
        "most": most if most < UNLIMITED else None,
        "is_full": len(vm.snapshots) >= most,
        "take": button_of(vm, Action.SNAPSHOT, None, rights),
        "back": button_of(vm, Action.ROLL_BACK, row.operation, rights),
        "may_change": not rights.refusal(vm, Action.SNAPSHOT),
        "memory_gib": gib(vm.memory_mib * MIB),
        "keeps_memory": vm.power != Power.STOPPED,
        "shown": latest if latest and latest.kind in KINDS else None,
    }
    return heading | context
