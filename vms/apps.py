"""AppConfig of vms."""

from django.apps import AppConfig


class VmsConfig(AppConfig):
    """What: machines, operations on them, the mirror of the cluster."""

    name = "vms"
    verbose_name = "Virtual machines"

    def ready(self) -> None:
        """Connects the receivers."""
        import vms.receivers  # noqa: F401, PLC0415 (receivers need loaded models)
