"""A kind of operation: its steps in order, and what its end writes."""

from typing import ClassVar

from vms.cluster import Cluster
from vms.models import Operation
from vms.operations.steps import Broken, Step

#: `Operation.step` when all steps are through and only the end is to be written.
FINISH = "finish"


class Verb:
    """Subclasses name their steps and write their ends; the walk itself is in engine.py."""

    steps: ClassVar[tuple[Step, ...]] = ()

    def current(self, op: Operation) -> Step | None:
        """The step that is due; None when only the end is."""
        if op.step == FINISH:
            return None
        if op.step:
            return self.named(op.step)
        return next(step for step in self.steps if step.is_needed(op))

    def following(self, step: Step, op: Operation) -> str:
        """The name of the next step that is needed."""
        later = self.steps[self.steps.index(step) + 1 :]
        return next((each.name for each in later if each.is_needed(op)), FINISH)

    def named(self, name: str) -> Step:
        """The step of that name that is needed here; KeyError where a newer release has dropped it."""
        return {step.name: step for step in reversed(self.steps)}[name]

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """Writes the end of a walk that came through. Raises ClusterError where facts cannot be read yet."""
        raise NotImplementedError

    def fail(self, op: Operation, cluster: Cluster, broken: Broken) -> None:
        """Writes the end of a walk that broke. Raises ClusterError where it must first be read what is left."""
        raise NotImplementedError
