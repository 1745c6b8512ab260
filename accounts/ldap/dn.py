"""Distinguished names as keys: two spellings of one name are one key."""

import re

import ldap
import ldap.dn

#: Where a DN may be spelled in two ways: escapes, quotes, several attributes in one name, blanks beside a separator.
IRREGULAR = re.compile(r'[\\"+;#]|\s[,=\s]|[,=]\s|^\s|\s$|[\t\n\r\f\v]')
#: No DN with none of these is irregular; looking for each is far quicker than the expression.
SUSPICIOUS = ("\\", '"', "+", ";", "#", " ")


def key_of(dn: str) -> str:
    """A DN in the form in which it is compared; raises ValueError where it is none.

    Compared without case, as directories compare the attributes that name members and groups.
    """
    plain = dn.isprintable() and not any([sign in dn for sign in SUSPICIOUS])  # noqa: C419 (quicker than a generator)
    if "=" in dn and (plain or not IRREGULAR.search(dn)):
        return dn.lower()
    try:
        names = ldap.dn.str2dn(dn)
    except ldap.LDAPError as error:
        raise ValueError("no distinguished name") from error
    if not names:
        raise ValueError("the empty distinguished name")
    return ",".join(_key_of_name(name) for name in names)


def _key_of_name(name: list[tuple[str, str, int]]) -> str:
    parts = sorted((attribute.lower(), " ".join(value.lower().split())) for attribute, value, _flags in name)
    return "+".join(f"{attribute}={ldap.dn.escape_dn_chars(value)}" for attribute, value in parts)
