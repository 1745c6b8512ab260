"""What a keyboard makes of key presses, by libxkbcommon and the layouts that Linux guests use themselves."""

import ctypes
import ctypes.util
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

#: Where a key lies: browsers' name to evdev's number, as XKB counts it (plus 8).
KEYCODES: Mapping[str, int] = {
    **{f"Digit{n}": 9 + n for n in range(1, 10)}, "Digit0": 19, "Minus": 20, "Equal": 21, "Tab": 23,
    **{f"Key{letter}": 24 + n for n, letter in enumerate("QWERTYUIOP")}, "BracketLeft": 34, "BracketRight": 35,
    "Enter": 36, **{f"Key{letter}": 38 + n for n, letter in enumerate("ASDFGHJKL")}, "Semicolon": 47, "Quote": 48,
    "Backquote": 49, "ShiftLeft": 50, "Backslash": 51, **{f"Key{letter}": 52 + n for n, letter in enumerate("ZXCVBNM")},
    "Comma": 59, "Period": 60, "Slash": 61, "Space": 65, "IntlBackslash": 94, "AltRight": 108,
}  # fmt: skip
XKB_NAMES = {"us": "us", "uk": "gb", "de": "de"}
DEAD = {0xFE50: "`", 0xFE51: "´", 0xFE52: "^"}
DOWN, UP = 1, 0
SHIFT, ALT_GR = KEYCODES["ShiftLeft"], KEYCODES["AltRight"]
#: What Linux's own keyboard driver holds at a key that is no character, by evdev's number: Esc, Backspace, Tab, Enter,
#: Ctrl, Shift, Alt, AltGr (linux/keyboard.h).
FIXED = {1: 0x1B, 14: 0x7F, 15: 0x09, 28: 0x201, 29: 0x702, 97: 0x702, 42: 0x700, 54: 0x700, 56: 0x703, 100: 0x701}
HOLE, LETTER, DEAD_SIGN, UNICODE = 0x200, 0xB00, 0xD00, 0xF000
KEYS, TABLES = 128, 256


class Names(ctypes.Structure):
    """struct xkb_rule_names"""

    _fields_ = [(name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")]


class Keyboard:
    """One layout; `typed` is what a guest reads."""

    def __init__(self, layout: str) -> None:
        self.lib = library()
        context = self.lib.xkb_context_new(0)
        names = Names(b"evdev", b"pc105", XKB_NAMES[layout].encode(), b"", b"")
        keymap = self.lib.xkb_keymap_new_from_names(ctypes.c_void_p(context), ctypes.byref(names), 0)
        assert keymap, f"libxkbcommon knows no layout {layout}"
        self.state = ctypes.c_void_p(self.lib.xkb_state_new(ctypes.c_void_p(keymap)))

    def typed(self, events: Iterable[Mapping[str, Any]]) -> str:
        """The text that these presses make; a dead key and a space make the dead key's own sign."""
        text, waiting = "", ""
        for event in events:
            code = KEYCODES[event["code"]]
            if event["down"] and (made := self._made(code)):
                text += waiting if waiting and made == " " else made
                waiting = ""
            elif event["down"] and (dead := DEAD.get(self.lib.xkb_state_key_get_one_sym(self.state, code), "")):
                waiting = dead
            self.lib.xkb_state_update_key(self.state, code, DOWN if event["down"] else UP)
        return text

    def for_linux(self) -> bytes:
        """The layout as `loadkmap` of busybox reads it: which tables there are, and each table's 128 entries."""
        tables = [self._table(held) for held in ((), (SHIFT,), (ALT_GR,), (SHIFT, ALT_GR))]
        flags = bytes(number < len(tables) for number in range(TABLES))
        return b"bkeymap" + flags + b"".join(struct.pack(f"<{KEYS}H", *table) for table in tables)

    def _table(self, held: tuple[int, ...]) -> list[int]:
        for modifier in held:
            self.lib.xkb_state_update_key(self.state, modifier, DOWN)
        table = [FIXED.get(code) or self._entry(code + 8) for code in range(KEYS)]
        for modifier in held:
            self.lib.xkb_state_update_key(self.state, modifier, UP)
        return table

    def _entry(self, code: int) -> int:
        """A dead key stands for its sign, which its own key and a space make."""
        if dead := DEAD.get(self.lib.xkb_state_key_get_one_sym(self.state, code), ""):
            return DEAD_SIGN | ord(dead)
        made = self._made(code)
        if len(made) != 1 or not made.isprintable():
            return HOLE
        if not made.isascii():
            return ord(made) ^ UNICODE
        return ord(made) | (LETTER if made.isalpha() else 0)

    def _made(self, code: int) -> str:
        buffer = ctypes.create_string_buffer(16)
        self.lib.xkb_state_key_get_utf8(self.state, code, buffer, 16)
        return buffer.value.decode().replace("\r", "\n")


def library() -> Any:
    """libxkbcommon, which Chromium brings along."""
    name = ctypes.util.find_library("xkbcommon")
    if name is None:
        pytest.skip("needs libxkbcommon: it comes with Chromium, which make test installs")
    lib = ctypes.CDLL(name)
    for function in ("xkb_context_new", "xkb_keymap_new_from_names", "xkb_state_new"):
        getattr(lib, function).restype = ctypes.c_void_p
    lib.xkb_state_key_get_one_sym.restype = ctypes.c_uint32
    return lib
