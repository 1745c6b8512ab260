"""RTPs see every console, end one or a whole node's with a reason, and lead to a visible watch."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent
from consoles import close_codes, visits
from consoles.models import ConsoleVisit
from tests.cast import Cast
from tests.consoles.rows import make_visit
from tests.factories import make_node, make_vm
from tests.figures import add_to_figure
from tests.sign_in import sign_in
from vms.form_keys import new_key
from vms.models import VirtualMachine
from vms.states import Power

PAGE = "/rtp/consoles/"
REFUSED = [("", "Say why"), ("   ", "Say why"), ("x" * 201, "Use 200 characters")]


@pytest.fixture
def vm(cast: Cast) -> VirtualMachine:
    make_node("pve1")
    return make_vm(cast.alices, "web-01", power=Power.RUNNING, node="pve1")


def words(client: Client, address: str = PAGE) -> str:
    """The page's text without its tags, blanks folded."""
    text = client.get(address).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", text[text.index("<main") :]).split())


def test_the_list_says_who_where_since_when_how_and_how_much(cast: Cast, client: Client, vm: VirtualMachine) -> None:
    make_visit(cast.alice, vm)
    make_visit(cast.carol, vm, mode="view", seen_at=timezone.now() - timedelta(seconds=35))
    make_visit(cast.rita, vm, mode="watch")

    seen = words(sign_in(client, cast.rita))

    assert "3 open" in seen
    assert re.search(r"alice Controls web-01 at pve1 \S+ 5 min 192\.0\.2\.7 4\.8 MiB down 12 KiB up \d+ s ago", seen)
    assert re.search(r"carol Looks .* \d\d s ago", seen)
    assert "rita Watches" in seen
    assert f'href="/vms/{vm.pk}/console/?watch=1"' in client.get(PAGE).content.decode()


def test_numbers_stand_against_the_limit_of_each_node(
    cast: Cast, client: Client, vm: VirtualMachine, settings: Settings
) -> None:
    settings.CONSOLE_MAX_PER_NODE, settings.CONSOLE_MAX_PER_PERSON = 2, 6
    make_node("pve2")
    make_visit(cast.alice, vm)
    make_visit(cast.carol, vm)
    make_visit(cast.bob, vm, seen_at=timezone.now() - timedelta(minutes=2))  # its process is lost: it holds no seat

    seen = words(sign_in(client, cast.rita))

    assert ("pve1 2 of 2" in seen, "pve2 0 of 2" in seen, "6 a person at most" in seen) == (True, True, True)


@pytest.mark.parametrize(("query", "names"), [("q=ali", {"alice"}), ("q=db", {"bob"}), ("node=pve1", {"alice"})])
def test_the_list_is_narrowed(cast: Cast, client: Client, vm: VirtualMachine, query: str, names: set[str]) -> None:
    make_visit(cast.alice, vm)
    make_visit(cast.bob, make_vm(cast.bobs, "db-01", node="pve2"))

    answer = sign_in(client, cast.rita).get(f"{PAGE}?{query}")

    assert {line.visit.user_name for line in answer.context["page"]} == names
    assert f'hx-get="{PAGE}?{query}"' in answer.content.decode()


def test_odd_words_find_nothing_and_break_nothing(cast: Cast, client: Client, vm: VirtualMachine) -> None:
    make_visit(cast.alice, vm)
    sign_in(client, cast.rita)

    odd = ("?q=%00ali", "?node=%00", "?page=zzz&q='", "?q=%F0%9F", "at/%00/end/", "at/nowhere/end/")

    assert [client.get(PAGE + each).status_code for each in odd] == [200] * len(odd)


def test_one_is_ended_with_a_reason_that_its_person_reads(cast: Cast, client: Client, vm: VirtualMachine) -> None:
    visit = make_visit(cast.alice, vm)
    sign_in(client, cast.rita)
    assert "End alice’s console of web-01?" in words(client, f"{PAGE}{visit.pk}/end/")

    answer = client.post(f"{PAGE}{visit.pk}/end/", {"reason": " pve1 goes down "})

    visit.refresh_from_db()
    assert (answer.status_code, visit.end_asked, visit.end_reason, visit.end_asked_by) == (
        302, close_codes.BY_RTP.word, "pve1 goes down", cast.rita,
    )  # fmt: skip
    event = AuditEvent.objects.get(verb="console.ended")
    assert (event.actor, event.target_id, event.machine_uuid) == (cast.rita, str(vm.pk), str(vm.smbios_uuid))
    assert (event.detail["person"], event.detail["reason"]) == ("alice", "pve1 goes down")
    assert "alice Controls web-01 at pve1" in words(client)
    assert "Ends now" in words(client)


@pytest.mark.parametrize(("reason", "told"), REFUSED, ids=["none", "blanks", "201"])
def test_without_a_fitting_reason_nothing_ends_and_the_field_says_so(
    cast: Cast, client: Client, vm: VirtualMachine, reason: str, told: str
) -> None:
    visit = make_visit(cast.alice, vm)

    answer = sign_in(client, cast.rita).post(f"{PAGE}{visit.pk}/end/", {"reason": reason})

    page = answer.content.decode()
    visit.refresh_from_db()
    assert (answer.status_code, visit.end_asked_at) == (422, None)
    assert re.search(rf'class="wrong" id="id_reason_error">.*{told}', page)
    assert (f'value="{reason}"' in page) is bool(reason)


