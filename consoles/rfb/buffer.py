"""Bytes in; exactly n bytes out, or nothing yet."""

from consoles.rfb.errors import RfbError


class ByteBuffer:
    """Holds what arrived and was not taken; refuses to hold more than `max_bytes`."""

    def __init__(self, max_bytes: int, broken: type[RfbError]) -> None:
        """`broken` is raised when a peer sends more than may wait."""
        self._bytes = bytearray()
        self._max_bytes = max_bytes
        self._broken = broken

    def __len__(self) -> int:
        return len(self._bytes)

    def put(self, data: bytes) -> None:
        """Appends. Raises `broken` above the maximum."""
        if len(self._bytes) + len(data) > self._max_bytes:
            raise self._broken(f"{len(self._bytes) + len(data)} bytes wait where {self._max_bytes} may")
        self._bytes += data

    def peek(self, count: int) -> bytes | None:
        """The first `count` bytes, left where they are; None while they are not all there."""
        return bytes(self._bytes[:count]) if len(self._bytes) >= count else None

    def take(self, count: int) -> bytes | None:
        """The first `count` bytes, removed; None while they are not all there."""
        if len(self._bytes) < count:
            return None
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        return taken

    def take_all(self) -> bytes:
        """Whatever is there, removed."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken
