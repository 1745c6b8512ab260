"""AppConfig of consoles."""

from django.apps import AppConfig


class ConsolesConfig(AppConfig):
    """Seeing it: grants, visits, the RFB proxy."""

    name = "consoles"
    verbose_name = "Consoles"
