"""Our half towards the node: we are the client until its authentication is done (RFC 6143 sections 7.1, 7.2)."""

from enum import StrEnum

from consoles.rfb.buffer import ByteBuffer
from consoles.rfb.constants import (
    CHALLENGE_BYTES,
    MAX_REASON_BYTES,
    RESULT_OK,
    SECURITY_NONE,
    SECURITY_VNC,
    VERSION,
    VERSION_BYTES,
)
from consoles.rfb.errors import NodeBroke, NoUsableSecurity, PasswordRefused
from consoles.rfb.vncauth import answer


class NodeState(StrEnum):
    """How far we are. Each is left by bytes of the node alone; READY is the end."""

    VERSION = "version"
    SECURITY = "security"
    CHALLENGE = "challenge"
    RESULT = "result"
    READY = "ready"


class NodeSide:
    """Answers version, security and challenge; READY when the node waits for ClientInit."""

    def __init__(self, password: bytes) -> None:
        self.state = NodeState.VERSION
        self._password = password
        self._in = ByteBuffer(2 * MAX_REASON_BYTES, NodeBroke)
        self._out = bytearray()

    def receive(self, data: bytes) -> None:
        """Bytes of the node. In READY they wait for `left_over`.

        Raises NodeBroke, NoUsableSecurity or PasswordRefused.
        """
        self._in.put(data)
        while self.state is not NodeState.READY and self._step():
            pass

    def to_send(self) -> bytes:
        """What the node is to get next; empty when nothing is due."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def left_over(self) -> bytes:
        """What came after the handshake; it belongs to the browser."""
        return self._in.take_all()

    def _step(self) -> bool:
        """One move; False when more bytes are needed."""
        match self.state:
            case NodeState.VERSION:
                return self._version()
            case NodeState.SECURITY:
                return self._security()
            case NodeState.CHALLENGE:
                return self._challenge()
            case _:
                return self._result()

    def _version(self) -> bool:
        line = self._in.take(VERSION_BYTES)
        if line is None:
            return False
        if line != VERSION:
            raise NodeBroke("the node speaks another version of RFB")
        self._out += VERSION
        self.state = NodeState.SECURITY
        return True

    def _security(self) -> bool:
        count = self._in.peek(1)
        if count is None:
            return False
        if count[0] == 0:
            return self._refusal(1, NoUsableSecurity)
        types = self._in.take(1 + count[0])
        if types is None:
            return False
        chosen = next((kind for kind in (SECURITY_VNC, SECURITY_NONE) if kind in types[1:]), None)
        if chosen is None:
            raise NoUsableSecurity(f"the node offers security types {list(types[1:])}")
        self._out.append(chosen)
        self.state = NodeState.CHALLENGE if chosen == SECURITY_VNC else NodeState.RESULT
        return True

    def _challenge(self) -> bool:
        challenge = self._in.take(CHALLENGE_BYTES)
        if challenge is None:
            return False
        self._out += answer(challenge, self._password)
        self._password = b""
        self.state = NodeState.RESULT
        return True

    def _result(self) -> bool:
        result = self._in.peek(4)
        if result is None:
            return False
        if int.from_bytes(result) != RESULT_OK:
            return self._refusal(4, PasswordRefused)
        self._in.take(4)
        self.state = NodeState.READY
        return True

    def _refusal(self, at: int, refused: type[NodeBroke]) -> bool:
        """A reason of u32 length follows `at` bytes (7.1.2, 7.1.3): raised once it is whole."""
        head = self._in.peek(at + 4)
        if head is None:
            return False
        length = int.from_bytes(head[at:])
        if length > MAX_REASON_BYTES:
            raise NodeBroke(f"a reason of {length} bytes where {MAX_REASON_BYTES} may be")
        whole = self._in.peek(at + 4 + length)
        if whole is None:
            return False
        raise refused(whole[at + 4 :].decode("latin-1").strip("\0\n "))
