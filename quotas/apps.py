"""AppConfig of quotas."""

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    """How much: policies, usage, reservations."""

    name = "quotas"
    verbose_name = "Quotas"
