"""What a keyboard makes of key presses, by libxkbcommon and the layouts that Linux guests use themselves."""

import ctypes
import ctypes.util
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
