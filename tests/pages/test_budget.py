"""What a page weighs."""

import gzip
from pathlib import Path

from django.contrib.staticfiles import finders

from tests.figures import figure

STATIC = Path(__file__).resolve().parents[2] / "static"


def test_our_styles_stay_under_15_kb() -> None:
    size = sum(file.stat().st_size for file in STATIC.rglob("*.css"))

    assert size <= 15 * 1024
    figure("css", "bytes", size, "of", 15 * 1024)


def test_scripts_of_an_ordinary_page_stay_under_80_kb_compressed() -> None:
    htmx = Path(str(finders.find("django_htmx/htmx-2.min.js")))
    size = sum(len(gzip.compress(file.read_bytes())) for file in (htmx, STATIC / "js" / "portal.js"))

    assert size <= 80_000


def test_no_page_names_another_site() -> None:
    pages = {file.name: file.read_text(encoding="utf-8") for file in (STATIC.parent / "templates").rglob("*.html")}

    assert [name for name, text in pages.items() if "://" in text or 'href="//' in text or 'src="//' in text] == []
