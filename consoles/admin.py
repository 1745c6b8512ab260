"""Visits, grants and shared consoles, to read."""

from django.contrib import admin

from accounts.admin_base import HISTORY, ReadOnlyAdmin
from consoles.models import ConsoleGrant, ConsoleShare, ConsoleVisit


@admin.register(ConsoleVisit)
class ConsoleVisitAdmin(ReadOnlyAdmin):
    """Who had which screen, when, and how it ended."""

    why = HISTORY
    list_display = [
        "vm", "user_name", "mode", "node", "address", "opened_at", "closed_at", "end", "end_reason",
        "bytes_to_browser", "bytes_from_browser",
    ]  # fmt: skip
    list_filter = ["end", "mode", "node", "opened_at"]
    search_fields = ["user_name", "vm__name", "machine_uuid"]
    list_select_related = ["vm"]
    date_hierarchy = "opened_at"


@admin.register(ConsoleGrant)
class ConsoleGrantAdmin(ReadOnlyAdmin):
    """Grants of the last day, without what would open anything."""

    why = "A grant is asked for by a page and spent by its console; it lives 20 s."
    list_display = ["vm", "user", "role", "is_watch", "share", "address", "issued_at", "spent_at"]
    fields = [
        "vm", "user", "role", "is_watch", "share", "machine_uuid", "address", "issued_at", "expires_at", "spent_at",
    ]  # fmt: skip
    list_filter = ["role", "is_watch"]
    search_fields = ["user__username", "vm__name"]
    list_select_related = ["vm", "user", "share__vm"]


@admin.register(ConsoleShare)
class ConsoleShareAdmin(ReadOnlyAdmin):
    """Shared consoles, without what would open anything. Their makers revoke them, and whoever manages the machine."""

    why = "Whoever made it revokes it on the machine's page; it is removed a day after its time."
    list_display = ["vm", "maker", "guest", "may_control", "made_at", "expires_at", "taken_at", "revoked_at"]
    fields = [
        "vm", "machine_uuid", "maker", "guest", "may_control", "made_at", "expires_at", "taken_at", "revoked_at",
    ]  # fmt: skip
    list_filter = ["may_control", "expires_at"]
    search_fields = ["maker__username", "guest__username", "vm__name"]
    list_select_related = ["vm", "maker", "guest"]
