"""The threads in which consoles ask the database and the cluster, apart from those of pages and from each other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")

#: Rights of open consoles are read in threads of their own: neither a slow page, nor a row that waits for a lock, nor
#: a stranger who asks for sockets without end holds them up.
_DATABASE = ThreadPoolExecutor(4, "console-database")
_DOOR = ThreadPoolExecutor(4, "console-door")
_ROWS = ThreadPoolExecutor(4, "console-rows")
CLUSTER = ThreadPoolExecutor(16, "console-cluster")


async def in_database(work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    """Reads rights of open consoles in one of their threads."""
    return await _in(_DATABASE, work, *args, **kw)


async def at_door(work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    """Settles who comes in, in one of the door's threads."""
    return await _in(_DOOR, work, *args, **kw)


async def in_rows(work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    """Writes rows of visits in one of their threads."""
    return await _in(_ROWS, work, *args, **kw)


async def _in(threads: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    run = database_sync_to_async(work, thread_sensitive=False, executor=threads)
    result: T = await run(*args, **kw)
    return result
