"""Settings and their documentation agree."""

import re

from tests.architecture.house import ROOT
from vmportal import settings

DOCUMENT = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_every_variable_is_documented_and_every_documented_variable_exists() -> None:
    documented = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` ", DOCUMENT, re.MULTILINE))

    assert documented == settings.env.reads
