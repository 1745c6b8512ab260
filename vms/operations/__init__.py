"""Operations: what a person can ask for, from the request to its end.

A view calls `request_*`; everything is decided and written in one transaction, and a worker is woken after it.
All of them raise Refusal (sentence, field), Busy (a Refusal) or quotas.errors.QuotaExceeded (sentence), and then
nothing was written. The same `key` by the same person returns the first operation, however often it is sent.
"""

from vms.operations.boot import request_boot_order
from vms.operations.create import dismiss_failed, request_create
from vms.operations.delete import request_delete
from vms.operations.detaching import request_detach_disk, request_drop_disk
from vms.operations.disks import request_add_disk, request_grow_disk
from vms.operations.drives import request_add_drive, request_drop_drive, request_eject, request_mount
from vms.operations.errors import Busy, Refusal
from vms.operations.move import request_move
from vms.operations.networks import request_add_nic, request_drop_nic, request_set_nic
from vms.operations.options import request_agent, request_display, request_notes, request_rename, request_tags
from vms.operations.pending import request_apply, request_undo
from vms.operations.power import request_power
from vms.operations.resize import request_autostart, request_resize
from vms.operations.snapshots import request_drop_snapshot, request_roll_back, request_snapshot
from vms.operations.trash import request_restore, request_trash
from vms.operations.wishes import FromIso, FromMachine, FromTemplate, Size, Source

__all__ = [
    "Busy",
    "FromIso",
    "FromMachine",
    "FromTemplate",
    "Refusal",
    "Size",
    "Source",
    "dismiss_failed",
    "request_add_disk",
    "request_add_drive",
    "request_add_nic",
    "request_agent",
    "request_apply",
    "request_autostart",
    "request_boot_order",
    "request_create",
    "request_delete",
    "request_detach_disk",
    "request_display",
    "request_drop_disk",
    "request_drop_drive",
    "request_drop_nic",
    "request_drop_snapshot",
    "request_eject",
    "request_grow_disk",
    "request_mount",
    "request_move",
    "request_notes",
    "request_power",
    "request_rename",
    "request_resize",
    "request_restore",
    "request_roll_back",
    "request_set_nic",
    "request_snapshot",
    "request_tags",
    "request_trash",
    "request_undo",
]
