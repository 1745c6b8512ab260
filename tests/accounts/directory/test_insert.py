"""Many rows in one statement are the rows that Django itself would have saved."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.directory.insert import insert_alike
from accounts.models import DirectoryGroup, DirectoryMembership, User
from accounts.roles import AccountKind
from tests.accounts.directory.house import uuid_of

pytestmark = pytest.mark.django_db


def test_a_row_has_every_column_that_django_would_have_saved() -> None:
    now, own = timezone.now(), {"ldap_uuid": uuid_of("a"), "first_name": "Zoë", "is_rtp": True, "password": "!x"}
    User(username="saved", kind=AccountKind.HOUSE, date_joined=now, **{**own, "ldap_uuid": uuid_of("b")}).save()

    insert_alike(User(kind=AccountKind.HOUSE, date_joined=now), [{"username": "inserted", **own}])

    saved, inserted = (User.objects.filter(username=name).values().get() for name in ("saved", "inserted"))
    differing = {"id", "username", "ldap_uuid"}
    assert {k: v for k, v in inserted.items() if k not in differing} == {
        k: v for k, v in saved.items() if k not in differing
    }
    assert inserted["ldap_uuid"] == uuid_of("a")


def test_a_row_that_is_there_is_left_out_or_refused() -> None:
    group = DirectoryGroup.objects.create(name="active", seen_at=timezone.now())
    row = {"user_id": User.objects.create_user("anna").pk, "group_id": group.pk}
    insert_alike(DirectoryMembership(), [row])

    insert_alike(DirectoryMembership(), [row, row], ignore_conflicts=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_alike(DirectoryMembership(), [row])

    assert DirectoryMembership.objects.count() == 1


def test_no_rows_are_no_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        insert_alike(DirectoryMembership(), [])
