"""A change that found the machine changed by somebody else: what is set now beside what was wished."""

from dataclasses import dataclass

from vms.change_form import ChangeForm, Compared
from vms.change_table import Page, page_for
from vms.mirror.told import label
from vms.models import Operation, VirtualMachine
from vms.operations.edits import CHANGED_ELSEWHERE
from vms.states import OperationState


@dataclass(frozen=True)
class Changed:
    """One thing that somebody else changed."""

    label: str
    was: str
    now: str


@dataclass(frozen=True)
class Conflict:
    """`elsewhere`: what others changed; `compared`: theirs and mine; `hidden`: the form that asks for mine again."""

    kind: str
    slot: str
    title: str
    elsewhere: list[Changed]
    compared: list[Compared]
    hidden: list[tuple[str, str]]


def conflict_of(vm: VirtualMachine, operation: Operation | None) -> Conflict | None:
    """For a machine's newest operation that came too late; None for others, and where its device is gone."""
    if operation is None or operation.state != OperationState.FAILED or CHANGED_ELSEWHERE not in operation.sentence:
        return None
    if Operation.objects.filter(vm=vm, pk__gt=operation.pk).exists():
        return None
    found = page_for(operation.kind)
    if found is None:
        return None
    page, slot = found[1], str(operation.wish.get("slot", ""))
    device = page.device(vm, slot)
    if page.devices is not None and device is None:
        return None
    return _conflict(page, page.form(vm=vm, device=device), operation, slot)


def _conflict(page: Page, form: ChangeForm, operation: Operation, slot: str) -> Conflict:
    mine = form.wished(operation.wish)
    return Conflict(
        kind=operation.kind,
        slot=slot if form.device else "",
        title=page.title.format(device=form.device.title if form.device else ""),
        elsewhere=_elsewhere(form.vm, operation),
        compared=form.compared(mine),
        hidden=[(name, str(value)) for name, value in mine.items() if value not in (False, None)],
    )


def _elsewhere(vm: VirtualMachine, operation: Operation) -> list[Changed]:
    was, now = operation.wish.get("seen", {}), vm.hardware.get("told", {})
    keys = [key for key in {**was, **now} if was and was.get(key) != now.get(key)]
    return [Changed(label(key), str(was.get(key, "not there")), str(now.get(key, "not there"))) for key in keys]
