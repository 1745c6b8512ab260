"""The create page of a house that offers much, to somebody who has much."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import SshKey
from tests.cast import Cast
from tests.factories import make_iso, make_node, make_reading, make_template, make_vm
from tests.pages.states import PageState


def much_on_offer(cast: Cast) -> list[PageState]:
    """Nine templates, twelve ISOs, eight machines to copy and six keys."""
    later = timezone.now() + timedelta(hours=1)
    make_reading(later)
    make_node("pve1")
    for n in range(9):
        make_template(f"linux-{n}", title=f"Linux {n} with a long name", cloud_init_user="member", disk_gib=4 + n)
    for n in range(12):
        make_iso(f"linux-{n}.12.0-amd64-netinst.iso")
    for n in range(8):
        make_vm(cast.alices, f"web-{n:02}", last_seen=later)
    for n in range(6):
        SshKey.objects.create(
            user=cast.alice, public_key=f"ssh-ed25519 AAAA{n} alice@desk-{n}", comment=f"alice@desk-{n}",
            fingerprint=f"SHA256:{n}AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEf",
        )  # fmt: skip
    return [
        PageState("create-much", cast.alice, "/vms/new/"),
        PageState("create-much-exact", cast.alice, "/vms/new/", exact),
    ]


def exact(page: Page) -> None:
    """Writes numbers of one's own."""
    page.get_by_text("Exact numbers").click()
