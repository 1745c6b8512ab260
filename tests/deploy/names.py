"""Names as Docker's own resolver answers them: one A record for each container of a service, the first in turn."""

import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Self

ANSWER, NO_ERROR, NO_SUCH_NAME = 0x8180, 0, 3  # RFC 1035 section 4.1.1: a response, recursion wanted and there
A, INTERNET, TTL_S = 1, 1, 600
QUESTION_AT = 12
NAME_OF_QUESTION = 0xC000 | QUESTION_AT  # section 4.1.4: a pointer to it


class Names:
    """A resolver on a UDP port of the loopback, for the length of the block."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self.addresses = {name: deque(known) for name, known in addresses.items()}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self.answer(question), client)

    def answer(self, question: bytes) -> bytes:
        """The answer to a message with one question."""
        name, end = _name_in(question)
        kind, _ = struct.unpack_from(">HH", question, end)
        found = self.addresses.get(name, deque()) if kind == A else deque()
        status = NO_ERROR if name in self.addresses else NO_SUCH_NAME
        head = question[:2] + struct.pack(">HHHHH", ANSWER | status, 1, len(found), 0, 0)
        record = struct.pack(">HHHIH", NAME_OF_QUESTION, A, INTERNET, TTL_S, 4)
        records = b"".join(record + socket.inet_aton(one) for one in found)
        found.rotate()
        return head + question[QUESTION_AT : end + 4] + records


def _name_in(question: bytes) -> tuple[str, int]:
    """The name that is asked for, and where what follows it begins."""
    labels, at = [], QUESTION_AT
    while size := question[at]:
        labels.append(question[at + 1 : at + 1 + size].decode("ascii"))
        at += size + 1
    return ".".join(labels), at + 1
