"""`manage.py create_rtp` makes the first RTP outside the demo."""

import io
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User

GOOD = "a long enough secret 42"


def create_rtp(name: str, password: str) -> str:
    out = io.StringIO()
    with mock.patch("sys.stdin", io.StringIO(password + "\n")):
        call_command("create_rtp", name, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_it_makes_an_rtp_who_can_sign_in() -> None:
    said = create_rtp("root1", GOOD)
    assert said == "root1 is an RTP now and can sign in. The first sign-in leads to a second factor.\n"

    person = User.objects.get(username="root1")
    assert (person.is_rtp, person.kind, person.check_password(GOOD)) == (True, "local", True)
    assert AuditEvent.objects.filter(verb="rtp.made", target_name="root1").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "password"), [("root1", "short"), ("root1", "password1234"), ("not a name", GOOD)])
def test_a_weak_password_or_odd_name_is_refused_and_nothing_made(name: str, password: str) -> None:
    with pytest.raises(CommandError, match="Nothing was made"):
        create_rtp(name, password)

    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_taken_name_is_refused_whatever_its_case() -> None:
    create_rtp("root1", GOOD)

    with pytest.raises(CommandError, match="in use"):
        create_rtp("ROOT1", GOOD)
