"""Daphne on the event loop that consoles need: `python -m vmportal.server` takes Daphne's own arguments.

The loop has to be chosen before anything imports Daphne, which makes its own at once; the `daphne` command is too late
for that. Why uvloop: docs/decisions/0015.
"""

import asyncio
import logging
import runpy
import sys

from autobahn.websocket import USES_NVX

try:
    import uvloop
except ImportError:  # there is none outside Linux and macOS
    uvloop = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

#: How long one thread may keep the interpreter while another has a key to carry; Python's own 5 ms are felt.
SWITCH_S = 0.0005


def prepare() -> None:
    """Makes uvloop the loop of this process where there is one, and says what is missing."""
    sys.setswitchinterval(SWITCH_S)
    if uvloop is None:
        log.warning("uvloop is not installed: consoles take more memory and CPU")
    else:
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if not USES_NVX:
        log.warning("autobahn has no compiled NVX: a long paste into a console takes 750 times the CPU")


if __name__ == "__main__":
    prepare()
    runpy.run_module("vmportal.serving", run_name="__main__", alter_sys=True)
