"""The request half of changes that make one machine larger: what was seen, what is wished, how large it gets."""

from collections.abc import Callable
from typing import Any

from vms.models import Operation, VirtualMachine
from vms.operations.changing import Change, request_change
from vms.operations.hardware import Who, refuse_outdated
from vms.operations.steps import Step
from vms.states import OperationKind
from vms.usage import Shape

#: The operation's wish, and the machine afterwards (None: it takes no more than now).
Plan = Callable[[VirtualMachine], tuple[dict[str, Any], Shape | None]]


def ask_to_grow(
    vm: VirtualMachine, kind: OperationKind, steps: tuple[Step, ...], plan: Plan, *, digest: str, who: Who
) -> Operation:
    """Asks for what `plan` makes out of the row under the lock; the difference is held by growth.hold."""

    def change(fresh: VirtualMachine) -> Change:
        refuse_outdated(fresh, digest)
        wish, after = plan(fresh)
        seen = fresh.hardware.get("told", {}) if digest else {}
        return Change({**wish, "digest": digest, "seen": seen}, after)

    return request_change(vm, kind, steps, change, **who)
