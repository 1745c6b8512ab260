"""The provider's certificate is verified, by the file of the settings and by nothing of the environment."""

import ssl
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from devcluster.tls import Certificates, ensure_certificates
from tests.accounts.oidc.browser import Browser, member
from tests.accounts.oidc.conftest import trust
from tests.providers.hostile import HostileProvider


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority that no system knows."""
    return ensure_certificates(tmp_path_factory.mktemp("tls"), [])


@pytest.fixture
def https_house(certificates: Certificates, settings: Settings, db: None) -> Iterator[HostileProvider]:
    """An honest house with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert_file, certificates.key_file)
    with HostileProvider(tls=context) as running:
        trust(settings, running.issuer, running.client_id, running.client_secret)
        yield running


def test_the_file_of_the_settings_is_trusted(
    https_house: HostileProvider, certificates: Certificates, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OIDC_CA_FILE = str(certificates.ca_file)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    alice, browser = member(), Browser(https_house)

    browser.sign_in()

    assert browser.user() == alice


def test_without_it_nobody_is_sent_there(
    https_house: HostileProvider, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca_file))

    assert Browser(https_house).start() == "/accounts/login/?why=unavailable"


def test_a_file_that_is_not_there_is_no_error_page(https_house: HostileProvider, settings: Settings) -> None:
    settings.OIDC_CA_FILE = "/nowhere/ca.pem"

    assert Browser(https_house).start() == "/accounts/login/?why=unavailable"
