"""Where the search begins: conversations as they should be, made by this code."""

from pathlib import Path

from tests.consoles.fuzz import joints
from tests.consoles.fuzz.joints import ANSWER, program
from tests.consoles.rfb.conversations import (
    BROWSER_HELLO,
    BROWSER_INIT,
    BROWSER_TYPE,
    CHALLENGE,
    CLIPBOARD,
    KEY_A,
    NODE_FAILED,
    NODE_HELLO,
    NODE_OK,
    NODE_TYPES,
    PIXEL_FORMAT,
    POINTER,
    QEMU_KEY,
    SERVER_INIT,
    encodings,
    request,
)

CUT = b"\x07\x03"
MESSAGES = (PIXEL_FORMAT, encodings(5, 16, -316), request(), KEY_A, POINTER, CLIPBOARD, QEMU_KEY)
NODE = NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK
BROWSER = BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT
FRAMES = (
    b"\x82\x03abc", b"\x89\x02hi", b"\x88\x02\x03\xe8", b"\x82\x7e\x00\x80" + bytes(128), b"\x00\x01a", b"\x8a\x00",
    b"\x82\x7f" + (70_000).to_bytes(8), b"\x82\x7f" + (2**63).to_bytes(8),
)  # fmt: skip
OPENING = program((0, NODE), (1, BROWSER), (0, SERVER_INIT))
SEEDS: dict[str, tuple[bytes, ...]] = {
    "frames": (*(CUT + one for one in FRAMES), CUT + b"".join(FRAMES[:2]) * 3),
    "node_side": tuple(
        CUT + one for one in (NODE, NODE[:-4] + NODE_FAILED, NODE_HELLO + b"\x01\x01" + NODE_OK, NODE_HELLO + b"\0")
    ),
    "browser_side": (CUT + BROWSER, CUT + BROWSER + KEY_A),
    "client_messages": (*(CUT + one for one in MESSAGES), CUT + b"".join(MESSAGES)),
    "session": (
        *(OPENING + program((joints.BROWSER, one), (joints.HOLD, b""), (joints.BROWSER, request()),
                            (joints.RELEASE, b""), (joints.ALIVE, b""), (joints.NODE, b"pixels")) for one in MESSAGES),
        program((0, NODE[:-4] + NODE_FAILED), (5, b""), (0, NODE), (1, BROWSER)),
    ),
    "bridge": (
        *(OPENING + program((1, one), (2, b"ping 7"), (3, b""), (1, request()), (4, b""), (8, bytes(200)), (2, b"stay"))
          for one in MESSAGES),
        program((0, NODE[:-4] + NODE_FAILED), (7, b""), (0, NODE), (1, BROWSER), (9, bytes(10))),
    ),
    "node_socket": (
        *(program((0, ANSWER), (1, one), (4, b"keys"), (5, b"x"), (1, b"\x89\x00"), (5, b"")) for one in FRAMES),
        program((0, b"HTTP/1.1 401 No ticket\r\n\r\n")), program((3, ANSWER + FRAMES[0]), (7, bytes(10))),
    ),
}  # fmt: skip
SEEDS["planted"] = SEEDS["frames"]
WORDS = (
    NODE_HELLO, NODE_TYPES, NODE_OK, NODE_FAILED[:8], b"\x01\x01", b"ping ", b"stay", b"\x03\0", b"\xff\0", b"\x82\x7e",
    b"\x82\x7f", b"HTTP/1.1 101", b"Upgrade: websocket\r\n", b"Sec-WebSocket-Accept: @@\r\n", b"\r\n\r\n", *MESSAGES,
)  # fmt: skip


def write(reader: str, folder: Path) -> Path:
    """Each seed a file of the folder, and beside them the dictionary of words; returns its path."""
    corpus = folder / reader
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[reader]):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / f"{reader}.words"
    words.write_text("\n".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in WORDS) + "\n")
    return words
