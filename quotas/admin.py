"""Limits in the admin. Policies have a file of their own."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.addresses import address_of
from accounts.admin_base import ReadOnlyAdmin
from quotas import allowances, policy_admin
from quotas.models import Allowance, MoreRequest, Reservation

__all__ = ["policy_admin"]


@admin.register(Allowance)
class AllowanceAdmin(ReadOnlyAdmin):
    """Raised limits, also those that ended. One is given on the RTPs' page of limits or by answering a request."""

    list_display = ["pool", "cores", "memory_mib", "disk_gib", "until", "reason", "made_by", "made_at", "ended_at"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "until"]
    list_select_related = ["pool", "made_by"]
    search_fields = ["pool__name", "reason"]
    actions = ["end_now"]

    @admin.action(description="End these allowances now")
    def end_now(self, request: HttpRequest, queryset: QuerySet[Allowance]) -> None:
        """One by one, each audited; nothing is stopped by it."""
        ended = sum(allowances.end(each, by=request.user, address=address_of(request)) for each in queryset)  # type: ignore[arg-type]  # RTPs only
        self.message_user(request, f"Ended: {ended}.", messages.SUCCESS)


@admin.register(MoreRequest)
class MoreRequestAdmin(ReadOnlyAdmin):
    """Requests for more and their answers."""

    list_display = ["pool", "asked_by", "state", "cores", "memory_mib", "disk_gib", "until", "asked_at", "decided_by"]
    list_filter = ["state"]
    list_select_related = ["pool", "asked_by", "decided_by"]
    search_fields = ["pool__name", "reason"]
    exclude = ["ref"]


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Room held by operations in motion."""

    list_display = ["pool", "purpose", "state", "cores", "memory_mib", "disk_gib", "held_until"]
    list_filter = ["state"]
    list_select_related = ["pool"]
