"""A TLS host that answers what it is told to, for answers no well-meaning Proxmox gives."""

import json
import re
import socket
import ssl
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from devcluster.tls import ensure_certificates
from tests.children import free_port
from vms.cluster import Cluster
from vms.cluster.config import ClusterConfig
from vms.cluster.tls import TlsTrust

DROP = b"drop"  # close without a word
HANG = b"hang"  # say nothing until the test is over
DRIP = b"drip"  # a byte now and then, without end
SECRET = "5ecret-5ecret-5ecret"


def http(status: int, body: object = None, *, reason: str = "x", headers: str = "", text: str | None = None) -> bytes:
    """An answer as bytes; `body` becomes JSON, `text` is sent as it is."""
    content = (json.dumps(body) if text is None else text).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    return head.encode("latin-1") + content


def good(value: object) -> bytes:
    """Proxmox's envelope."""
    return http(200, {"data": value})


class OddHost:
    """Gives `answers` one by one, the last one again and again; `asked` are the request lines that came in."""

    def __init__(self, folder: Path, *answers: bytes, name: str = "127.0.0.1") -> None:
        self.files = ensure_certificates(folder, ["pve1"])
        self.asked: list[str] = []
        self.connections = 0
        self._answers = deque(answers)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._talks: list[socket.socket] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.files.cert_file, self.files.key_file)
        self.address = name, free_port()
        self._listener = socket.create_server(self.address)
        self._start(self._accept)

    def trust(self) -> TlsTrust:
        """The CA of this host's certificate."""
        return TlsTrust(str(self.files.ca_file))

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, plain)

    def _serve(self, plain: socket.socket) -> None:
        try:
            with self._context.wrap_socket(plain, server_side=True) as talk:
                self.connections += 1
                self._talks.append(talk)
                while self._answer(talk):
                    pass
        except OSError:
            plain.close()

    def _answer(self, talk: ssl.SSLSocket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            some = talk.recv(65536)
            if not some:
                return False
            head += some
        head, _, body = head.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while length and len(body) < int(length[1]):
            body += talk.recv(65536)
        self.asked.append(head.split(b"\r\n")[0].decode())
        answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        if answer == HANG:
            self._over.wait(60)
        elif answer == DRIP:
            talk.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not self._over.wait(0.02):
                talk.sendall(b"y")
        elif answer != DROP:
            talk.sendall(answer)
            return b"Connection: close" not in answer and b"Connection: close" not in head
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for talk in self._talks:
            with suppress(OSError):
                talk.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


def cluster_at(*hosts: OddHost | tuple[str, int], trust: TlsTrust | None = None, answer_s: float = 5) -> Cluster:
    """A client of these hosts, trusting the first one's CA."""
    first = next(host for host in hosts if isinstance(host, OddHost))
    addresses = tuple(host.address if isinstance(host, OddHost) else host for host in hosts)
    return Cluster(
        ClusterConfig(
            hosts=addresses,
            user="portal@pve",
            token_name="portal",
            token_value=SECRET,
            trust=trust or first.trust(),
            connect_timeout_s=2,
            read_timeout_s=answer_s,
            most_answer_bytes=100_000,
        )
    )
