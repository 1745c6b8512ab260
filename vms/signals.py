"""How this app speaks upward. All are sent on commit.

vm_gone(vm_id): the machine is gone or was replaced; its consoles end.
pool_changed(vm_id): the machine moved to another pool; rights to it are read again.
vm_locked(vm_id): an RTP locked the machine; consoles of members end.
vm_trashed(vm_id): the machine was put into the trash; its consoles end.
"""

from django.dispatch import Signal

vm_gone = Signal()
pool_changed = Signal()
vm_locked = Signal()
vm_trashed = Signal()
