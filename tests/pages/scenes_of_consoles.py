"""Page states about consoles as RTPs see them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page

from tests.cast import Cast
from tests.consoles.rows import make_visit
from tests.factories import make_node, make_reading, make_vm
from tests.pages.states import PageState
from vms.states import Power


def consoles(cast: Cast) -> list[PageState]:
    """Consoles of every kind at two nodes, one silent, one about to end, and some that have ended."""
    now = timezone.now()
    make_reading(now + timedelta(hours=1))
    make_node("pve1")
    make_node("pve2")
    web = make_vm(cast.alices, "web-01", power=Power.RUNNING, node="pve1", last_seen=now)
    box = make_vm(cast.shared, "a-machine-with-quite-a-long-name-42", power=Power.RUNNING, node="pve2", last_seen=now)
    lively: dict[str, Any] = {"seen_at": now + timedelta(hours=1)}
    first = make_visit(cast.alice, web, **lively)
    make_visit(cast.rita, web, mode="watch", **lively)
    make_visit(cast.carol, box, mode="view", address="2001:db8:85a3:8d3:1319:8a2e:370:7348", minutes=130)
    make_visit(cast.bob, box, end_asked_at=now, end_asked="by_rtp", **lively)
    make_visit(cast.alice, web, closed_at=now, end="left")
    make_visit(cast.bob, box, closed_at=now, end="by_rtp", end_asked_by=cast.rita,
               end_reason="pve2 restarts at six; open it again after that", minutes=200)  # fmt: skip
    return [
        PageState("rtp-consoles", cast.rita, "/rtp/consoles/"),
        PageState("rtp-consoles-found-none", cast.rita, "/rtp/consoles/?q=nobody"),
        PageState("rtp-consoles-end", cast.rita, f"/rtp/consoles/{first.pk}/end/"),
        PageState("rtp-consoles-end-wrong", cast.rita, f"/rtp/consoles/{first.pk}/end/", without_reason),
        PageState("rtp-consoles-end-node", cast.rita, "/rtp/consoles/at/pve2/end/"),
        PageState("rtp-consoles-end-over", cast.rita, "/rtp/consoles/at/pve9/end/"),
    ]


def without_reason(page: Page) -> None:
    """Presses the button with an empty field."""
    page.locator(".btn-danger").click()
