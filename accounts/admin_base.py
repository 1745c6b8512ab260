"""Base classes of every app's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Looking is allowed, changing is not, also for superusers."""

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Whoever is let into the admin may look."""
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Listed on the index."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


class RtpAdmin(admin.ModelAdmin[Any]):
    """What RTPs decide about: they look, add, change and delete. The site lets nobody else in."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Listed on the index."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs look."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs add."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs change."""
        return True

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs delete."""
        return True
