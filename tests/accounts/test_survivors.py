"""R-26: whatever ends a session or a right ends it on pages, in their live parts and at consoles within two seconds."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import backends
from accounts.models import User
from accounts.standing import end_sessions
from consoles import authority
from tests.accounts.survivors import CHANNELS, EVENTS, ISSUER, round_of
from tests.cast import Cast, person
from tests.consoles.portal import Portal, serving
from tests.devcluster.cluster import DevCluster
from tests.figures import figure, scaled


@pytest.fixture
def portal(
    transactional_db: None,
    running_devcluster: DevCluster,
    tmp_path_factory: pytest.TempPathFactory,
    settings: Settings,
) -> Iterator[Portal]:
    """A portal behind which a house's provider stands, as here."""
    house: dict[str, Any] = {"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "not used here"}
    for name, value in house.items():
        setattr(settings, name, value)
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "accounts.oidc.backend.HouseBackend"]
    with serving(running_devcluster, tmp_path_factory.mktemp("portal"), **house) as running:
        yield running


def test_r26_nothing_survives_two_seconds(portal: Portal, devcluster: DevCluster) -> None:
    assert settings.CONSOLE_RECHECK_S == 2  # the true one: no word on a channel layer reaches this portal
    rita, rounds = person("rita", is_rtp=True), scaled(1, 50)

    alive = [asyncio.run(round_of(portal, devcluster, rita, number)) for number in range(rounds)]

    survivors = [(name, channel) for each in alive for name, channels in each.items() for channel in channels]
    tried = sum(len(each) for each in alive)
    figure("R-26", "events", len(EVENTS), "channels", len(CHANNELS), "rounds", rounds, "survivors", len(survivors))
    assert len(EVENTS) >= 8
    assert tried == len(EVENTS) * rounds
    assert survivors == []


@pytest.mark.parametrize("guarded", [True, False])
def test_the_epoch_is_what_kills_a_session_whose_row_came_back(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(User, "_get_session_auth_hash", lambda user, secret=None: f"{secret}{user.password}")
    client.force_login(cast.alice)
    key, kept = str(client.session.session_key), list(Session.objects.all())

    end_sessions(cast.alice)
    Session.objects.bulk_create(kept, ignore_conflicts=True)

    assert lives(client, key) is not guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_the_look_at_the_lock_is_what_keeps_out_who_is_locked(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        for module in (backends, authority):
            monkeypatch.setattr(module, "may_be_signed_in", lambda user: True)
    client.force_login(cast.alice)
    key = str(client.session.session_key)

    User.objects.filter(pk=cast.alice.pk).update(locked_at=timezone.now(), lock_reason="Mining.")

    assert lives(client, key) is not guarded


def lives(client: Client, key: str) -> bool:
    """Whether the session opens a page and may have a console; both or none."""
    opens, is_known = client.get("/").status_code == 200, authority.signed_in(key) is not None
    assert opens == is_known
    return opens
