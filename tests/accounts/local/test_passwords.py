"""Changing a password and setting one by a code from the mail."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import links, local
from accounts.models import AuditEvent, OneTimeLink, OutgoingMail, User
from tests.accounts.local.house import NEW_PASSWORD, come_in, house_member, house_session, is_in, mailed_code
from tests.cast import PASSWORD, Cast, make_cast
from tests.children import free_port
from tests.sign_in import sign_in

ASK, CHANGE = "/accounts/password/reset/", "/accounts/password/change/"
TWICE = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}


def change(client: Client, old: str = PASSWORD) -> int:
    """The page's form, filled in."""
    return client.post(CHANGE, {"oldpassword": old} | TWICE).status_code


def test_a_new_password_ends_other_browsers_and_keeps_this_one(cast: Cast) -> None:
    here, there = come_in("alice"), come_in("alice")

    change(here)

    assert "Other browsers are signed out." in here.get("/accounts/").content.decode()
    assert (is_in(here), is_in(there)) == (True, False)
    assert not is_in(come_in("alice"))
    assert is_in(come_in("alice", NEW_PASSWORD))
    assert AuditEvent.objects.filter(verb="password.changed", actor=cast.alice).count() == 1
    assert "Your password was changed" in OutgoingMail.objects.get().subject


def test_a_wrong_old_password_changes_nothing(cast: Cast) -> None:
    here, there = come_in("alice"), come_in("alice")

    change(here, "wrong")

    assert (is_in(here), is_in(there)) == (True, True)
    assert is_in(come_in("alice"))


def test_a_code_from_the_mail_sets_a_new_password_once(cast: Cast) -> None:
    old = come_in("alice")
    asked = Client().post(ASK, {"name": "Alice"})
    path, code = mailed_code()

    answers = [Client().post(path, {"code": code.lower().replace("-", " ")} | TWICE) for _ in range(2)]

    assert asked.headers["Location"] == path
    assert [answer.status_code for answer in answers] == [302, 422]
    assert (is_in(old), is_in(come_in("alice")), is_in(come_in("alice", NEW_PASSWORD))) == (False, False, True)
    assert AuditEvent.objects.filter(verb="password.reset").count() == 1


def test_the_code_signs_nobody_in(cast: Cast) -> None:
    client = Client()
    client.post(ASK, {"name": "rita"})
    path, code = mailed_code()

    answer = client.post(path, {"code": code} | TWICE)

    assert answer.headers["Location"] == "/accounts/login/"
    assert not is_in(client)
    assert not is_in(come_in("rita", NEW_PASSWORD))  # the second factor is still asked for


def test_the_answer_is_the_same_for_everybody_and_only_local_people_get_a_mail(cast: Cast) -> None:
    house_member()
    User.objects.filter(pk=cast.bob.pk).update(email="")
    User.objects.filter(pk=cast.carol.pk).update(locked_at=timezone.now())
    faces = set()
    for name in ("alice", "nobody", "hilda", "bob", "carol"):
        asked = Client().post(ASK, {"name": name})
        page = Client().get(asked.headers["Location"])
        main = page.content.decode().partition("<main")[2].partition("</main>")[0]
        ref = asked.headers["Location"].split("/")[-2]
        faces.add((asked.status_code, page.status_code, len(ref), main.replace(ref, "").partition("csrf")[0]))

    assert len(faces) == 1
    assert local.send_reset_codes(timezone.now()) == 1
    assert [sent.to for sent in mail.outbox] == [["alice@example.org"]]


def test_neither_address_nor_database_holds_the_code(cast: Cast) -> None:
    Client().post(ASK, {"name": "alice"})
    path, code = mailed_code()

    row = OneTimeLink.objects.get()
    assert code not in path
    assert code not in str(vars(row)) + str(list(OutgoingMail.objects.values()))
    assert Client().post(path, {"code": row.code_hash[:40]} | TWICE).status_code == 422


def test_five_wrong_codes_burn_it(cast: Cast) -> None:
    Client().post(ASK, {"name": "alice"})
    path, code = mailed_code()

    for _ in range(links.TRIES):
        assert Client().post(path, {"code": "2345-6789-ABCD"} | TWICE).status_code == 422

    assert Client().post(path, {"code": code} | TWICE).status_code == 422
    assert is_in(come_in("alice"))


