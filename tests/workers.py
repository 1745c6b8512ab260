"""Which tests stay together on one worker when several run them.

xdist's own marker for that puts the group into the test's id, which this release of pytest does not take up.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: Tests below share something dear (guests, a demo, a house of seven services), or follow one another.
TOGETHER = (
    "tests/journeys/",
    "tests/scripts/test_demo.py",
    "tests/deploy/test_composed_house.py",
    "tests/deploy/test_consoles_behind_nginx.py",
    "tests/devcluster/test_qemu.py",
    "tests/devcluster/test_against_recorded.py",
    "tests/contract/",
    "tests/accounts/oidc/test_real_provider.py",
    "tests/consoles/test_in_a_browser.py",
    "tests/consoles/test_limits_live.py",
    "tests/consoles/test_orphans.py",
    "tests/consoles/test_revocation_at_once.py",
    "tests/consoles/test_seats.py",
    "tests/providers/test_sign_in.py",
    "tests/pages/test_journeys.py",
    "tests/pages/test_create.py",
    "tests/pages/test_pages.py",
    "tests/pages/test_proof.py",
    "tests/vms/test_race.py",
    "tests/vms/leases/test_race.py",
    "tests/vms/mirror/test_requests.py",
)
#: Each file below has a browser, a server or a portal of its own, which two workers would start twice.
FILE_BY_FILE = (
    "tests/accounts/directory/",
    "tests/accounts/ldap/",
    "tests/consoles/page/",
    "tests/deploy/",
    "tests/pages/",
    "tests/providers/",
)


class ByRoom(LoadScopeScheduling):
    """One test at a time, but for those that stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0] if nodeid.startswith(FILE_BY_FILE) else nodeid
        return next((room for room in TOGETHER if nodeid.startswith(room)), file)


class Scheduler:
    """The plugin that puts `ByRoom` in xdist's place."""

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> ByRoom:
        """Called by xdist in the controlling process."""
        return ByRoom(config, log)
