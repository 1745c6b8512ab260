"""Attributes as fields. Which attribute a field is, the settings decide: see layout.py."""

from collections.abc import Sequence
from typing import Any

from django.db.utils import NotSupportedError
from ldapdb.models import fields as ldapdb

from accounts.ldap.layout import layout


class _FromSettings:
    """The attribute of a role in the layout of this moment; Django's own assignment of a column is passed over."""

    def __get__(self, field: Any, owner: type | None = None) -> Any:
        return getattr(layout(), field.db_column) if field is not None else self

    def __set__(self, field: Any, value: str | None) -> None:
        return


def plain(value: Any) -> Any:
    """The value, unless it is an expression, which ldapdb would compare as text."""
    if hasattr(value, "resolve_expression"):
        raise NotSupportedError("A directory compares attributes with values only.")
    return value


class TextField(ldapdb.CharField):
    """The first value of an attribute. `db_column` is its role in the layout, such as "uid"."""

    column = _FromSettings()

    def get_prep_value(self, value: Any) -> Any:
        """What a filter compares with."""
        return super().get_prep_value(plain(value))

    def from_ldap(self, value: Sequence[bytes], connection: object) -> str:
        """One odd value must not end a list: what is no UTF-8 reads as U+FFFD."""
        return value[0].decode("utf-8", "replace") if value else ""


class ValuesField(ldapdb.ListField):
    """All values of an attribute."""

    column = _FromSettings()

    def get_prep_value(self, value: Any) -> Any:
        """What a filter compares with."""
        return super().get_prep_value(plain(value))

    def from_ldap(self, value: Sequence[bytes], connection: object) -> list[str]:
        """In the directory's order."""
        return [one.decode("utf-8", "replace") for one in value]
