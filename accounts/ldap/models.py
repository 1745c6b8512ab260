"""Members and groups as the directory holds them now. Unmanaged, read only, and never asked inside a request."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from django.conf import settings
from django.db.models import QuerySet
from django.db.utils import NotSupportedError
from ldapdb.models import Model

from accounts.ldap.engine.base import Entry
from accounts.ldap.fields import TextField, ValuesField
from accounts.ldap.layout import layout


class EntryQuerySet(QuerySet[Any]):
    """Adds the entries as they are written, for those who must see every value."""

    def entries(self) -> Iterator[Entry]:
        """(DN, attributes) of what matches, in the directory's order."""
        found: Iterator[Entry] = self.query.get_compiler(self.db).entries()
        return found


class _Now:
    """A class attribute that the settings decide at the moment of the question."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self._read()


class _ReadOnly(Model):
    class Meta:
        abstract = True

    def _save_table(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotSupportedError("The portal never writes to the directory.")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses, as saving does."""
        raise NotSupportedError("The portal never writes to the directory.")


class Member(_ReadOnly):
    """A member of the house."""

    base_dn = _Now(lambda: settings.LDAP_MEMBER_BASE)
    object_classes = _Now(lambda: [layout().member_class])

    uuid = TextField(db_column="uuid")
    uid = TextField(db_column="uid")
    full_name = TextField(db_column="name")
    email = TextField(db_column="mail")

    objects = EntryQuerySet.as_manager()

    class Meta:
        app_label = "directory"
        managed = False

    def __str__(self) -> str:
        return self.uid


class Group(_ReadOnly):
    """A group, with the DNs of its members and of the groups in it."""

    base_dn = _Now(lambda: settings.LDAP_GROUP_BASE)
    object_classes = _Now(lambda: [layout().group_class])

    name = TextField(db_column="group_name")
    members = ValuesField(db_column="group_member")

    objects = EntryQuerySet.as_manager()

    class Meta:
        app_label = "directory"
        managed = False

    def __str__(self) -> str:
        return self.name
