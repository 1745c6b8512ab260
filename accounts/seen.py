"""What somebody saw of a row when they opened its form: a fingerprint, compared under the row's lock when they save."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Manager, Model


def fingerprint(row: Model, names: Iterable[str]) -> str:
    """64 hexadecimal digits of the columns that the form changes; columns with another writer stay out of it."""
    seen = {name: _plain(row, name) for name in sorted(names)}
    return hashlib.sha256(json.dumps(seen, default=str).encode()).hexdigest()


def shown(found: object) -> str:
    """A value as a person reads it in the comparison of two versions."""
    if found is None or found == "":
        return "empty"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, Manager):
        found = found.all()
    if isinstance(found, str) or not isinstance(found, Iterable):
        return str(found)
    return ", ".join(sorted(str(each) for each in found)) or "none"


def _plain(row: Model, name: str) -> Any:
    field = row._meta.get_field(name)
    if field.many_to_many:
        return sorted(getattr(row, name).values_list("pk", flat=True))
    return getattr(row, getattr(field, "attname", name))
