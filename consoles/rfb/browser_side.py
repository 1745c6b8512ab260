"""Our half towards the browser: we are the server until it has sent ClientInit (RFC 6143 sections 7.1, 7.3.1)."""

from enum import StrEnum

from consoles.rfb.buffer import ByteBuffer
from consoles.rfb.constants import RESULT_OK, SECURITY_NONE, VERSION, VERSION_BYTES
from consoles.rfb.errors import BrowserBroke

#: A browser has nothing to send ahead of our answers but its first requests.
MAX_WAITING_BYTES = 64 * 1024


class BrowserState(StrEnum):
    """How far we are. Each is left by bytes of the browser alone; READY is the end."""

    VERSION = "version"
    SECURITY = "security"
    INIT = "init"
    READY = "ready"


class BrowserSide:
    """Greets, offers security type None alone, takes ClientInit. The socket was authorised before it was accepted."""

    def __init__(self) -> None:
        self.state = BrowserState.VERSION
        self._in = ByteBuffer(MAX_WAITING_BYTES, BrowserBroke)
        self._out = bytearray(VERSION)

    def receive(self, data: bytes) -> None:
        """Bytes of the browser; in READY they wait for `left_over`. Raises BrowserBroke."""
        self._in.put(data)
        while self.state is not BrowserState.READY and self._step():
            pass

    def to_send(self) -> bytes:
        """What the browser is to get next; the greeting at first."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def left_over(self) -> bytes:
        """What came after ClientInit; it belongs to the messages."""
        return self._in.take_all()

    def _step(self) -> bool:
        """One move; False when more bytes are needed."""
        match self.state:
            case BrowserState.VERSION:
                return self._version()
            case BrowserState.SECURITY:
                return self._security()
            case _:
                return self._init()

    def _version(self) -> bool:
        line = self._in.take(VERSION_BYTES)
        if line is None:
            return False
        if line != VERSION:
            raise BrowserBroke("the browser speaks another version of RFB")
        self._out += bytes((1, SECURITY_NONE))
        self.state = BrowserState.SECURITY
        return True

    def _security(self) -> bool:
        chosen = self._in.take(1)
        if chosen is None:
            return False
        if chosen[0] != SECURITY_NONE:
            raise BrowserBroke(f"the browser chose security type {chosen[0]}, which was not offered")
        self._out += RESULT_OK.to_bytes(4)
        self.state = BrowserState.INIT
        return True

    def _init(self) -> bool:
        shared = self._in.take(1)
        if shared is None:
            return False
        # Its shared flag is not looked at: one member must not end another's console (7.3.1).
        self.state = BrowserState.READY
        return True
