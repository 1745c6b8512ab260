"""Page states about leases and the trash."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.pages.states import PageState
from vms import leasing, renewal_links
from vms.models import VirtualMachine
from vms.states import Power


def leases(cast: Cast) -> list[PageState]:
    """Machines that expire soon, today, long ago and never; one in the trash; what RTPs see of all this."""
    now = timezone.now()
    make_reading(now + timedelta(hours=1))
    machine(cast, "web-01", days=40)
    due = machine(cast, "due", days=3)
    over = machine(cast, "over", days=-4, power=Power.STOPPED)
    machine(cast, "kept", lease_exempt_reason="It is the house's DNS server.")
    old = machine(cast, "old", power=Power.STOPPED, trashed_at=now, trashed_by=cast.alice)
    VirtualMachine.objects.filter(pk=old.pk).update(trash_until=now + timedelta(days=6))
    ref = renewal_links.make(cast.alice, [due, over], now)
    return [
        PageState("leases-list", cast.alice, "/"),
        PageState("leases-vm", cast.alice, f"/vms/{due.pk}/"),
        PageState("leases-vm-over", cast.alice, f"/vms/{over.pk}/"),
        PageState("leases-console", cast.alice, f"/vms/{over.pk}/console/"),
        PageState("leases-by-mail", cast.alice, f"/renew/{ref}/"),
        PageState("trash", cast.alice, "/trash/"),
        PageState("trash-vm", cast.alice, f"/vms/{old.pk}/"),
        PageState("delete", cast.alice, f"/vms/{over.pk}/actions/trash/"),
        PageState("delete-for-good", cast.alice, f"/vms/{over.pk}/actions/delete/"),
        PageState("leases-rtp", cast.rita, "/rtp/leases/?show=over"),
        PageState("leases-rtp-all", cast.rita, "/rtp/leases/?show="),
        PageState("leases-rtp-wrong", cast.rita, "/rtp/leases/", hold_without_reason),
    ]


def machine(cast: Cast, name: str, *, days: int = 0, **columns: object) -> VirtualMachine:
    """A machine of alice's whose lease ends in so many days."""
    now = timezone.now()
    shown = {"power": Power.RUNNING, "cores": 1, "memory_mib": 1024, "disk_gib": 10, "source": "Debian 12"}
    shown |= {"last_seen": now + timedelta(hours=1), "lease_until": leasing.end_after(days, now)}
    return make_vm(cast.alices, name, **(shown | columns))


def hold_without_reason(page: Page) -> None:
    """Presses Hold with an empty reason."""
    page.locator("button[value=hold]").first.click()
