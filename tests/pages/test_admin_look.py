"""Every kind of admin page in a real browser: nothing breaks the content policy, leaves the site or is cut off."""

import pytest
from playwright.sync_api import Browser

from quotas.models import Allowance, Policy
from tests.cast import Cast, make_cast
from tests.factories import make_iso, make_reading, make_template, make_vm
from tests.figures import figure
from tests.pages.test_look import shoot
from tests.pages.window import DESKTOP, PHONE, Window

pytestmark = pytest.mark.browser
VIEWS = [(PHONE, "light"), (DESKTOP, "dark"), (PHONE, "dark"), (DESKTOP, "light")]
#: How far the page itself can be moved sideways; wide tables scroll in their own frame.
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The four people, and something to look at."""
    cast = make_cast()
    make_reading()
    make_vm(cast.alices, "web-01")
    make_iso()
    return cast


def addresses(cast: Cast) -> dict[str, str]:
    """A page of each kind."""
    policy = Policy.objects.create(name="default", is_default=True, cores=8, memory_mib=8192, disk_gib=250)
    given = Allowance.objects.create(pool=cast.bobs, cores=9, reason="A thesis.")
    return {
        "index": "/admin/",
        "policies": "/admin/quotas/policy/",
        "policy": f"/admin/quotas/policy/{policy.pk}/change/",
        "allowances": "/admin/quotas/allowance/",
        "allowance": f"/admin/quotas/allowance/{given.pk}/change/",
        "pool": f"/admin/accounts/pool/{cast.shared.pk}/change/",
        "member": f"/admin/accounts/user/{cast.alice.pk}/change/",
        "template": f"/admin/vms/template/{make_template().pk}/change/",
        "machines": "/admin/vms/virtualmachine/",
        "audit": "/admin/accounts/auditevent/",
    }


def test_the_admin_keeps_to_its_policy_and_its_window(cast: Cast, chromium: Browser, site: str) -> None:
    pages, wrong = addresses(cast), list[str]()
    for size, theme in VIEWS:
        with Window(chromium, site, cast.rita, size=size, theme=theme) as window:
            for name, path in pages.items():
                window.open(path)
                wrong += [f"{name} {size[0]} {theme}: {each}" for each in window.complaints]
                if window.run(OVERFLOW) > 1:
                    wrong.append(f"{name} {size[0]} {theme}: can be moved sideways")
                window.complaints.clear()
                shoot(window, f"admin-{name}-{size[0]}-{theme}")

    assert not wrong, "\n".join(wrong)
    figure("admin", "page views", len(pages) * len(VIEWS), "complaints", 0)
