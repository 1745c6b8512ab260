"""An RTP changes one pool's limit, in fewer than five clicks from the portal's home."""

import re

import pytest
from django.test import Client

from accounts.models import AuditEvent
from quotas.limits import limit_of
from quotas.models import Allowance, Policy
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in
from vms.states import Power


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    """Her browser, with a fresh proof."""
    make_reading()
    return sign_in(client, cast.rita)


def test_from_home_to_a_changed_limit_it_is_three_clicks(cast: Cast, rita: Client) -> None:
    home = rita.get("/").content.decode()
    assert 'href="/rtp/pools/"' in home  # 1
    limits = re.search(rf"/quotas/pools/{cast.bobs.pk}/", rita.get("/rtp/pools/").content.decode())
    assert limits  # 2

    rita.post(limits[0], {"cores": "12", "reason": "A thesis.", "seen": "none"})  # 3

    assert limit_of(cast.bobs).footprint.cores == 12
    assert AuditEvent.objects.filter(verb="allowance.given", actor=cast.rita).exists()


def test_the_pools_are_shown_with_use_limit_and_who_is_over_it(cast: Cast, rita: Client) -> None:
    Policy.objects.create(name="default", is_default=True, cores=2, disk_gib=250)
    make_vm(cast.bobs, "db", cores=4, power=Power.RUNNING)

    page = re.sub(r"<[^>]+>", "", rita.get("/rtp/pools/?sort=cores").content.decode())

    assert "4 of 2 cores" in page
    assert page.count("over a limit") == 1
    assert page.rindex("over a limit") < page.index("of 250 GiB")  # sorted: the largest use first


def test_ending_an_allowance_is_audited_and_says_so(cast: Cast, rita: Client) -> None:
    given = Allowance.objects.create(pool=cast.bobs, cores=12, reason="A thesis.")

    pages = [rita.post(f"/quotas/allowances/{given.pk}/end/", follow=True).content.decode() for _ in range(2)]

    assert "The allowance of bob has ended." in pages[0]
    assert "had ended already" in pages[1]
    assert limit_of(cast.bobs).footprint.cores == 8


@pytest.mark.parametrize("typed", ["-1", "0", "1.5", "8 cores", "10001"])
def test_a_wrong_number_changes_nothing_and_stays(cast: Cast, rita: Client, typed: str) -> None:
    answer = rita.post(f"/quotas/pools/{cast.bobs.pk}/", {"cores": typed, "reason": "More."})

    assert (answer.status_code, Allowance.objects.count()) == (422, 0)
    assert f'value="{typed}"' in answer.content.decode()
