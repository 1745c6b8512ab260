"""What every test of local accounts starts from."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _fresh_counts(request: pytest.FixtureRequest) -> None:
    """The table of the cache is no model's: emptying the database between tests leaves it."""
    if "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db")
        cache.clear()
