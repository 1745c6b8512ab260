"""The lives of a reservation and of a request for more."""

from enum import StrEnum


class ReservationState(StrEnum):
    """HELD counts against the limit; SETTLED became usage; RELEASED was given back."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


MOVES: dict[ReservationState, frozenset[ReservationState]] = {
    ReservationState.HELD: frozenset({ReservationState.SETTLED, ReservationState.RELEASED}),
    ReservationState.SETTLED: frozenset(),
    ReservationState.RELEASED: frozenset(),
}


class RequestState(StrEnum):
    """OPEN waits for an RTP. APPROVED and PARTLY became an allowance. DECLINED has a reason. WITHDRAWN by who asked."""

    OPEN = "open"
    APPROVED = "approved"
    PARTLY = "partly"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
