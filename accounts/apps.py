"""AppConfig of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who: members, pools, audit."""

    name = "accounts"
    verbose_name = "People and pools"
