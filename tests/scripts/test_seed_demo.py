"""The people and pools of the demo."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import AuditEvent, Pool, PoolMembership, User
from accounts.roles import AccountKind

SIGN_INS = {name: f"{name} has a long password" for name in ("alice", "bob", "carol", "rita")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The passwords as `make demo` keeps them."""
    written = tmp_path / "sign-ins.json"
    written.write_text(json.dumps(SIGN_INS), encoding="utf-8")
    return written


def test_it_refuses_outside_the_demo(db: None, file: Path) -> None:
    with pytest.raises(CommandError, match="only under `make demo`"):
        call_command("seed_demo", "--sign-ins", str(file))

    assert User.objects.count() == 0


def test_the_four_can_sign_in_and_only_rita_is_rtp(db: None, file: Path, settings: Settings) -> None:
    settings.DEMO = True

    call_command("seed_demo", "--sign-ins", str(file), verbosity=0)

    people = {user.username: user for user in User.objects.all()}
    assert {name: user.check_password(SIGN_INS[name]) for name, user in people.items()} == dict.fromkeys(SIGN_INS, True)
    assert [name for name, user in people.items() if user.is_rtp or user.is_staff or user.is_superuser] == ["rita"]


def test_alice_has_a_pool_of_her_own_and_shares_one_with_carol(db: None, file: Path, settings: Settings) -> None:
    settings.DEMO = True

    call_command("seed_demo", "--sign-ins", str(file), verbosity=0)
    call_command("seed_demo", "--sign-ins", str(file), verbosity=0)

    assert list(Pool.objects.values_list("name", "owner__username", "proxmox_poolid")) == [
        ("alice", "alice", "alice"),
        ("ctf", None, "ctf"),
    ]
    assert list(PoolMembership.objects.values_list("user__username", "role")) == [
        ("alice", "manager"),
        ("carol", "operator"),
    ]
    assert AuditEvent.objects.filter(verb="pool.bound").count() == 2


def test_a_file_without_somebodys_password_is_refused_and_nothing_is_made(
    db: None, file: Path, settings: Settings
) -> None:
    settings.DEMO = True
    file.write_text(json.dumps({"alice": "x"}), encoding="utf-8")

    with pytest.raises(CommandError, match="holds no password for bob, carol, rita"):
        call_command("seed_demo", "--sign-ins", str(file))

    assert User.objects.count() == 0


def test_in_a_house_only_the_account_for_emergencies_is_made(db: None, file: Path, settings: Settings) -> None:
    settings.DEMO = True
    for name in ("alice", "carol"):
        User.objects.create(username=name, kind=AccountKind.HOUSE)
    file.write_text(json.dumps({"breakglass": "a long password"}), encoding="utf-8")

    call_command("seed_demo", "--house", "--sign-ins", str(file), verbosity=0)

    assert User.objects.filter(kind=AccountKind.HOUSE, is_rtp=False).count() == 2
    emergency = User.objects.get(kind=AccountKind.LOCAL)
    assert (emergency.username, emergency.is_rtp, emergency.is_break_glass) == ("breakglass", True, True)
    assert Pool.objects.get(name="alice").owner == User.objects.get(username="alice")


def test_in_a_house_whose_directory_was_not_read_nothing_is_made(db: None, file: Path, settings: Settings) -> None:
    settings.DEMO = True
    file.write_text(json.dumps({"breakglass": "a long password"}), encoding="utf-8")

    with pytest.raises(CommandError, match="Nobody is called alice"):
        call_command("seed_demo", "--house", "--sign-ins", str(file))

    assert User.objects.count() == 0
