"""A node of its own loop between portal and stand-in: it carries what both say, and meddles where it is told to."""

import asyncio
import random
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.consoles.hostile_nodes import PICTURE, HostileNode, Line
from tests.consoles.rfb.conversations import SERVER_INIT
from tests.devcluster.cluster import DevCluster
from tests.devcluster.console_house import Caller

START_S = 10.0


class Between(HostileNode):
    """Runs in a thread of its own: while a browser is there, the test's thread can have no other loop."""

    def __init__(self, cluster: DevCluster) -> None:
        super().__init__(cluster)
        trust = ssl.create_default_context(cafile=cluster.ca_file)
        token = f"PVEAPIToken={cluster.user}!{cluster.console_token_name}={cluster.console_token_value}"
        self._rival = Caller(cluster.port, trust, token)
        self._has_rivals = False
        self.came_between = 0

    @classmethod
    @contextmanager
    def running(cls, cluster: DevCluster) -> Iterator["Between"]:
        """It answers for the length of the block."""
        node, is_up = cls(cluster), threading.Event()
        end: list[Callable[[], object]] = []

        async def live() -> None:
            over, loop = asyncio.Event(), asyncio.get_running_loop()
            end.append(lambda: loop.call_soon_threadsafe(over.set))
            async with node.listening():
                is_up.set()
                await over.wait()

        thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        thread.start()
        assert is_up.wait(START_S)
        yield node
        end[0]()
        thread.join(START_S)

    @contextmanager
    def rivals(self) -> Iterator[None]:
        """As often as somebody opens a screen, somebody else opens it before the password is asked for."""
        self._has_rivals, self.came_between = True, 0
        yield
        self._has_rivals = False

    @contextmanager
    def breaking(self, vmid: int, data: bytes, picture: bytes = PICTURE) -> Iterator[None]:
        """The machine's screen shows a picture, and then these bytes come of its node."""

        async def play(line: Line, chance: random.Random) -> None:
            await line.open()
            line.say(SERVER_INIT)
            await line.hear(1)
            line.say(picture)
            line.raw(data)
            await line.drain()
            await asyncio.sleep(20)

        self.plays[vmid] = play
        yield
        del self.plays[vmid]

    async def _between(self, head: bytes, there: asyncio.StreamReader) -> bytes:
        found = re.match(rb"GET \S+/qemu/(\d+)/vncwebsocket", head)
        if not (self._has_rivals and found):
            return b""
        said = await there.readuntil(b"RFB 003.008\n")
        self.came_between += 1
        socket, _ = await self._rival.console(int(found[1]))
        await socket.read_exactly(12)
        socket.close()
        return said
