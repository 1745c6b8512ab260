"""What a hostile browser may send: each way with what has to come of it."""

import asyncio
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from consoles import close_codes
from consoles.close_codes import End
from tests.consoles.browser import Browser
from tests.consoles.rfb.conversations import BROWSER_HELLO, BROWSER_INIT, BROWSER_TYPE, KEY_A, encodings, request

STORM = 3000
BROKE = frozenset({close_codes.BROWSER_BROKE})
#: It lives: nothing ends, and the screen still answers.
LIVES: frozenset[End] = frozenset()
NO_MASK = bytes(4)
SHIFT = struct.pack(">BBHI", 4, 1, 0, 0xFFE1)
Act = Callable[[Browser, random.Random], None]


@dataclass(frozen=True)
class Attack:
    """`act` sends it, `ahead` before the handshake instead of after it; then one of `ends`, or it lives."""

    act: Act
    ends: frozenset[End] = BROKE
    is_ahead: bool = False


def frame(first: int, payload: bytes = b"") -> bytes:
    """A short masked frame."""
    return bytes((first, 0x80 | len(payload))) + NO_MASK + payload


def _sent(*frames: tuple[int, bytes]) -> Act:
    def act(browser: Browser, chance: random.Random) -> None:
        for first, payload in frames:
            browser.send(payload, first)

    return act


def _raw(data: bytes) -> Act:
    return lambda browser, chance: browser.send_raw(data)


def _unknown_message(browser: Browser, chance: random.Random) -> None:
    kind = chance.choice(sorted(set(range(256)) - {0, 2, 3, 4, 5, 6, 255}))
    browser.send(bytes((kind,)) + chance.randbytes(chance.randrange(200)))


def _noise(browser: Browser, chance: random.Random) -> None:
    browser.send_raw(b"\x03" + chance.randbytes(chance.randrange(2, 2000)))


def _key_in_single_bytes(browser: Browser, chance: random.Random) -> None:
    for byte in KEY_A + request():
        browser.send(bytes((byte,)))


def _key_in_fragments(browser: Browser, chance: random.Random) -> None:
    for n, byte in enumerate(KEY_A):
        browser.send(bytes((byte,)), (0x02 if n == 0 else 0x00) | (0x80 if n == len(KEY_A) - 1 else 0))


