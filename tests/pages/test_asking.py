"""Asking for more in the browser's words: refusals that explain themselves, forms that keep what was typed."""

import pytest
from django.test import Client

from quotas.models import Allowance, MoreRequest, Policy
from quotas.states import RequestState
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import VirtualMachine
from vms.states import Power

NUMBER = "Write a whole number such as 12"


@pytest.fixture
def full(cast: Cast) -> VirtualMachine:
    """Bob runs db and ci; web does not fit beside them."""
    Policy.objects.create(name="default", is_default=True, cores=6)
    make_reading()
    make_vm(cast.bobs, "db", cores=4, power=Power.RUNNING)
    make_vm(cast.bobs, "ci", cores=1, power=Power.RUNNING)
    return make_vm(cast.bobs, "web", cores=4)


def test_bobs_page_alone_says_why_his_start_was_refused(cast: Cast, client: Client, full: VirtualMachine) -> None:
    sign_in(client, cast.bob)
    page = client.post(f"/vms/{full.pk}/actions/start/", {"key": "a" * 32}, follow=True).content.decode()

    assert "web cannot start yet. This needs 4 cores; 1 of 6 are free." in page
    assert "Counted now: db (4 cores), ci (1 core). Stop db (4 cores) to make room." in page
    assert "/quotas/ask/?cores=9" in page


def test_the_form_is_filled_in_and_a_request_reaches_the_rtp(cast: Cast, client: Client, full: VirtualMachine) -> None:
    sign_in(client, cast.bob)
    assert 'name="cores" value="9"' in client.get("/quotas/ask/?cores=9").content.decode()

    page = client.post("/quotas/ask/", {"cores": "9", "reason": "Web beside db."}, follow=True).content.decode()

    asked = MoreRequest.objects.get()
    assert (asked.cores, asked.pool) == (9, cast.bobs)
    assert "Waits for an RTP" in page


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("cores", "-4", "above zero"), ("cores", "0", "above zero"), ("cores", "2.5", NUMBER),
        ("cores", "12 cores", NUMBER), ("cores", "9" * 30, "At most 10000"),
        ("memory_gib", "16GB", "Write a number such"), ("memory_gib", "1.3", "steps of a quarter"),
        ("disk_gib", "1e99", NUMBER), ("until", "2020-01-01", "is over"),
        ("until", "tomorrow", "Write a date"), ("reason", "", "one sentence"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence_and_stays(cast: Cast, client: Client, field: str, typed: str, sentence: str) -> None:
    sign_in(client, cast.alice)
    answer = client.post("/quotas/ask/", {"cores": "9", "reason": "More.", field: typed})

    page = answer.content.decode()
    assert (answer.status_code, MoreRequest.objects.count()) == (422, 0)
    assert sentence in page
    assert typed in page


def test_an_rtp_decides_by_a_post_with_fresh_proof_only(cast: Cast, client: Client) -> None:
    sign_in(client, cast.alice)
    client.post("/quotas/ask/", {"cores": "9", "reason": "More."})
    address = f"/quotas/requests/{MoreRequest.objects.get().ref}/answer/"
    sign_in(client, cast.rita, fresh=False)
    client.get(address.removesuffix("answer/"))
    client.post(address, {"act": "approve", "cores": "9"})
    assert not Allowance.objects.exists()

    sign_in(client, cast.rita)
    client.post(address, {"act": "approve", "cores": "9"})

    assert Allowance.objects.get().cores == 9


def test_a_decline_needs_a_reason(cast: Cast, client: Client) -> None:
    sign_in(client, cast.alice)
    client.post("/quotas/ask/", {"cores": "9", "reason": "More."})
    address = f"/quotas/requests/{MoreRequest.objects.get().ref}/answer/"
    sign_in(client, cast.rita)

    assert "Say why you decline." in client.post(address, {"act": "decline", "cores": "x"}).content.decode()
    client.post(address, {"act": "decline", "answer": "The nodes are full."})

    assert MoreRequest.objects.get().state == RequestState.DECLINED


def test_a_strangers_request_looks_like_none(cast: Cast, client: Client) -> None:
    sign_in(client, cast.alice)
    client.post("/quotas/ask/", {"cores": "9", "reason": "More."})
    sign_in(client, cast.bob)

    answers = [client.get(f"/quotas/requests/{ref}/").status_code for ref in (MoreRequest.objects.get().ref, "nothing")]

    assert answers == [404, 404]
    assert client.post("/quotas/ask/?pool=999", {"cores": "9", "reason": "More."}).status_code == 404