def test_all_of_a_node_end_with_one_reason_and_others_go_on(cast: Cast, client: Client, vm: VirtualMachine) -> None:
    mine = [make_visit(user, vm).pk for user in (cast.alice, cast.carol, cast.rita)]
    other = make_visit(cast.bob, make_vm(cast.bobs, "db-01", node="pve2"))

    answer = sign_in(client, cast.rita).post(f"{PAGE}at/pve1/end/", {"reason": "Maintenance"}, follow=True)

    asked = ConsoleVisit.objects.exclude(end_asked_at=None)
    assert sorted(asked.values_list("pk", flat=True)) == mine
    assert set(asked.values_list("end_reason", flat=True)) == {"Maintenance"}
    assert "3 consoles end now." in answer.content.decode()
    assert AuditEvent.objects.filter(verb="console.ended").count() == 3
    other.refresh_from_db()
    assert other.end_asked_at is None


def test_the_end_of_a_node_sent_again_leaves_what_was_opened_since(
    cast: Cast, client: Client, vm: VirtualMachine
) -> None:
    key = new_key(timezone.now())
    told = {"reason": "Maintenance", "key": key}
    make_visit(cast.alice, vm)
    sign_in(client, cast.rita).post(f"{PAGE}at/pve1/end/", told)
    since = make_visit(cast.carol, vm)

    page = client.post(f"{PAGE}at/pve1/end/", told, follow=True).content.decode()

    since.refresh_from_db()
    add_to_figure("U-04", actions=1, sends=2, repeated=int(since.end_asked_at is not None))
    assert since.end_asked_at is None
    assert "This was sent already at" in page
    client.post(f"{PAGE}at/pve1/end/", told | {"key": new_key(timezone.now())})  # control: a page of its own
    since.refresh_from_db()
    assert since.end_asked_at is not None


def test_what_was_closed_meanwhile_is_told_and_audited_not_at_all(
    cast: Cast, client: Client, vm: VirtualMachine
) -> None:
    visit = make_visit(cast.alice, vm)
    visits.close_visit(visit.pk, close_codes.LEFT, to_browser=1, from_browser=1, now=timezone.now())
    sign_in(client, cast.rita)

    answer = client.post(f"{PAGE}{visit.pk}/end/", {"reason": "Late"}, follow=True)

    assert "was closed already" in answer.content.decode()
    assert "Nothing to end" in words(client, f"{PAGE}{visit.pk}/end/")
    assert not AuditEvent.objects.filter(verb="console.ended").exists()


@pytest.mark.parametrize("address", ["{visit}/end/", "at/pve1/end/"])
def test_ending_takes_a_fresh_proof(cast: Cast, client: Client, vm: VirtualMachine, address: str) -> None:
    visit = make_visit(cast.alice, vm)

    answer = sign_in(client, cast.rita, fresh=False).post(PAGE + address.format(visit=visit.pk), {"reason": "Now"})

    visit.refresh_from_db()
    assert (answer.status_code, visit.end_asked_at) == (303, None)
    assert answer.headers["Location"].startswith("/accounts/proof/")


def test_nobody_else_sees_or_ends_any(cast: Cast, client: Client, vm: VirtualMachine) -> None:
    visit = make_visit(cast.alice, vm)
    client.force_login(cast.alice)

    answers = [client.get(PAGE), client.post(f"{PAGE}{visit.pk}/end/", {"reason": "x"}),
               client.post(f"{PAGE}at/pve1/end/", {"reason": "x"})]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_the_page_leads_to_the_sign_in_when_it_asks_after_the_session_ended(client: Client, db: None) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/rtp/consoles/?node=pve1"}

    answer = client.get(f"{PAGE}?node=pve1", headers=asked)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/rtp/consoles/%3Fnode%3Dpve1"
    assert client.get(PAGE).status_code == 302


def test_those_that_ended_last_are_named_with_why(cast: Cast, client: Client, vm: VirtualMachine) -> None:
    now = timezone.now()
    for n in range(52):
        ended_at = now - timedelta(seconds=n)
        make_visit(cast.alice, vm, opened_at=ended_at - timedelta(minutes=3), closed_at=ended_at, end="time_limit")
    make_visit(cast.bob, vm, closed_at=now + timedelta(seconds=1), end="by_rtp", end_asked_by=cast.rita,
               end_reason="Mining")  # fmt: skip

    answer = sign_in(client, cast.rita).get(PAGE)

    assert len(answer.context["lately"]) == 50
    assert "0 open" in words(client)
    assert "Ended by an RTP rita: Mining" in words(client)
    assert re.search(r"alice Controls web-01 \S+ 3 min 4\.8 MiB down 12 KiB up Time limit", words(client))


def test_the_page_asks_so_many_queries_whatever_is_open(  # type: ignore[no-untyped-def]
    cast: Cast, client: Client, vm: VirtualMachine, django_assert_max_num_queries
) -> None:
    for n in range(30):
        make_visit(cast.alice, vm, mode="view")
        make_visit(cast.bob, make_vm(cast.bobs, f"db-{n}"), closed_at=timezone.now(), end="left")
    sign_in(client, cast.rita)

    with django_assert_max_num_queries(16):
        client.get(PAGE)
