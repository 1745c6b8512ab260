"""A hard end for an exchange: requests' time-outs begin anew with every byte, so headers that drip would never end."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

import requests
from requests.adapters import HTTPAdapter


class _Recorder(HTTPAdapter):
    """Remembers the connections it opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Any] = []

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The library's pool, whose connections tell us when they are there."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        opened, plain = self.opened, pool.ConnectionCls

        def connection(*args: Any, **kwargs: Any) -> Any:
            made = plain(*args, **kwargs)
            opened.append(made)
            return made

        pool.ConnectionCls = connection
        return pool

    def cut(self) -> None:
        """Whoever reads from them reads the end."""
        for connection in self.opened:
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_off(session: requests.Session, after_s: float) -> Iterator[None]:
    """Cuts the session's connections after so many seconds, unless the block ended before."""
    recorder = _Recorder()
    session.mount("https://", recorder)
    session.mount("http://", recorder)
    timer = Timer(after_s, recorder.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
