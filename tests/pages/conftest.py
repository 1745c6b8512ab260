"""A real browser in front of a real server."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.children import free_port

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
VENDOR = Path(__file__).resolve().parents[2] / "build" / "vendor"


@contextmanager
def launched(library: str) -> Iterator[Browser]:
    """The machine's Chromium, for one file: while Playwright's loop runs in this thread, no other loop can.

    `library`: a file below build/vendor that its pages need.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None or not (VENDOR / library).is_file():
        pytest.skip("needs Chromium and the browser libraries: make test installs both")
    # Playwright's loop runs in this thread, so Django takes it for an asynchronous one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """With axe to judge by."""
    with launched("axe/axe.min.js") as browser:
        yield browser


@pytest.fixture
def site(transactional_db: None, settings: object) -> Iterator[str]:
    """The portal's address, served from this process and this test's database."""
    server = LiveServer(f"127.0.0.1:{free_port()}")
    yield server.url
    server.stop()
