"""AppConfig of consoles."""

from django.apps import AppConfig


class ConsolesConfig(AppConfig):
    """Seeing it: grants, visits, the RFB proxy."""

    name = "consoles"
    verbose_name = "Consoles"

    def ready(self) -> None:
        """Listens to the apps below."""
        from consoles import receivers  # noqa: PLC0415 (models are not ready before)

        receivers.connect()
