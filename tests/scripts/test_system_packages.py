"""Set-up installs what is missing and starts no service."""

from pathlib import Path

import pytest

from scripts import system_packages
from scripts.speech import Refusal


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what the test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    """A small shell script as a program."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def dpkg_shows(folder: Path, *installed: str) -> None:
    """dpkg-query as it answers on a machine with these packages."""
    program(folder, "dpkg-query", "\n".join(f"echo '{package} installed'" for package in installed))


def test_without_root_set_up_prints_the_one_line_that_installs_what_is_missing(programs: Path) -> None:
    dpkg_shows(programs, *system_packages.NEEDED[2:], *system_packages.GUESTS)

    with pytest.raises(Refusal) as refused:
        system_packages.provide("demo", as_root=False)

    assert str(refused.value).endswith("\n\n  sudo apt-get install -y --no-install-recommends python3-venv python3-dev")


def test_a_line_that_would_start_a_service_is_replaced_by_set_ups_own(programs: Path) -> None:
    shown = (*system_packages.NEEDED, *system_packages.GUESTS, "chromium", "nginx-light", "ldap-utils")
    dpkg_shows(programs, *shown)

    with pytest.raises(Refusal) as refused:
        system_packages.provide("test", as_root=False)

    assert "missing: postgresql redis-server slapd\n" in str(refused.value)
    assert str(refused.value).endswith("\n\n  sudo python3 -B -m scripts.setup --for test --packages-only")


def test_the_demo_of_a_house_needs_its_directory_whatever_the_cards_show(programs: Path) -> None:
    dpkg_shows(programs, *system_packages.NEEDED)

    system_packages.provide("demo", as_root=False)
    with pytest.raises(Refusal) as refused:
        system_packages.provide("house", as_root=False)

    assert "slapd ldap-utils\n" in str(refused.value)
    assert str(refused.value).endswith("\n\n  sudo python3 -B -m scripts.setup --for house --packages-only")


def test_without_root_and_without_qemu_the_demo_goes_on_and_says_what_is_painted(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dpkg_shows(programs, *system_packages.NEEDED)

    system_packages.provide("demo", as_root=False)

    said = capsys.readouterr().out
    assert "Machines will show a painted test card" in said
    assert "sudo apt-get install -y --no-install-recommends qemu-system-x86 " in said


def test_with_root_it_installs_and_leaves_every_new_service_disabled(programs: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    dpkg_shows(programs, *system_packages.NEEDED, *system_packages.GUESTS, "chromium", "nginx-light", "postgresql")
    for name in ("apt-get", "systemctl", "update-rc.d"):
        program(programs, name, f'echo "{name} $*" >> {calls}')

    system_packages.install(["redis-server", "slapd", "ldap-utils"], policy=tmp_path / "policy-rc.d")

    assert calls.read_text(encoding="utf-8").splitlines() == [
        "apt-get update",
        "apt-get install -y --no-install-recommends redis-server slapd ldap-utils",
        "systemctl disable redis-server.service",
        "update-rc.d redis-server disable",
        "systemctl disable slapd.service",
        "update-rc.d slapd disable",
    ]


def test_services_are_forbidden_to_start_only_while_packages_are_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"

    with system_packages.nothing_starts(needed=True, policy=policy):
        during = policy.read_text(encoding="ascii"), policy.stat().st_mode & 0o777

    assert during == ("#!/bin/sh\nexit 101\n", 0o755)
    assert not policy.exists()


def test_a_policy_that_is_already_there_stays_as_it_is(tmp_path: Path) -> None:
    program(tmp_path, "policy-rc.d", "# the house's own\nexit 101")
    policy = tmp_path / "policy-rc.d"
    before = policy.read_text(encoding="utf-8")

    with system_packages.nothing_starts(needed=True, policy=policy):
        pass

    assert policy.read_text(encoding="utf-8") == before


def test_set_up_refuses_where_a_policy_of_the_house_lets_services_start(tmp_path: Path) -> None:
    program(tmp_path, "policy-rc.d", "exit 0")

    with (
        pytest.raises(Refusal, match="lets packages start services"),
        system_packages.nothing_starts(needed=True, policy=tmp_path / "policy-rc.d"),
    ):
        pytest.fail("nothing may be installed here")
