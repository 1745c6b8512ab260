"""What RTPs tell everybody: one at a time, on every page, until they take it off."""

import pytest
from django.test import Client

from accounts import announcements
from accounts.models import Announcement, AuditEvent
from tests.cast import Cast
from tests.factories import make_reading
from tests.sign_in import sign_in

PAGE = "/rtp/announcement/"


@pytest.fixture(autouse=True)
def _read(db: None) -> None:
    make_reading()


def test_everybody_reads_it_until_it_is_taken_off(cast: Cast, client: Client) -> None:
    sign_in(client, cast.rita).post(PAGE, {"text": "Saturday pve2 gets <new> disks."})
    assert "Saturday pve2 gets &lt;new&gt; disks." in sign_in(client, cast.bob).get("/").content.decode()

    sign_in(client, cast.rita).post(f"{PAGE}end/")

    assert "Saturday" not in sign_in(client, cast.bob).get("/").content.decode()
    assert AuditEvent.objects.filter(actor=cast.rita, verb__startswith="announcement.").count() == 2


def test_a_new_one_takes_the_place_of_the_one_before(cast: Cast) -> None:
    for text in ("First.", "Second."):
        announcements.announce(text, by=cast.rita)

    told = announcements.current()
    assert told is not None
    assert (told.text, Announcement.objects.filter(ended_at=None).count()) == ("Second.", 1)


def test_nothing_is_told_without_words_or_proof(cast: Cast, client: Client) -> None:
    assert sign_in(client, cast.rita).post(PAGE, {"text": "  "}).status_code == 422
    assert sign_in(client, cast.rita).post(PAGE, {"text": "x" * 301}).status_code == 422
    sign_in(client, cast.rita, fresh=False).post(PAGE, {"text": "Hello."})
    sign_in(client, cast.alice).post(PAGE, {"text": "Hello."})

    assert not Announcement.objects.exists()
