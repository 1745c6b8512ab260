"""The picture of the test card: a palette image with colour bars, a title, and the text that was typed."""

from collections.abc import Callable
from dataclasses import dataclass

from devcluster.card_font import glyph

WIDTH, HEIGHT = 640, 400
BACKGROUND, INK, DIM = 0, 7, 8
BARS = (7, 6, 5, 4, 3, 2, 1)
BARS_END, TITLE_Y, HINT_Y, TEXT_TOP = 120, 132, 164, 190
SCALE, TITLE_SCALE = 2, 3
CELL_WIDTH, LINE_HEIGHT = 6 * SCALE, 9 * SCALE
COLUMNS, LINES = WIDTH // CELL_WIDTH - 1, (HEIGHT - TEXT_TOP) // LINE_HEIGHT
MARGIN = CELL_WIDTH // 2

PALETTE = (
    (16, 20, 28),
    (40, 70, 200),
    (200, 50, 50),
    (190, 60, 190),
    (50, 170, 80),
    (50, 180, 190),
    (210, 190, 60),
    (235, 238, 242),
    (130, 140, 155),
)

# Told which rows changed: first, and one past the last.
Watcher = Callable[[int, int], None]


@dataclass(frozen=True)
class PixelFormat:
    """As in SetPixelFormat, RFC 6143 7.4; only true colour."""

    bytes_per_pixel: int = 4
    big_endian: bool = False
    maxima: tuple[int, int, int] = (255, 255, 255)
    shifts: tuple[int, int, int] = (16, 8, 0)

    def planes(self) -> list[bytes]:
        """For each byte of a pixel a table from palette index to that byte."""
        order = "big" if self.big_endian else "little"
        pixels = [self._pixel(colour).to_bytes(self.bytes_per_pixel, order) for colour in PALETTE]  # type: ignore[arg-type]
        return [bytes(pixel[n] for pixel in pixels).ljust(256, b"\0") for n in range(self.bytes_per_pixel)]

    def _pixel(self, colour: tuple[int, int, int]) -> int:
        parts = zip(colour, self.maxima, self.shifts, strict=True)
        return sum((value * top // 255) << shift for value, top, shift in parts)


class Picture:
    def __init__(self, title: str) -> None:
        self._title = title
        self._rows = bytearray(WIDTH * HEIGHT)
        self._lines = [""]
        self._roll = 0
        self.watchers: set[Watcher] = set()
        self.clear()

    def clear(self) -> None:
        """As after a reset: nothing typed yet."""
        self._lines = [""]
        self._fill(0, HEIGHT, BACKGROUND)
        width = WIDTH // len(BARS) + 1
        bar_row = b"".join(bytes((colour,)) * width for colour in BARS)[:WIDTH]
        self._rows[: WIDTH * BARS_END] = bar_row * BARS_END
        self._write(self._title[:34], MARGIN, TITLE_Y, TITLE_SCALE, INK)
        self._write("painted test card: what you type appears below", MARGIN, HINT_Y, SCALE, DIM)
        self._changed(0, HEIGHT)

    def type(self, character: str) -> None:
        """A printable character, `\\n` or `\\b`; old lines move up and out."""
        if character == "\b":
            self._lines[-1] = self._lines[-1][:-1]
        elif character == "\n" or len(self._lines[-1]) >= COLUMNS:
            self._lines.append("" if character == "\n" else character)
        else:
            self._lines[-1] += character
        self._lines = self._lines[-LINES:]
        self._draw_text()

    def roll(self) -> None:
        """Move the whole picture a little, so that every row differs from before."""
        self._roll = (self._roll + 8) % HEIGHT

    def pixels(self, first: int, end: int, planes: list[bytes]) -> bytes:
        """Whole rows in raw encoding."""
        start = self._roll * WIDTH
        turned = self._rows[start:] + self._rows[:start] if start else self._rows
        rows = turned[first * WIDTH : end * WIDTH]
        out = bytearray(len(rows) * len(planes))
        for n, plane in enumerate(planes):
            out[n :: len(planes)] = rows.translate(plane)
        return bytes(out)

    def _draw_text(self) -> None:
        self._fill(TEXT_TOP, HEIGHT, BACKGROUND)
        for n, line in enumerate(self._lines):
            shown = line + ("_" if n == len(self._lines) - 1 else "")
            self._write(shown, MARGIN, TEXT_TOP + n * LINE_HEIGHT, SCALE, INK)
        self._changed(TEXT_TOP, HEIGHT)

    def _fill(self, first: int, end: int, colour: int) -> None:
        self._rows[first * WIDTH : end * WIDTH] = bytes((colour,)) * ((end - first) * WIDTH)

    def _write(self, text: str, x: int, y: int, scale: int, colour: int) -> None:
        dot = bytes((colour,)) * scale
        for n, character in enumerate(text):
            for row, dots in enumerate(glyph(character)):
                for column in (column for column in range(5) if dots & (16 >> column)):
                    self._dot(dot, x + (n * 6 + column) * scale, y + row * scale)

    def _dot(self, dot: bytes, x: int, y: int) -> None:
        for line in range(y, y + len(dot)):
            start = line * WIDTH + x
            self._rows[start : start + len(dot)] = dot

    def _changed(self, first: int, end: int) -> None:
        for watcher in list(self.watchers):
            watcher(first, end)
