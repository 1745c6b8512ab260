"""Words about requests."""

from django import template

from quotas.allowances import numbers_of
from quotas.models import Allowance, MoreRequest
from quotas.states import RequestState

register = template.Library()


@register.filter
def answer_of(asked: MoreRequest) -> str:
    """What became of a request, with the numbers that were given."""
    given = numbers_of(asked.allowance).words if asked.allowance else ""
    return {
        RequestState.OPEN: "Waits for an RTP",
        RequestState.APPROVED: f"Granted: {given}",
        RequestState.PARTLY: f"Granted in part: {given}",
        RequestState.DECLINED: "Declined",
        RequestState.WITHDRAWN: "Withdrawn",
    }[RequestState(asked.state)]


@register.filter
def in_numbers(allowance: Allowance) -> str:
    """'12 cores, 16 GiB of memory'."""
    return numbers_of(allowance).words
