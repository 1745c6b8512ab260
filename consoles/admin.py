"""Visits and grants, to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from consoles.models import ConsoleGrant, ConsoleVisit


class ReadOnly:
    """History is not edited, also not by superusers."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


@admin.register(ConsoleVisit)
class ConsoleVisitAdmin(ReadOnly, admin.ModelAdmin[ConsoleVisit]):
    """Who had which screen, when, and how it ended."""

    list_display = ("vm", "user_name", "address", "opened_at", "closed_at", "end", "bytes_to_browser")
    list_filter = ("end", "opened_at")
    search_fields = ("user_name", "vm__name", "machine_uuid")
    list_select_related = ("vm",)
    date_hierarchy = "opened_at"


@admin.register(ConsoleGrant)
class ConsoleGrantAdmin(ReadOnly, admin.ModelAdmin[ConsoleGrant]):
    """Grants of the last day, without what would open anything."""

    list_display = ("vm", "user", "role", "address", "issued_at", "spent_at")
    fields = ("vm", "user", "role", "machine_uuid", "address", "issued_at", "expires_at", "spent_at")
    list_select_related = ("vm", "user")
