"""A database ENGINE around ldapdb: read only, bounded, verified, and loud where ldapdb is silently wrong."""
