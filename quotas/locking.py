"""The row lock on a pool: the first lock of every path that grows use."""

from django.db import connection

from accounts.models import Pool
from quotas.errors import OutsideTransaction


def lock_pool(pool_id: int) -> Pool:
    """The pool with its owner, locked until the transaction ends; always the first lock taken.

    On PostgreSQL this is FOR NO KEY UPDATE. On SQLite an IMMEDIATE transaction already holds the one write lock.
    Raises OutsideTransaction where there is no transaction.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction("lock_pool was called outside a transaction")
    return Pool.objects.select_related("owner").select_for_update(of=("self",), no_key=True).get(pk=pool_id)


def lock_pools(*pool_ids: int) -> list[Pool]:
    """Several pools, locked in the order of their ids, so that two movers never wait for each other."""
    return [lock_pool(pool_id) for pool_id in sorted(set(pool_ids))]
