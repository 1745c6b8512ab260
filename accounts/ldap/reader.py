"""The only way the rest of the portal asks the directory. Two searches, and never a part of an answer."""

from django.conf import settings
from django.db import connections
from django.db.utils import DatabaseError, InterfaceError

from accounts.errors import DirectoryIncomplete, DirectoryUnavailable
from accounts.identity import DirectoryReading
from accounts.ldap.assembly import reading_of
from accounts.ldap.engine.errors import PartialAnswer
from accounts.ldap.layout import layout
from accounts.ldap.models import Group, Member
from accounts.ldap.router import ALIAS


def read() -> DirectoryReading:
    """Everybody and every group, as the directory has them now.

    Raises DirectoryUnavailable without an answer, DirectoryIncomplete where one may lack something.
    Membership is what the groups list: memberOf is an overlay's copy of it, which may lag or be missing.
    """
    _refuse_unless_configured()
    connection = connections[ALIAS]
    connection.close()
    try:
        groups = list(Group.objects.entries())
        members = list(Member.objects.entries())
    except PartialAnswer as error:
        raise DirectoryIncomplete(str(error)) from error
    except (DatabaseError, InterfaceError) as error:
        raise DirectoryUnavailable(str(error)) from error
    finally:
        connection.close()
    return reading_of(members, groups, layout())


def _refuse_unless_configured() -> None:
    if ALIAS not in connections.settings:
        raise DirectoryUnavailable("No directory is configured: LDAP_URL is empty.")
    for name in ("LDAP_MEMBER_BASE", "LDAP_GROUP_BASE"):
        if not getattr(settings, name):
            raise DirectoryUnavailable(f"{name} is not set.")
