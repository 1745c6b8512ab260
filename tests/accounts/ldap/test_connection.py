"""The connection is verified, bounded in time, and never falls back to anything weaker."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.utils import OperationalError

from accounts.ldap.models import Member
from devcluster.tls import ensure_certificates
from tests.slapd import BlackHole, SlapdServer, asked
from tests.slapd_tree import PORTAL

pytestmark = pytest.mark.usefixtures("outside_the_database")


@pytest.fixture(scope="module")
def wrong_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority that signed nothing of the house's."""
    return ensure_certificates(tmp_path_factory.mktemp("wrong"), []).ca_file


@pytest.fixture
def thawed(house: SlapdServer) -> Iterator[SlapdServer]:
    """The house's directory, which goes on after the test whatever happens."""
    yield house
    house.thaw()


def test_start_tls_is_verified_against_the_houses_authority(house: SlapdServer) -> None:
    with asked(house):
        assert Member.objects.count() == 16


def test_ldaps_is_verified_against_the_houses_authority(house: SlapdServer) -> None:
    with asked(house, LDAP_URL=house.tls_url, LDAP_START_TLS=False):
        assert Member.objects.count() == 16


@pytest.mark.parametrize("over", ["StartTLS", "ldaps"])
def test_another_authoritys_certificate_is_refused(house: SlapdServer, wrong_ca: Path, over: str) -> None:
    ways = {"StartTLS": (house.url, True), "ldaps": (house.tls_url, False)}
    url, start_tls = ways[over]

    with (
        asked(house, LDAP_URL=url, LDAP_START_TLS=start_tls, LDAP_CA_FILE=str(wrong_ca)),
        pytest.raises(OperationalError),
    ):
        Member.objects.count()


def test_without_a_ca_file_an_unknown_authority_is_refused(house: SlapdServer) -> None:
    with (
        asked(house, LDAP_CA_FILE=""),
        pytest.raises(OperationalError, match=r"check its certificate and LDAP_CA_FILE"),
    ):
        Member.objects.count()


def test_an_environment_that_waves_certificates_through_changes_nothing(
    house: SlapdServer, wrong_ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")

    with asked(house, LDAP_CA_FILE=str(wrong_ca)), pytest.raises(OperationalError):
        Member.objects.count()


def test_a_certificate_for_another_name_is_refused(house: SlapdServer) -> None:
    with asked(house, LDAP_URL=house.unnamed_url, LDAP_START_TLS=False), pytest.raises(OperationalError):
        Member.objects.count()


def test_a_directory_without_tls_is_not_asked_in_the_clear() -> None:
    with SlapdServer() as bare, asked(bare, LDAP_START_TLS=True), pytest.raises(OperationalError):
        Member.objects.count()


def test_a_password_is_never_sent_in_the_clear_beyond_this_machine(house: SlapdServer) -> None:
    with (
        asked(house, LDAP_URL="ldap://directory.house.test", LDAP_START_TLS=False),
        pytest.raises(OperationalError, match="not encrypted and leaves this machine"),
    ):
        Member.objects.count()


def test_a_name_without_a_password_is_not_taken_for_nobody(house: SlapdServer) -> None:
    with asked(house, LDAP_BIND_PASSWORD=""), pytest.raises(OperationalError, match="without LDAP_BIND_PASSWORD"):
        Member.objects.count()


def test_a_socket_on_this_machine_needs_no_tls(house: SlapdServer) -> None:
    with asked(house, LDAP_URL=house.socket_url, LDAP_START_TLS=False):
        assert Member.objects.count() == 16


def test_a_wrong_password_is_said_and_not_shown(house: SlapdServer) -> None:
    with asked(house, LDAP_BIND_PASSWORD="not-the-word"), pytest.raises(OperationalError) as refused:
        Member.objects.count()

    assert "LDAP_BIND_PASSWORD; perhaps the password expired" in str(refused.value)
    assert "not-the-word" not in repr(refused.value) + repr(refused.value.__cause__)
    assert PORTAL not in str(refused.value)


@pytest.mark.parametrize("over", ["StartTLS", "ldaps", "plain"])
@pytest.mark.parametrize("connected", [False, True], ids=["before it connects", "after it connected"])
def test_a_frozen_directory_ends_within_twice_its_time(thawed: SlapdServer, over: str, connected: bool) -> None:
    url = thawed.tls_url if over == "ldaps" else thawed.url
    times = {"LDAP_CONNECT_TIMEOUT_S": 0.5, "LDAP_TIMEOUT_S": 0.5}
    with asked(thawed, LDAP_URL=url, LDAP_START_TLS=over == "StartTLS", **times):
        assert not connected or Member.objects.count() == 16
        thawed.freeze()
        began = time.monotonic()

        with pytest.raises(OperationalError):
            Member.objects.count()

        assert time.monotonic() - began < 2 * 0.5 + 0.3
        thawed.thaw()
        assert Member.objects.count() == 16


@pytest.fixture
def hole() -> Iterator[BlackHole]:
    """A port that drops what is sent to it."""
    with BlackHole() as listening:
        yield listening


@pytest.mark.parametrize("over", ["StartTLS", "ldaps", "plain"])
def test_dropped_packets_end_within_twice_the_time(house: SlapdServer, hole: BlackHole, over: str) -> None:
    times = {"LDAP_CONNECT_TIMEOUT_S": 0.5, "LDAP_TIMEOUT_S": 0.5}
    ways = {
        "StartTLS": (hole.url, True),
        "ldaps": (hole.url.replace("ldap:", "ldaps:"), False),
        "plain": (hole.url, False),
    }
    url, start_tls = ways[over]
    with asked(house, LDAP_URL=url, LDAP_START_TLS=start_tls, **times):
        began = time.monotonic()

        with pytest.raises(OperationalError, match=r"cannot be reached|did not answer in time"):
            Member.objects.count()

        assert 0.4 < time.monotonic() - began < 2 * 0.5 + 0.3


@pytest.mark.parametrize("over", ["StartTLS", "ldaps", "plain"])
def test_where_one_server_is_silent_the_next_is_asked(house: SlapdServer, hole: BlackHole, over: str) -> None:
    scheme, good = ("ldaps", house.tls_url) if over == "ldaps" else ("ldap", house.url)
    urls = f"{scheme}://127.0.0.1:9 {scheme}://127.0.0.1:{hole.port} {good}"
    times = {"LDAP_CONNECT_TIMEOUT_S": 0.3, "LDAP_TIMEOUT_S": 0.3}

    with asked(house, LDAP_URL=urls, LDAP_START_TLS=over == "StartTLS", **times):
        assert Member.objects.count() == 16


def test_a_server_that_refuses_the_password_is_not_asked_around(house: SlapdServer) -> None:
    with (
        asked(house, LDAP_URL=f"{house.url} ldap://127.0.0.1:9", LDAP_BIND_PASSWORD="not-the-word"),
        pytest.raises(OperationalError, match="perhaps the password expired"),
    ):
        Member.objects.count()


def test_a_directory_that_is_down_is_said_at_once(house: SlapdServer) -> None:
    with asked(house, LDAP_URL="ldap://127.0.0.1:9"), pytest.raises(OperationalError, match="cannot be reached"):
        Member.objects.count()
