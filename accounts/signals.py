"""How this app speaks upward. All are sent on commit.

user_deactivated(user_id): the person left the house, by the directory; sessions ended.
sessions_ended(user_id): sessions of the person ended; consoles look at their rights.
user_locked(user_id): an RTP locked the person; sessions ended.
membership_removed(user_id, pool_id): the person lost a role in a pool.
"""

from django.dispatch import Signal

user_deactivated = Signal()
sessions_ended = Signal()
user_locked = Signal()
membership_removed = Signal()
