"""What this house's directory calls things: the layout of the settings, with what they replace in it."""

from dataclasses import replace

from django.conf import settings

from accounts.mapping import LAYOUTS, Layout


def layout() -> Layout:
    """The layout that the settings describe now."""
    named = {
        "member_class": settings.LDAP_MEMBER_CLASS,
        "group_class": settings.LDAP_GROUP_CLASS,
        "uuid": settings.LDAP_UUID_ATTRIBUTE,
        "uid": settings.LDAP_UID_ATTRIBUTE,
        "name": settings.LDAP_NAME_ATTRIBUTE,
        "mail": settings.LDAP_MAIL_ATTRIBUTE,
    }
    return replace(LAYOUTS[settings.LDAP_LAYOUT], **{role: name for role, name in named.items() if name})
