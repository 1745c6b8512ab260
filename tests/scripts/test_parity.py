"""docs/proxstar-parity.md has every row, and every page, setting, command, action and change it names exists."""

import re

import pytest
from django.core.management import get_commands

from tests.access.addresses import patterns
from tests.architecture.house import ROOT
from vmportal import settings
from vms.change_table import PAGES
from vms.states import Action

DOCUMENT = ROOT / "docs" / "proxstar-parity.md"
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
ROWS = {int(number): where for number, _, where in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}
FILES = {"docker-compose.yml", "make demo"}


def exists(word: str) -> bool:
    """Whether the word is a URL name, a setting, a command, an action, a change or a file of the project."""
    pages = {name for name, _ in patterns()}
    changes, actions = {str(page) for page in PAGES}, {str(action) for action in Action}
    return word in pages | settings.env.reads | set(get_commands()) | changes | actions | FILES


def test_all_rows_are_there_once() -> None:
    numbers = [int(number) for number, _, _ in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))]

    assert numbers == list(range(1, 84))


@pytest.mark.parametrize("number", range(1, 84))
def test_a_row_names_what_exists_or_says_why_it_does_not(number: int) -> None:
    where = ROWS[number]

    named = CODE.findall(where)
    assert [word for word in named if not exists(word)] == []
    assert named or re.match(r"(Dropped|Later): \S+ \S+ \S+", where)


def test_a_word_that_nothing_bears_is_seen() -> None:
    assert not exists("vms:nowhere")
    assert not exists("NO_SUCH_SETTING")
