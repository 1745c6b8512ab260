"""The network between a browser and the portal, which can be frozen or cut."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from tests.children import free_port

#: What a narrow one holds of what is on its way to the browser.
HELD_BYTES = 4096


class Cable:
    """Carries TCP from its port to the portal's. Frozen: nothing goes through and nothing ends. Cut: all ends."""

    def __init__(self) -> None:
        self.port, self.portal_port = free_port(), 0
        self._flows = threading.Event()
        self._flows.set()
        self._is_cut = False
        self._bytes_per_s = 0
        self._ends: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """A black hole for the length of the block."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection is reset, and new ones too, for the length of the block."""
        self._is_cut = True
        for end in list(self._ends):
            _reset(end)
        try:
            yield
        finally:
            self._is_cut = False

    @contextlib.contextmanager
    def narrow(self, bytes_per_s: int) -> Iterator[None]:
        """Connections made in the block bring a browser so much and hold little on the way, after the block too."""
        self._bytes_per_s = bytes_per_s
        try:
            yield
        finally:
            self._bytes_per_s = 0

    def close(self) -> None:
        """Takes the cable away."""
        _reset(self._door)
        for end in list(self._ends):
            _reset(end)

    def _accept(self) -> None:
        with contextlib.suppress(OSError), self._door:
            while True:
                near, _ = self._door.accept()
                if self._is_cut:
                    near.close()
                else:
                    threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        far, bytes_per_s = socket.socket(), self._bytes_per_s
        if bytes_per_s:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)
        try:
            far.connect(("127.0.0.1", self.portal_port))
        except OSError:
            far.close()
            near.close()
            return
        self._ends |= {near, far}
        other = threading.Thread(target=self._carry, args=(far, near, bytes_per_s), daemon=True)
        other.start()
        self._carry(near, far)
        other.join()
        self._ends -= {near, far}
        near.close()
        far.close()

    def _carry(self, source: socket.socket, sink: socket.socket, bytes_per_s: int = 0) -> None:
        most = HELD_BYTES if bytes_per_s else 65536
        with contextlib.suppress(OSError):
            while self._flows.wait() and (data := source.recv(most)) and self._flows.wait():
                sink.sendall(data)
                if bytes_per_s:
                    time.sleep(len(data) / bytes_per_s)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


def _reset(end: socket.socket) -> None:
    """Ends it in both directions, so that whoever waits for it wakes."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
