"""Apps form a chain, floors form a house; imports go one way."""

import pytest

from tests.architecture import house
from tests.architecture.floors import APPS, PLAIN, SINGLE_DOORS

FILES = house.python_files(*APPS)
PORTAL_IMPORTS = [item for file in FILES for item in house.imports_of(file)]


def test_every_file_has_a_room() -> None:
    assert [file for file in FILES if house.floor_of(file) is None] == []


def test_imports_go_one_way() -> None:
    assert [why for item in PORTAL_IMPORTS if (why := house.breach(item))] == []


def test_nothing_is_imported_inside_a_function() -> None:
    late = [item for item in PORTAL_IMPORTS if item.inside_function and not item.file.endswith("/apps.py")]

    assert [f"{item.file}:{item.line}" for item in late] == []


@pytest.mark.parametrize("package", SINGLE_DOORS)
def test_one_file_talks_to_each_outside_system(package: str) -> None:
    doors = SINGLE_DOORS[package]
    users = {item.file for item in PORTAL_IMPORTS if item.module.split(".")[0] == package}

    assert {file for file in users if not any(house.matches(door, file) for door in doors)} == set()


def test_only_the_pass_over_the_directory_asks_it() -> None:
    asking = {item.file for item in PORTAL_IMPORTS if item.module.startswith("accounts.ldap")}

    assert {file for file in asking if not file.startswith("accounts/ldap/")} == {"accounts/sync.py"}


def test_one_function_alone_takes_room() -> None:
    """Beside it, requests.reserve only hands on to reservations.reserve."""
    assert house.callers_of("reserve", FILES) == {"vms/operations/growth.py", "vms/operations/requests.py"}


def test_reserving_elsewhere_would_be_found() -> None:
    assert house.called("requests.reserve(pool, asked, 'resize')") == {"reserve"}


def test_a_row_lock_never_bars_what_only_refers_to_the_row() -> None:
    """FOR UPDATE makes an insert with a foreign key to the row wait on PostgreSQL; FOR NO KEY UPDATE does not."""
    found = {file: house.key_locks((house.ROOT / file).read_text(encoding="utf-8")) for file in FILES}

    assert {file: lines for file, lines in found.items() if lines} == {}


def test_a_planted_key_lock_is_found() -> None:
    source = 'rows.select_for_update(of=("self",), no_key=True).get()\nUser.objects.select_for_update().get(pk=1)'

    assert house.key_locks(source) == [2]


def test_plain_files_know_no_django() -> None:
    plain = [item for item in PORTAL_IMPORTS if any(house.matches(pattern, item.file) for pattern in PLAIN)]
    framework = [item for item in plain if item.module.split(".")[0] in {"django", "channels", "celery", "allauth"}]

    assert [f"{item.file}:{item.line}" for item in framework] == []


def test_portal_and_stand_in_never_import_each_other() -> None:
    stand_in = [item for file in house.python_files("devcluster") for item in house.imports_of(file)]

    assert [item for item in stand_in if item.module.split(".")[0] in {*APPS, "tests", "django"}] == []
    assert [item for item in PORTAL_IMPORTS if item.module.split(".")[0] in {"devcluster", "tests"}] == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("accounts/models.py", "from vms.models import VirtualMachine"),
        ("quotas/reservations.py", "from vms.usage import count_usage"),
        ("vms/cluster/client.py", "from vms.models import VirtualMachine"),
        ("vms/models/operations.py", "from vms.operations import base"),
        ("vms/access.py", "from vms.urls import urlpatterns"),
        ("vms/access.py", "from accounts.views import csrf_failure"),
        ("vms/tasks.py", "from vmportal.settings import DEMO"),
    ],
)
def test_a_planted_upward_import_is_found(file: str, source: str) -> None:
    planted = house.imports_of(file, source)

    assert [item for item in planted if house.breach(item)] == planted
