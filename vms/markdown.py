"""Notes of machines as HTML: Markdown as GitHub has it, without raw HTML, images and anything that could run.

Two locks: the renderer escapes HTML, and the result passes an allow list of elements and addresses all the same.
"""

from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

TAGS: Final = frozenset(
    {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h3", "h4", "h5", "h6"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)
#: Headings of notes begin below the page's own.
_LEVELS: Final = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}


def rendered(text: str) -> str:
    """Safe HTML of notes. Links lead to http, https and mailto only and say nothing about where they were."""
    html = _renderer().render(text)
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={"a": {"href"}, "*": set()},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _renderer() -> MarkdownIt:
    """A renderer of its own for each text: it keeps state while it works, and pages are made in several threads."""
    made = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    made.disable("image")
    made.core.ruler.push("lower_headings", _lower)
    return made


def _lower(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _LEVELS[token.tag]
