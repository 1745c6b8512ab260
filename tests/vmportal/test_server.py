"""The launcher of the consoles' process, each time in a fresh interpreter: the choice must come before Daphne's own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTED = """
import vmportal.server as server
server.prepare()
import daphne.server
print(type(daphne.server.twisted_loop).__module__, type(daphne.server.reactor).__name__)
"""
SERVED = """
import gc
import vmportal.server as server
server.prepare()
from vmportal.serving import PortalServer
PortalServer(None, endpoints=["tcp:port=0"])
print(gc.get_freeze_count() > 50_000, gc.get_objects(generation=2) == [])
"""
HIDDEN = "import sys; sys.modules['uvloop'] = None\n"
UNCOMPILED = "import autobahn.websocket; autobahn.websocket.USES_NVX = False\n"


def said(script: str) -> tuple[str, str]:
    """What a fresh interpreter wrote, output and errors."""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip(), done.stderr


def test_daphne_runs_on_uvloop_and_says_nothing() -> None:
    assert said(STARTED) == ("uvloop AsyncioSelectorReactor", "")


def test_without_uvloop_it_runs_on_asyncio_and_says_so() -> None:
    output, errors = said(HIDDEN + STARTED)

    assert output.startswith("asyncio.")
    assert "uvloop is not installed" in errors


def test_without_the_compiled_frames_it_says_so() -> None:
    assert "NVX" in said(UNCOMPILED + STARTED)[1]


def test_what_is_loaded_is_not_walked_again_while_keys_wait() -> None:
    assert said(SERVED)[0] == "True True"
