"""Operations: what a person can ask for, from the request to its end.

A view calls `request_*`; everything is decided and written in one transaction, and a worker is woken after it.
All of them raise Refusal (sentence, field), Busy (a Refusal) or quotas.errors.QuotaExceeded (sentence), and then
nothing was written. The same `key` by the same person returns the first operation, however often it is sent.
"""

from vms.operations.create import dismiss_failed, request_create
from vms.operations.delete import request_delete
from vms.operations.errors import Busy, Refusal
from vms.operations.move import request_move
from vms.operations.power import request_power
from vms.operations.snapshots import request_drop_snapshot, request_roll_back, request_snapshot
from vms.operations.wishes import FromIso, FromTemplate, Size, Source

__all__ = [
    "Busy",
    "FromIso",
    "FromTemplate",
    "Refusal",
    "Size",
    "Source",
    "dismiss_failed",
    "request_create",
    "request_delete",
    "request_drop_snapshot",
    "request_move",
    "request_power",
    "request_roll_back",
    "request_snapshot",
]
