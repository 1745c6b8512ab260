"""How far a copy is, by the log of its task."""

import pytest

from tests.vms.operations.workshop import Workshop
from vms.cluster import cluster
from vms.cluster.types import Upid
from vms.models import Operation
from vms.operations import progress
from vms.states import OperationState

pytestmark = pytest.mark.differs_from_cluster("the operations are set back by hand to a moment of their copy")
LOG = (
    "create full clone of drive scsi0 (local:base-9000-disk-0)",
    "transferred 0.0 B of 5.0 GiB (0.00%)",
    "transferred 3.1 GiB of 5.0 GiB (62.00%)",
)


def waiting(shop: Workshop) -> tuple[Operation, Upid]:
    """A full copy whose task is there, as it stands while the portal waits for it."""
    op = shop.from_template()
    Operation.objects.filter(pk=op.pk).update(wish=op.wish | {"full": True})
    steps = shop.work(op).steps
    upid = next(row["upids"][-1] for row in steps if row["name"] == "copy")
    Operation.objects.filter(pk=op.pk).update(state=OperationState.SUBMITTED, upid=upid, step="copy")
    return Operation.objects.select_related("vm").get(pk=op.pk), Upid.parse(upid)


def test_the_last_line_that_tells_is_the_note() -> None:
    assert progress.note_of(LOG) == "3.1 GiB of 5.0 GiB (62 %)"
    assert progress.note_of(LOG[:1]) == ""


def test_the_step_people_watch_says_how_far_the_copy_is(shop: Workshop) -> None:
    op, upid = waiting(shop)

    progress.tell(op, cluster(), upid)

    op.refresh_from_db()
    assert [row["note"] for row in op.steps if row["name"] == "copy"] == ["2.0 GiB of 2.0 GiB (100 %)"]


def test_what_another_worker_claimed_meanwhile_is_not_written(shop: Workshop) -> None:
    op, upid = waiting(shop)
    Operation.objects.filter(pk=op.pk).update(attempts=op.attempts + 1)

    progress.tell(op, cluster(), upid)

    assert not any("GiB of" in row["note"] for row in Operation.objects.get(pk=op.pk).steps)


def test_a_log_that_is_gone_is_no_harm(shop: Workshop) -> None:
    op, _upid = waiting(shop)
    gone = Upid.parse("UPID:pve1:00000001:00000001:65000000:qmclone:9000:portal@pve!portal:")

    assert progress.tell(op, cluster(), gone) == ""
