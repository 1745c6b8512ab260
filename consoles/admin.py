"""Visits and grants, to read."""

from django.contrib import admin

from accounts.admin_base import HISTORY, ReadOnlyAdmin
from consoles.models import ConsoleGrant, ConsoleVisit


@admin.register(ConsoleVisit)
class ConsoleVisitAdmin(ReadOnlyAdmin):
    """Who had which screen, when, and how it ended."""

    why = HISTORY
    list_display = ["vm", "user_name", "address", "opened_at", "closed_at", "end", "bytes_to_browser"]
    list_filter = ["end", "opened_at"]
    search_fields = ["user_name", "vm__name", "machine_uuid"]
    list_select_related = ["vm"]
    date_hierarchy = "opened_at"


@admin.register(ConsoleGrant)
class ConsoleGrantAdmin(ReadOnlyAdmin):
    """Grants of the last day, without what would open anything."""

    why = "A grant is asked for by a page and spent by its console; it lives 20 s."
    list_display = ["vm", "user", "role", "address", "issued_at", "spent_at"]
    fields = ["vm", "user", "role", "machine_uuid", "address", "issued_at", "expires_at", "spent_at"]
    list_filter = ["role"]
    search_fields = ["user__username", "vm__name"]
    list_select_related = ["vm", "user"]
