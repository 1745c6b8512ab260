"""App configs of the wiring."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Makes `PortalAdminSite` the default site."""

    default_site = "vmportal.admin_site.PortalAdminSite"
