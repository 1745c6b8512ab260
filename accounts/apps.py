"""AppConfig of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who: members, pools, audit."""

    name = "accounts"
    verbose_name = "People and pools"

    def ready(self) -> None:
        """Importing the module connects the receivers."""
        import accounts.receivers  # noqa: F401, PLC0415 (receivers need loaded apps)
