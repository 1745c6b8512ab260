"""AppConfig of the directory's models."""

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Members and groups as the house's directory holds them; no table, no migration."""

    name = "accounts.ldap"
    label = "directory"
    verbose_name = "Directory"
