"""The life of a reservation."""

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
