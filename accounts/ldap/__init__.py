"""The house's directory, read only: the one importer of ldapdb and ldap. `reader.read()` is its only way in."""

from accounts.ldap import compat

compat.put_back_utc()
