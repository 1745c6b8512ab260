from dataclasses import replace

import pytest

from devcluster.tickets import Terms, make_password, make_ticket, ticket_fits

TERMS = Terms(secret="s", authid="portal@pve!portal", vmid=100, port=5900)


def fits(ticket: str, terms: Terms = TERMS, now: float = 1000.0) -> bool:
    return ticket_fits(ticket, terms, now=now, valid_s=40)


def test_a_ticket_is_as_long_as_a_real_one_with_and_without_its_password() -> None:
    bare = make_ticket(TERMS, now=1000)

    assert (len(bare), len(f"{make_password()}:{bare}")) == (361, 370)
    assert fits(bare)
    assert fits(f"{make_password()}:{bare}")


@pytest.mark.parametrize("now", [979.0, 1040.0])
def test_a_ticket_from_the_future_or_older_than_forty_seconds_does_not_fit(now: float) -> None:
    assert not fits(make_ticket(TERMS, now=1000), now=now)


@pytest.mark.parametrize(
    "other",
    [
        replace(TERMS, authid="portal@pve"),
        replace(TERMS, authid="portal@pve!console"),
        replace(TERMS, vmid=101),
        replace(TERMS, port=5901),
        replace(TERMS, secret="another cluster"),
    ],
    ids=["its owner", "another token", "another machine", "another port", "another cluster"],
)
def test_a_ticket_fits_nobody_and_nothing_else(other: Terms) -> None:
    assert not fits(make_ticket(TERMS, now=1000), other)


@pytest.mark.parametrize("ticket", ["", "PVEVNC:000003E8::", "x" * 361, make_ticket(TERMS, now=1000)[:-1] + "!"])
def test_a_garbled_ticket_does_not_fit(ticket: str) -> None:
    assert not fits(ticket)


def test_a_password_has_eight_characters_up_to_the_backtick() -> None:
    assert all(len(one) == 8 and set(one) <= {chr(n) for n in range(33, 97)} for one in (make_password(), '&%+#"\\:`'))
