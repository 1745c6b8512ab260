"""The two clocks of a person's own: how long a console may be open, and how long nobody may use it. No I/O."""

from dataclasses import dataclass

from consoles import close_codes
from consoles.close_codes import End


@dataclass(frozen=True, slots=True)
class NearEnd:
    """An end that is near: its word, and whole seconds until it comes."""

    end: str
    seconds: int


class Clocks:
    """Times are seconds of one clock that only goes forward. A limit of 0 is none."""

    def __init__(self, now: float, *, max_s: float, idle_s: float, warn_s: float) -> None:
        self._opened_at = self._used_at = now
        self._max_s, self._idle_s, self._warn_s = max_s, idle_s, warn_s

    def used(self, now: float) -> None:
        """A key, the pointer, or a word that the person is there."""
        self._used_at = now

    def end(self, now: float) -> End | None:
        """Which end has come."""
        if self._max_s and now - self._opened_at >= self._max_s:
            return close_codes.TIME_LIMIT
        if self._idle_s and now - self._used_at >= self._idle_s:
            return close_codes.IDLE
        return None

    def warning(self, now: float) -> NearEnd | None:
        """The end that comes first, from `warn_s` before it on."""
        ends = []
        if self._max_s:
            ends.append((self._opened_at + self._max_s, close_codes.TIME_LIMIT.word))
        if self._idle_s:
            ends.append((self._used_at + self._idle_s, close_codes.IDLE.word))
        at, word = min(ends, default=(0.0, ""))
        return NearEnd(word, max(1, round(at - now))) if word and at - now <= self._warn_s else None
