"""What RTPs decide about templates and ISO images: the columns that the mirror never writes."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from vms.models import IsoImage, Template

TEMPLATE = ("is_hidden", "title", "icon", "login_user", "least_cores", "least_memory_mib", "least_disk_gib")
#: Least and most of each smallest size.
LEAST_SIZES = {"least_cores": (1, 128), "least_memory_mib": (64, 4 * 1024 * 1024), "least_disk_gib": (1, 64 * 1024)}


def decide_on(row: Template | IsoImage, marks: Mapping[str, Any], *, by: User, address: str = "") -> bool:
    """Writes these columns alone, with one audit row; False, and neither, where they were so already."""
    kind = type(row)
    with transaction.atomic():
        locked = kind._default_manager.select_for_update(no_key=True).get(pk=row.pk)
        before = {name: getattr(locked, name) for name in marks}
        if before == dict(marks):
            return False
        kind._default_manager.filter(pk=row.pk).update(**marks)
        audit.record(
            actor=by, verb="catalog.marked", address=address, target_kind=str(kind._meta.model_name),
            target_id=row.pk, target_name=str(locked), **marks,
        )  # fmt: skip
    return True
