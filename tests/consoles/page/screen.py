"""The console's page as its person meets it, with a clock that tests move."""

from playwright.sync_api import Locator, Page, expect

from tests.consoles.conftest import House
from tests.pages.window import Window

OPEN_MS = 15_000
STEP_MS = 250
GLANCE_MS = 20
#: How many different colours a canvas has; 0 where there is none or it is hidden.
COLOURS = """(which) => { const one = document.querySelector(which); if (!one || one.hidden) return 0;
  const data = one.getContext("2d").getImageData(0, 0, one.width, one.height).data;
  return new Set(new Uint32Array(data.buffer)).size; }"""


class Screen:
    """One console's page in one window."""

    def __init__(self, window: Window, house: House, path: str = "") -> None:
        self.window, self.house = window, house
        self.path = path or f"/vms/{house.vm.pk}/console/"
        self.page: Page = window.page
        self.page.clock.install()

    def part(self, name: str) -> Locator:
        """An element of the panel by the name in its `data-console-` attribute."""
        return self.page.locator(f"[data-console-{name}]")

    def visit(self) -> "Screen":
        """Loads the page."""
        self.window.open(self.path)
        return self

    def open(self, word: str = "Connected") -> "Screen":
        """Loads the page and waits until the screen is there."""
        self.visit().is_now(word)
        return self

    def is_now(self, word: str) -> None:
        """Waits, in real time, for the word in the bar."""
        expect(self.part("state")).to_have_text(word, timeout=OPEN_MS)

    def says(self, sentence: str) -> None:
        """Waits for exactly this sentence over the screen."""
        expect(self.part("text")).to_have_text(sentence, timeout=OPEN_MS)

    def offers(self, word: str) -> None:
        """Waits for the button or link that leads on."""
        expect(
            self.page.locator("[data-console-cover] .btn:visible").get_by_text(word, exact=True).first
        ).to_be_visible(timeout=OPEN_MS)

    def pass_time(self, seconds: float) -> None:
        """The page lives through it at once."""
        self.page.clock.run_for(round(seconds * 1000))

    def back_within_s(self, seconds: float, word: str = "Connected") -> float:
        """Seconds until the screen is there again without a click: the page's own while it waits, else real ones."""
        passed_ms = 0
        while passed_ms <= seconds * 1000:
            if self.part("state").inner_text() == word:
                return passed_ms / 1000
            is_waiting = self.part("count").inner_text() != "" or self.part("start").is_visible()
            if is_waiting:
                self.page.clock.run_for(STEP_MS)
            else:
                self.page.wait_for_timeout(GLANCE_MS)
            passed_ms += STEP_MS if is_waiting else GLANCE_MS
        raise AssertionError(f"not back within {seconds} s: {self.part('title').inner_text()}")

    def colours(self) -> int:
        """How many different colours the kept picture has; 0 where none is kept."""
        found: int = self.window.run(COLOURS, "[data-console-kept]")
        return found

    def painted(self) -> "Screen":
        """Waits, in real time, until the picture is there: it comes a moment after the word."""
        for _ in range(OPEN_MS // STEP_MS):
            if self.window.run(COLOURS, "[data-console-screen] canvas") > 1:
                return self
            self.page.wait_for_timeout(STEP_MS)
        raise AssertionError("no picture came")
