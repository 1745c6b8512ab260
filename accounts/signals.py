"""How this app speaks upward. All are sent on commit.

user_deactivated(user_id): the person may no longer work; sessions and consoles end.
membership_removed(user_id, pool_id): the person lost a role in a pool.
"""

from django.dispatch import Signal

user_deactivated = Signal()
membership_removed = Signal()
