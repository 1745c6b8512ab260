"""U-22: the checkers are alive: each planted fault is caught, or the suite fails."""

import pytest
from playwright.sync_api import Browser

from tests.cast import Cast, make_cast
from tests.figures import figure
from tests.pages.axe import violations
from tests.pages.geometry import flaws
from tests.pages.scenes import everyday
from tests.pages.window import PHONE, Window

pytestmark = pytest.mark.browser

HERE = "position:absolute;left:20px;top:100px;width:80px;height:40px"
#: what is planted: (script, who must catch it, a word of what they say)
FAULTS: dict[str, tuple[str, str, str]] = {
    "a field without a label": ("h.innerHTML += '<input type=text>'", "axe", "label:"),
    "low contrast": ("document.querySelector('h1').style.color = '#bbb'", "axe", "color-contrast:"),
    "a tabindex above 0": ("h.innerHTML += '<a href=/ tabindex=3>there</a>'", "axe", "tabindex:"),
    "no language": ("document.documentElement.removeAttribute('lang')", "axe", "html-has-lang:"),
    "a label that names nothing": ("h.innerHTML += '<div role=dialog></div>'", "axe", "aria-dialog-name:"),
    "an image without words": ("h.innerHTML += '<img src=data:,>'", "axe", "image-alt:"),
    "a button without a name": ("h.innerHTML += '<button></button>'", "axe", "button-name:"),
    "a jump in headings": ("h.insertAdjacentHTML('afterend', '<h5>small</h5>')", "axe", "heading-order:"),
    "a button within a button": (
        "h.innerHTML += '<div role=button tabindex=0>a<button>b</button></div>'", "axe", "nested-interactive:"),
    "a list with a stray child": ("h.innerHTML += '<ul><div>x</div></ul>'", "axe", "list:"),
    "two h1": ("h.insertAdjacentHTML('afterend', '<h1>again</h1>')", "geometry", "2 h1"),
    "a target of 20 px": ("put('x', 'all:unset;width:20px;height:20px')", "geometry", "smaller than 24 px"),
    "something too wide": ("h.style.width = '900px'", "geometry", "outside the window"),
    "one button on another": (f"put('first', '{HERE}'); put('second', '{HERE}')", "geometry", "on top of each other"),
    "a strip beside the page": ("document.querySelector('main').style.width = '120px'", "geometry", "main is"),
    "a door beside its place": (
        "document.body.classList.add('door'); document.querySelector('main').style.marginLeft = '40px'",
        "geometry", "the door is"),
    "a focused button under a bar": (
        "document.querySelector('.topbar').style.cssText = 'position:fixed;inset:0'", "geometry", "focused under"),
}  # fmt: skip

#: Styles are set by the object model: the page's policy refuses style attributes.
PLANT = """() => {
  const h = document.querySelector(".head");
  const put = (text, style) => {
    const one = document.createElement("button");
    one.textContent = text;
    one.style.cssText = style;
    h.append(one);
  };
  %s
}"""


@pytest.fixture
def window(transactional_db: None, chromium: Browser, site: str) -> Window:
    """Alice's list on a phone, in which nothing is wrong."""
    cast: Cast = make_cast()
    everyday(cast)
    return Window(chromium, site, cast.alice, size=PHONE)


def test_every_planted_fault_is_caught(window: Window) -> None:
    judges = {"axe": violations, "geometry": flaws}
    missed = []

    with window:
        window.open("/")
        assert violations(window) + flaws(window) == []
        for fault, (script, judge, word) in FAULTS.items():
            window.open("/")
            window.run(PLANT % script)
            if not any(word in line for line in judges[judge](window)):
                missed.append(fault)

    assert not missed, missed
    assert len(FAULTS) >= 12
    figure("U-22", "planted", len(FAULTS), "caught", len(FAULTS) - len(missed))


def test_a_breach_of_the_policy_is_noticed(window: Window) -> None:
    """Control: the window complains about an inline script, a foreign address and a broken script."""
    with window:
        page = window.open("/")
        page.evaluate("() => { const s = document.createElement('script'); s.text = 'x'; document.body.append(s) }")
        page.evaluate("() => { const i = new Image(); i.src = 'https://127.0.0.1:1/x.png' }")
        with page.expect_event("pageerror"):
            page.evaluate("() => setTimeout(() => { throw new Error('planted') })")

    assert any("Content Security Policy" in line for line in window.complaints)
    assert any("planted" in line for line in window.complaints)
