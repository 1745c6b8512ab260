"""Notes become HTML that shows what was written and runs nothing."""

import re

import pytest

from vms.markdown import TAGS, rendered

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "![x](https://example.org/pixel.png)",
    '[x](https://example.org "onclick=alert(1)")',
    "<a href='https://example.org' onclick='alert(1)'>x</a>",
    "<svg/onload=alert(1)>",
    "<iframe src=//example.org></iframe>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "<https://example.org/><style>*{display:none}</style>",
    "| <b onmouseover=x> |\n|---|\n| <form action=/> |",
    "[x]: javascript:alert(1)\n\n[x]",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_somebody_writes_to_run_is_shown_as_text(text: str) -> None:
    elements = re.findall(r"<([a-z0-9]+)([^>]*)>", rendered(text))

    assert {name for name, _ in elements} <= TAGS
    for name, attributes in elements:
        allowed = r'( href="(https?:|mailto:)[^"]*")?( rel="noopener noreferrer nofollow")?' if name == "a" else ""
        assert re.fullmatch(allowed, attributes)


def test_ordinary_notes_look_as_written() -> None:
    html = rendered("# Web\n\n**Ours**, see [the wiki](https://example.org/w).\n\n- one\n- `two`")

    assert "<h3>Web</h3>" in html
    assert "<strong>Ours</strong>" in html
    assert '<a href="https://example.org/w" rel="noopener noreferrer nofollow">the wiki</a>' in html
    assert html.count("<li>") == 2
    assert "<code>two</code>" in html


def test_a_line_stays_a_line() -> None:
    assert "<br>" in rendered("first\nsecond")