def test_a_weak_password_costs_no_try_and_keeps_the_code(cast: Cast) -> None:
    Client().post(ASK, {"name": "alice"})
    path, code = mailed_code()

    weak = [{"password1": word, "password2": word} for word in ("short", "1" * 12)]
    answers = [Client().post(path, {"code": code} | words) for words in weak]
    page = answers[0].content.decode()

    assert "at least 12 characters" in page
    assert f'value="{code}"' in page
    assert OneTimeLink.objects.get().tries == 0


def test_a_code_that_is_too_old_looks_like_a_wrong_one(cast: Cast) -> None:
    Client().post(ASK, {"name": "alice"})
    path, code = mailed_code()
    OneTimeLink.objects.update(expires_at=timezone.now())

    late = Client().post(path, {"code": code} | TWICE).content.decode()
    wrong = Client().post("/accounts/password/reset/nothing-here/", {"code": code} | TWICE).content.decode()

    assert "This code does not fit here, or it is used up or too old." in late
    assert "This code does not fit here, or it is used up or too old." in wrong


def test_a_locked_account_is_not_opened_by_an_old_code(cast: Cast) -> None:
    Client().post(ASK, {"name": "alice"})
    path, code = mailed_code()
    User.objects.update(locked_at=timezone.now())

    assert Client().post(path, {"code": code} | TWICE).status_code == 422
    User.objects.update(locked_at=None)
    assert is_in(come_in("alice"))


def test_mail_that_is_down_breaks_no_page_and_the_code_goes_out_later(cast: Cast, settings: LazySettings) -> None:
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = free_port()
    asked = Client().post(ASK, {"name": "alice"})
    sent_while_down = local.send_reset_codes(timezone.now())
    settings.EMAIL_BACKEND = working

    path, code = mailed_code()

    assert (asked.status_code, sent_while_down) == (302, 0)
    assert Client().post(path, {"code": code} | TWICE).status_code == 302


def test_where_mail_is_only_printed_no_code_is_made(cast: Cast, settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    asked = Client().post(ASK, {"name": "alice"})

    assert (asked.status_code, local.send_reset_codes(timezone.now())) == (302, 0)
    assert not OneTimeLink.objects.exists()


def test_links_are_forgotten_a_month_after_their_end(cast: Cast) -> None:
    now = timezone.now()
    links.make_link(links.RESET, cast.alice, code="2", for_s=60, now=now, made_by_name="test")

    assert (links.prune(now + timedelta(days=29)), links.prune(now + timedelta(days=31))) == (0, 1)


def test_the_administrations_own_password_page_leads_to_ours(cast: Cast, settings: LazySettings) -> None:
    rita = sign_in(Client(), cast.rita)
    heidi = house_session(house_member("heidi", is_rtp=True), settings)

    assert rita.get("/admin/password_change/").headers["Location"] == CHANGE
    assert heidi.get("/admin/password_change/", follow=True).status_code == 404


def test_asking_often_is_held_back(cast: Cast) -> None:
    answers = [Client().post(ASK, {"name": "alice"}).status_code for _ in range(4)]

    assert answers == [302, 302, 302, 429]
    assert OneTimeLink.objects.filter(used_at=None).count() == 1


@pytest.mark.parametrize("right", [True, False])
def test_codes_typed_at_once_do_no_more_than_one_after_another(transactional_db: None, right: bool) -> None:
    alice, now = make_cast().alice, timezone.now()
    code = links.new_code()
    link = links.make_link(links.RESET, alice, code=code, for_s=60, now=now, made_by_name="test")

    def type_it(number: int) -> bool:
        try:
            opened = links.open_link(links.RESET, link.ref, code if right else f"wrong {number}", now)
            return opened is not None and links.spend_link(opened, now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(type_it, range(24)))

    link.refresh_from_db()
    assert (taken, link.used_at is not None) == ((1, True) if right else (0, False))
    assert link.tries <= links.TRIES
