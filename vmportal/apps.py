"""App configs of the wiring."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Makes `PortalAdminSite` the default site."""

    default_site = "vmportal.admin_site.PortalAdminSite"


class WiringConfig(AppConfig):
    """Registers the system checks."""

    name = "vmportal"

    def ready(self) -> None:
        """Importing the module registers them."""
        import vmportal.checks  # noqa: F401, PLC0415 (checks need loaded apps)
