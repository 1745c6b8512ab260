"""Secrets of second factors lie sealed in the database."""

import json

from allauth.mfa.models import Authenticator
from django.conf import LazySettings

from accounts.factors import check_app_code, reseal
from accounts.sealing import seal, unseal
from tests.accounts.local.house import app_code
from tests.cast import FACTOR_SECRET, Cast

ANOTHER = "another-key-for-tests-only-that-is-long-enough"


def test_the_database_does_not_hold_the_secret_and_its_codes_count(cast: Cast) -> None:
    kept = json.dumps(Authenticator.objects.get(user=cast.rita).data)

    assert FACTOR_SECRET not in kept
    assert check_app_code(cast.rita, app_code())


def test_a_new_key_opens_what_the_old_one_sealed(settings: LazySettings) -> None:
    sealed = seal("secret")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = ANOTHER

    assert (unseal(sealed), seal("secret") != sealed) == ("secret", True)


def test_an_earlier_key_can_go_once_everything_is_sealed_anew(cast: Cast, settings: LazySettings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = ANOTHER
    assert (reseal(), reseal()) == (1, 0)
    settings.SECRET_KEY_FALLBACKS = []

    assert check_app_code(cast.rita, app_code())


def test_without_its_key_it_proves_nothing_and_is_nothing_anybody_knows(cast: Cast, settings: LazySettings) -> None:
    sealed = seal("secret")
    settings.SECRET_KEY = ANOTHER

    assert len({unseal(sealed), unseal(sealed), "secret", ""}) == 4
    assert not check_app_code(cast.rita, app_code())
    assert reseal() == 0