OPEN: dict[str, Attack] = {
    # frames
    "text": Attack(_sent((0x81, b"hello"))),
    "text that is nearly a word": Attack(_sent((0x81, b"ping 007"))),
    "text that is no text": Attack(_sent((0x81, b"\xff\xfe"))),
    "words without end": Attack(_raw(frame(0x81, b"ping 1") * 400)),
    "unmasked": Attack(_raw(b"\x82\x01a")),
    "reserved bits": Attack(_sent((0xC2, b"a"))),
    "unknown kind": Attack(_sent((0x83, b"a"))),
    "unknown control": Attack(_sent((0x8B, b"a"))),
    "ping in parts": Attack(_sent((0x09, b"a"))),
    "ping too long": Attack(_sent((0x89, bytes(126)))),
    "2^63 bytes": Attack(_raw(b"\x82\xff" + (2**63).to_bytes(8) + NO_MASK + bytes(100))),
    "2^62 bytes": Attack(_raw(b"\x82\xff" + (2**62).to_bytes(8) + NO_MASK + bytes(100))),
    "long length of a short frame": Attack(_raw(b"\x82\xfe\x00\x01" + NO_MASK + b"a")),
    "oversized": Attack(_sent((0x82, bytes(300_000)))),
    "oversized in parts": Attack(_sent((0x02, bytes(60_000)), *[(0x00, bytes(60_000))] * 5)),
    "empty parts without end": Attack(_raw(frame(0x02) + frame(0x00) * 6000)),
    "a part without a beginning": Attack(_sent((0x80, b"a"))),
    "a message inside another": Attack(_sent((0x02, b"\x04"), (0x82, b"\x04"))),
    "close with half a code": Attack(_raw(b"\x88\x81" + NO_MASK + b"\x03")),
    "noise": Attack(_noise),
    # RFB
    "unknown message": Attack(_unknown_message),
    "pointer with bit 7": Attack(_sent((0x82, struct.pack(">BBHHB", 5, 0x80, 1, 1, 1)))),
    "a gigabyte of clipboard": Attack(_sent((0x82, struct.pack(">B3xI", 6, 2**30)))),
    "clipboard of less than nothing": Attack(_sent((0x82, struct.pack(">B3xi", 6, -2)))),
    "65,535 encodings": Attack(_sent((0x82, struct.pack(">BBH", 2, 0, 65_535)))),
    "QEMU message 1": Attack(_sent((0x82, b"\xff\x01\0\0"))),
    # what is allowed, without measure
    "ping storm": Attack(_raw(frame(0x89) * STORM), LIVES),
    "pong storm": Attack(_raw(frame(0x8A, b"pong") * STORM), LIVES),
    "empty frames": Attack(_raw(frame(0x82) * STORM), LIVES),
    "empty parts": Attack(_raw(frame(0x02) + frame(0x00) * STORM + frame(0x80)), LIVES),
    "a key byte by byte": Attack(_key_in_single_bytes, LIVES),
    "a key in parts": Attack(_key_in_fragments, LIVES),
    "encodings nobody knows": Attack(_sent((0x82, encodings(*range(-9256, -9000)))), LIVES),
    "keys without end": Attack(_raw(frame(0x82, SHIFT) * STORM), LIVES),
    "long messages of pointer moves": Attack(_sent(*[(0x82, struct.pack(">BBHH", 5, 0, 1, 1) * 10_000)] * 3), LIVES),
    "a request of everything, often": Attack(_raw(frame(0x82, request(width=65_535, height=65_535)) * 500), LIVES),
}  # fmt: skip
AHEAD: dict[str, Attack] = {
    "another version": Attack(_sent((0x82, b"RFB 003.889\n")), is_ahead=True),
    "HTTP": Attack(_sent((0x82, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")), is_ahead=True),
    "HTTP without a frame": Attack(_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), is_ahead=True),
    "a security type not offered": Attack(_sent((0x82, BROWSER_HELLO + b"\x02")), is_ahead=True),
    "too much ahead": Attack(
        _sent((0x82, BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT + KEY_A * 9000)), is_ahead=True),
    "a breach ahead": Attack(_sent((0x82, BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT + b"\xfa")), is_ahead=True),
    "nothing at all": Attack(lambda browser, chance: None, is_ahead=True),
    "half a version": Attack(_sent((0x82, b"RFB 0")), is_ahead=True),
}  # fmt: skip
#: It hangs up itself, in the middle of things.
HANGS_UP: dict[str, Attack] = {
    "hangs up inside a frame": Attack(_raw(b"\x82\xfe\xff\xff" + NO_MASK + bytes(1000))),
    "hangs up inside a head": Attack(_raw(b"\x82\xff\0\0")),
    "hangs up inside a message": Attack(_sent((0x82, struct.pack(">B3xI", 6, 60_000)))),
    "hangs up at once": Attack(lambda browser, chance: None, is_ahead=True),
}
KINDS = {**OPEN, **AHEAD, **HANGS_UP}


async def attack(browser: Browser, name: str, chance: random.Random) -> str:
    """Carries it out to the end; what was wrong, empty when all came as it has to."""
    way = KINDS[name]
    if not way.is_ahead:
        await browser.start_console()
    way.act(browser, chance)
    if name in HANGS_UP:
        await asyncio.sleep(0)
        browser.close()
        return ""
    if way.ends == LIVES:
        browser.payload.clear()
        browser.send(request(incremental=0))
        await browser.read_until(lambda payload: len(payload) > 100_000, within_s=20)
        browser.close()
        return ""
    code = await browser.read_to_end(within_s=20)
    return "" if code in {end.code for end in way.ends} else f"{name}: closed with {code}"
