"""Where somebody is signed in, and the end of one session or of all others."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.models import AuditEvent
from accounts.signals import sessions_ended
from consoles.authority import signed_in
from tests.accounts.local.house import come_in, is_in
from tests.cast import Cast

LIST = "/accounts/sessions/"


def row_of(client: Client) -> int:
    """The number of this browser's session in the list."""
    return int(UserSession.objects.get(session_key=client.session.session_key).pk)


def test_the_list_names_each_browser_and_offers_to_end_the_others(cast: Cast) -> None:
    here, there = come_in("alice"), come_in("alice")

    page = here.get(LIST).content.decode()

    assert "this browser" in page
    assert f'action="{LIST}{row_of(there)}/end/"' in page
    assert f'action="{LIST}{row_of(here)}/end/"' not in page


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_session_that_was_ended_opens_no_page_no_part_and_no_console(
    cast: Cast, everywhere: bool, django_capture_on_commit_callbacks: object
) -> None:
    here, there = come_in("alice"), come_in("alice")
    key, told = str(there.session.session_key), list[int]()
    sessions_ended.connect(hear := lambda user_id, **_: told.append(user_id), weak=False)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        answer = here.post(LIST if everywhere else f"{LIST}{row_of(there)}/end/")

    sessions_ended.disconnect(hear)
    assert answer.headers["Location"] == LIST
    assert (is_in(here), is_in(there)) == (True, False)
    assert there.get("/", headers={"HX-Request": "true"}).status_code == 401
    assert (signed_in(key), told) == (None, [cast.alice.pk])
    verbs = AuditEvent.objects.exclude(verb="signin").values_list("verb", flat=True)
    assert list(verbs) == ["sessions.ended" if everywhere else "session.ended"]


def test_signing_out_everywhere_else_also_ends_what_no_list_shows(cast: Cast) -> None:
    here, there = come_in("alice"), come_in("alice")
    UserSession.objects.filter(session_key=there.session.session_key).delete()

    here.post(LIST)

    assert (is_in(here), is_in(there)) == (True, False)


def test_nobody_ends_the_session_of_somebody_else(cast: Cast) -> None:
    alice, bob = come_in("alice"), come_in("bob")

    foreign, missing = (bob.post(f"{LIST}{number}/end/") for number in (row_of(alice), 987_654))

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert is_in(alice)
