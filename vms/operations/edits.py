"""What changes of settings have in common: one PUT with the digest that was seen, and an end that tells the truth.

A change made elsewhere since the page was read is never overwritten: the operation ends, and the page shows both.
"""

from typing import Any

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, ConfigChanged, Denied, NoSuchGuest, WrongMachine
from vms.cluster.types import GuestChanges, GuestConfig, Upid
from vms.models import Operation
from vms.operations import ends, finding, words
from vms.operations.create_steps import OnMachine
from vms.operations.steps import Broken, DidNotHappen, Finding, Happened, Verdict
from vms.operations.verb import Verb

CHANGED_ELSEWHERE = "It was changed elsewhere meanwhile. Look at what is set now, then decide."


class Edit(OnMachine):
    """One change of settings. `wish["digest"]` is what the person saw; empty: whatever is there now may be changed."""

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """What is to be set, looking at what is set now."""
        raise NotImplementedError

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """Whether the settings are as wished already, in force or waiting for the next start."""
        raise NotImplementedError

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The digest read now; where it is not the one that was seen, nothing is sent."""
        config = self.config(op, cluster)
        named = finding.intent_of(finding.ref_of(op)) | {"digest": config.digest}
        if self.is_set(op, config):
            return named | {"is_set": True}
        seen = op.wish.get("digest", "")
        if seen and seen != config.digest:
            return changed_elsewhere(op)
        wanted = self.changes(op, config)
        return wanted if isinstance(wanted, Broken) else named

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """One PUT, unless everything is as wished."""
        if op.intent.get("is_set"):
            return None
        wanted = self.changes(op, self.config(op, cluster))
        if isinstance(wanted, Broken):
            raise ConfigChanged(wanted.sentence)
        cluster.configure(finding.ref_of(op), wanted, digest=op.intent["digest"])
        return None

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """The settings tell; setting them again with the digest that was read can do no harm."""
        return Happened() if self.is_set(op, self.config(op, cluster)) else DidNotHappen(is_safe=True)

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """Somebody was quicker."""
        if isinstance(error, ConfigChanged):
            return changed_elsewhere(op)
        return super().refused(op, cluster, error)


def changed_elsewhere(op: Operation) -> Broken:
    """For a machine whose settings are no longer those the person saw. The page shows both versions."""
    return Broken(words.did_not(op, CHANGED_ELSEWHERE))


class ChangeVerb(Verb):
    """A change of a machine that exists. Subclasses (or the table in kinds.py) name their steps."""

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """With fresh facts: what is in force, and what waits for the next start."""
        try:
            facts = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine, Denied):
            ends.succeed(op, f"{self.sentence(op, None)} It is no longer there.", None)
            return
        ends.succeed(op, self.sentence(op, facts[0]), facts)

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """What was done, in a sentence; `config` as it is now."""
        raise NotImplementedError

    def fail(self, op: Operation, cluster: Cluster, broken: Broken) -> None:
        """What is there now is read first, because part of it may have been changed: it counts from the row then."""
        try:
            facts: ends.Facts | None = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine, Denied):
            facts = None
        ends.fail(op, broken.sentence, broken.detail, facts)
