"""The few words beside the screen: text frames on the console's own socket. RFB has no room for them.

    from the browser   "ping 17"   answered by the same number: the round trip
                       "stay"      the person is there although nothing was typed
                       "broke"     its program does not understand what the machine's screen said
    to the browser     one JSON object a frame, with one of these keys:
      {"pong": 17}
      {"hello": {"visit": 5, "mode": "control", "idle_s": 7200, "limit_s": 28800}}   idle_s null: no idle end
      {"people": [{"name": "rita", "mode": "watch", "you": false}, ...]}              whoever has this screen open
      {"warn": {"end": "idle", "seconds": 60}}   or {"warn": null}: it is not near any more
      {"ended": {"by": "rita", "reason": "..."}}  just before the close frame of an end that somebody asked for
      {"moving": "pve2"}                          just before that of a machine that goes there, where that is known

Anything else a browser sends as text is a breach.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

#: Ten digits are enough for a counter; leading zeros would be another spelling of the same.
_PING = re.compile(r"ping (0|[1-9][0-9]{0,9})", re.ASCII)
MAX_TEXT_BYTES = 32
#: A page asks once a second; this many in a row are forgiven.
MAX_BURST = 20


class NoticeBroke(Exception):
    """The browser sent a text that is none of ours."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Wants its number back."""

    number: int


@dataclass(frozen=True, slots=True)
class Stay:
    """Counts as a key."""


@dataclass(frozen=True, slots=True)
class Broke:
    """Gives up on this screen."""


_WORDS: dict[str, Stay | Broke] = {"stay": Stay(), "broke": Broke()}


def read(data: bytes) -> Ping | Stay | Broke:
    """What a text frame of the browser says. Raises NoticeBroke."""
    text = data[: MAX_TEXT_BYTES + 1].decode("ascii", "replace")
    if (word := _WORDS.get(text)) is not None:
        return word
    if (found := _PING.fullmatch(text)) is None:
        raise NoticeBroke("the browser sent text")
    return Ping(int(found[1]))


def write(key: str, value: Any) -> bytes:
    """One notice to the browser."""
    return json.dumps({key: value}, ensure_ascii=False, separators=(",", ":")).encode()


class Pace:
    """Lets through as many texts as a page sends: one a second and MAX_BURST at once."""

    def __init__(self) -> None:
        self._left, self._at = float(MAX_BURST), 0.0

    def take(self, now: float) -> bool:
        """False when they come too fast. `now` in seconds of any clock that only goes forward."""
        self._left = min(float(MAX_BURST), self._left + 2 * (now - self._at)) if self._at else self._left
        self._at = now
        self._left -= 1
        return self._left >= 0
