"""Sends the directory's models to the directory, everything else past it, and no migration there."""

from typing import Any

from django.db.models import Model

ALIAS = "ldap"
LABEL = "directory"


class DirectoryRouter:
    """ldapdb's own router looks for ldapdb's own engine by name, and so never finds ours."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Where a query goes."""
        return ALIAS if model._meta.app_label == LABEL else None

    db_for_write = db_for_read  # so that the engine refuses the write, instead of a missing table

    def allow_relation(self, left: Model, right: Model, **hints: Any) -> bool | None:
        """No row points into the directory."""
        return False if LABEL in {left._meta.app_label, right._meta.app_label} else None

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """The directory has no tables, and the database none for the directory."""
        return False if db == ALIAS or app_label == LABEL else None
