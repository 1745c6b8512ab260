"""The browser of the page tests, for journeys too."""

from tests.pages.conftest import chromium

__all__ = ["chromium"]
