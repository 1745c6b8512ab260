"""The admin's view of people and pools."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin_base import ReadOnlyAdmin
from accounts.directory_admin import DirectoryExceptionAdmin, DirectoryGroupAdmin, DirectoryRunAdmin
from accounts.models import Alarm, AuditEvent, OutgoingMail, Pool, PoolMembership, User

#: Registered by being imported.
DIRECTORY = (DirectoryExceptionAdmin, DirectoryGroupAdmin, DirectoryRunAdmin)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People as the portal knows them."""

    list_display = ["username", "kind", "is_rtp", "is_active", "last_login"]
    list_filter = ["kind", "is_rtp", "is_active"]
    ordering = ["username"]
    search_fields = ["username", "email"]
    exclude = ["password", "preferences", "groups", "user_permissions"]


class MembershipInline(admin.TabularInline[PoolMembership, Pool]):
    """Who is in a shared pool."""

    model = PoolMembership
    extra = 0
    can_delete = False
    readonly_fields = ["user", "role", "added_at"]

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Whoever is let into the admin may look."""
        return True


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin):
    """Pools and what they are bound to. Binding is `manage.py bind_pools`."""

    list_display = ["name", "kind", "owner", "proxmox_poolid", "hidden"]
    list_filter = ["kind", "hidden"]
    list_select_related = ["owner"]
    search_fields = ["name", "proxmox_poolid"]
    inlines = [MembershipInline]


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit trail, newest first."""

    list_display = ["at", "actor_name", "verb", "target_name", "address"]
    list_filter = ["verb"]
    search_fields = ["actor_name", "target_name", "machine_uuid"]


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    """What RTPs had to know, and until when."""

    list_display = ["sentence", "kind", "raised_at", "ended_at"]
    list_filter = ["kind"]


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    """Mail on its way: to whom and why it has not gone. Its text is the recipient's."""

    list_display = ["to", "subject", "made_at", "sent_at", "tries", "error"]
    search_fields = ["to", "subject"]
    exclude = ["text"]
