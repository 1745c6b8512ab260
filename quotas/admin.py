"""Quota policies in the admin; reservations to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts import audit
from accounts.admin_base import ReadOnlyAdmin
from accounts.models import User
from quotas.models import Policy, Reservation


@admin.register(Policy)
class PolicyAdmin(admin.ModelAdmin[Policy]):
    """What RTPs allow. Cutting a limit below the use stops nothing; it refuses growth."""

    list_display = ["name", "is_default", "cores", "memory_mib", "disk_gib", "vms", "changed_at"]

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        """Saves and writes the audit row with what changed."""
        super().save_model(request, obj, form, change)
        changed = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        actor = request.user if isinstance(request.user, User) else None
        audit.record(
            actor=actor,
            verb="policy.saved",
            target_kind="policy",
            target_id=obj.pk,
            target_name=obj.name,
            changed=changed,
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever is let into the admin is an RTP."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """RTPs look."""
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """RTPs add."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """RTPs change."""
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The settings' default holds when no policy is left."""
        return True


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Room held by operations in motion."""

    list_display = ["pool", "purpose", "state", "cores", "memory_mib", "disk_gib", "held_until"]
    list_filter = ["state"]
    list_select_related = ["pool"]
