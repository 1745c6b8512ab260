"""A house's consoles: several processes that carry them, on one database, with Redis between them or none."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.consoles.portal import Portal, serving
from tests.devcluster.cluster import DevCluster
from tests.servers import RedisServer

APPLICATION = "vmportal.asgi_consoles:application"


@dataclass
class Line:
    """The processes, and the Redis that tells them."""

    portals: list[Portal]
    redis: RedisServer
    cluster: DevCluster

    def tell_redis(self, what: signal.Signals) -> None:
        """SIGSTOP: it neither answers nor breaks off."""
        assert self.redis.process
        self.redis.process.send_signal(what)


@contextmanager
def lined_up(cluster: DevCluster, folder: Path, count: int = 2, **variables: object) -> Iterator[Line]:
    """So many processes; all end with the block."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        known: dict[str, Any] = {"CHANNEL_REDIS_URL": redis.url, "VMPORTAL_ROLE": "consoles", **variables}
        portals = []
        for n in range(count):
            (folder / str(n)).mkdir()
            portals.append(stack.enter_context(serving(cluster, folder / str(n), APPLICATION, **known)))
        yield Line(portals, redis, cluster)
