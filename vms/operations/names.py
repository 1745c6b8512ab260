"""Rules for the names of machines and of the users in them."""

import re

from django.db.models import Q

from accounts.models import Pool
from vms.models import Operation, VirtualMachine
from vms.operations.errors import Refusal
from vms.states import OperationKind

NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
NUMBER = re.compile(r"(.+)-([0-9]{1,4})")
LONGEST = 63
LOGIN_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
#: Accounts of the guest's system that cloud-init must not be pointed at.
TAKEN_USERS = frozenset({"root", "daemon", "bin", "sys", "nobody", "www-data", "sshd", "messagebus"})


def checked_name(typed: str) -> str:
    """The name as it is stored: a DNS label, because Proxmox and the guest use it as a host name. Raises Refusal."""
    name = typed.strip().lower()
    if not name:
        raise Refusal("Give the machine a name.", "name")
    if len(name) > 63:
        raise Refusal("A name has at most 63 characters.", "name")
    if not NAME.fullmatch(name):
        raise Refusal("Name must use a–z, 0–9 and hyphens, start with a letter and not end with a hyphen.", "name")
    return name


def refuse_taken_name(pool: Pool, name: str) -> None:
    """Raises Refusal when the name is taken in the pool. Decides only under the pool's row lock."""
    if is_taken(pool, name):
        raise Refusal(f"{name} is in use. Choose another name.", "name")


def is_taken(pool: Pool, name: str) -> bool:
    """True when a present machine of the pool has this name, is being given it, or is on its way there with it."""
    given = Q(kind=OperationKind.RENAME, wish__name=name) | Q(kind=OperationKind.MOVE, vm__name=name)
    coming = Operation.objects.blocking().filter(given, pool=pool)
    return VirtualMachine.objects.present().filter(pool=pool, name=name).exists() or coming.exists()


def suggest(pool: Pool, name: str) -> str:
    """The name itself where it is free, else the next one with a number: web-02 after web-01, db-2 after db."""
    if not is_taken(pool, name):
        return name
    stem = NUMBER.fullmatch(name)
    base, number = (stem[1], int(stem[2])) if stem else (name, 1)
    width = len(stem[2]) if stem else 1
    for n in range(number + 1, number + 1000):
        ending = f"-{n:0{width}}"
        wanted = base[: LONGEST - len(ending)].rstrip("-") + ending
        if not is_taken(pool, wanted):
            return wanted
    return name


def checked_login_user(typed: str) -> str:
    """The user cloud-init makes; empty stays empty. Raises Refusal."""
    user = typed.strip()
    if user and not LOGIN_USER.fullmatch(user):
        raise Refusal("A user name uses a–z, 0–9, hyphens and underscores and starts with a letter.", "login_user")
    if user in TAKEN_USERS:
        raise Refusal(f"{user} is an account of the system. Choose another user name.", "login_user")
    return user
