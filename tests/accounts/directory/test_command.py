"""`manage.py sync_directory` and the task, over a real directory."""

import re
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts import tasks
from accounts.alarms import open_alarms
from accounts.directory import lock
from accounts.models import AuditEvent, DirectoryRun, User
from accounts.roles import RunOutcome
from tests.slapd import Person, SlapdServer, asked, many
from vmportal.schedule import beat_schedule

pytestmark = pytest.mark.django_db
PEOPLE = [Person("alice"), Person("rita"), *many(20)]
UIDS = [person.uid for person in PEOPLE]


@pytest.fixture
def house() -> Iterator[SlapdServer]:
    with SlapdServer(people=PEOPLE, groups={"active": UIDS, "rtp": ["rita"]}) as slapd, asked(slapd):
        yield slapd


def printed(*options: str) -> str:
    out = StringIO()
    call_command("sync_directory", *options, stdout=out)
    return out.getvalue()


def test_a_dry_run_prints_who_would_come_and_writes_nothing(house: SlapdServer) -> None:
    text = printed("--dry-run")

    assert "Would join (22): alice, m0001," in text
    assert "Would be RTP (1): rita" in text
    assert "22 members and 2 groups read." in text
    assert "Nothing was written." in text
    assert (User.objects.count(), DirectoryRun.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)


def test_a_pass_prints_what_it_did(house: SlapdServer) -> None:
    assert "Joined (22)" in printed()
    house.set_group("active", [uid for uid in UIDS if uid != "alice"])
    house.change("m0002", uid=["m0002", "twice"])

    text = printed()

    assert re.search(r"^Left \(1\): alice$", text, re.MULTILINE)
    assert re.search(r"^Left out: uid=m0002,.*uid", text, re.MULTILINE)
    assert User.objects.get(username="m0002").departed_at is None


def test_a_held_pass_prints_the_list_and_ends_with_an_error(house: SlapdServer) -> None:
    printed()
    house.move_away(*UIDS[10:])
    out = StringIO()

    with pytest.raises(CommandError, match=r"Nobody was changed\. 12 of 22 members would count as departed"):
        call_command("sync_directory", stdout=out)

    assert "Would leave (12): m0009" in out.getvalue()


def test_a_directory_that_is_down_ends_with_its_sentence(house: SlapdServer) -> None:
    house.down()

    with pytest.raises(CommandError, match=r"Nobody was changed\. The directory cannot be reached"):
        printed("--dry-run")
    assert not open_alarms()


def test_two_passes_at_once_are_refused_with_a_sentence(house: SlapdServer) -> None:
    with lock.held(timezone.now()), pytest.raises(CommandError, match="Another pass over the directory is at work"):
        printed()


def test_without_a_directory_the_command_says_so_and_the_task_does_nothing() -> None:
    with pytest.raises(CommandError, match="LDAP_URL is empty"):
        printed()
    tasks.sync_directory()

    assert not DirectoryRun.objects.exists()
    assert not open_alarms()


def test_the_task_passes_and_gives_way_to_another(house: SlapdServer) -> None:
    with lock.held(timezone.now()):
        tasks.sync_directory()
    assert not DirectoryRun.objects.exists()

    tasks.sync_directory()

    assert DirectoryRun.objects.get().outcome == RunOutcome.APPLIED


def test_the_schedule_reads_the_directory_only_where_there_is_one(settings: Settings) -> None:
    others = {"mirror_s": 1.0, "catalog_s": 1.0, "follow_s": 1.0, "sweep_s": 1.0, "mail_s": 1.0}

    assert "read the directory" not in beat_schedule(**others)
    assert beat_schedule(**others, directory_s=600.0)["read the directory"]["schedule"] == 600.0
    assert "read the directory" not in settings.CELERY_BEAT_SCHEDULE
