"""The models of accounts, by subject."""

from accounts.models.directory import DirectoryException, DirectoryGroup, DirectoryMembership, DirectoryRun
from accounts.models.people import SshKey, User
from accounts.models.pools import Pool, PoolMembership, PoolQuerySet
from accounts.models.records import Alarm, Announcement, AuditEvent, AuditSeal, OutgoingMail
from accounts.models.sessions import OneTimeLink, SpentToken, SsoSession

__all__ = [
    "Alarm",
    "Announcement",
    "AuditEvent",
    "AuditSeal",
    "DirectoryException",
    "DirectoryGroup",
    "DirectoryMembership",
    "DirectoryRun",
    "OneTimeLink",
    "OutgoingMail",
    "Pool",
    "PoolMembership",
    "PoolQuerySet",
    "SpentToken",
    "SshKey",
    "SsoSession",
    "User",
]
