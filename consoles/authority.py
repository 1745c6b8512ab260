"""Who may have this socket: Origin, session, grant and right, settled before accept and read again while it is open."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.standing import may_be_signed_in
from consoles import close_codes, shares
from consoles.close_codes import End
from consoles.grants import SpentGrant, spend
from consoles.modes import Mode
from vms import restraints
from vms.access import may, vm_for
from vms.cluster.types import GuestRef
from vms.models import VirtualMachine
from vms.states import Action, Lifecycle

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
PROTOCOL = "vmportal.v1"
GRANT_PREFIX = "grant."


@dataclass(frozen=True, slots=True)
class Authority:
    """A settled right: this session of this person may have this machine's screen.

    `view_only`: to look at. What the browser sends of keys, pointer and clipboard ends in the proxy.
    `share_id`: the right comes from a shared console, not from a role.
    """

    user_id: int
    user_name: str
    session_key: str = field(repr=False)
    vm_id: int
    machine_uuid: uuid.UUID
    address: str
    ref: GuestRef
    mode: Mode = Mode.CONTROL
    share_id: int | None = None

    @property
    def view_only(self) -> bool:
        """To look at, not to use."""
        return self.mode != Mode.CONTROL


def origin_is_ours(headers: Iterable[tuple[bytes, bytes]], allowed: Collection[str] | None = None) -> bool:
    """Exactly one Origin header, equal to the portal's own origin to the letter.

    The Host header is not looked at: a browser can be made to send any.
    """
    allowed = settings.CSRF_TRUSTED_ORIGINS if allowed is None else allowed
    origins = [value for name, value in headers if name.lower() == b"origin"]
    return len(origins) == 1 and origins[0].decode("latin-1") in set(allowed)


def token_of(subprotocols: Collection[str]) -> str:
    """The grant's token among the offered subprotocols; empty unless exactly one stands beside our protocol."""
    tokens = [word.removeprefix(GRANT_PREFIX) for word in subprotocols if word.startswith(GRANT_PREFIX)]
    return tokens[0] if len(tokens) == 1 and PROTOCOL in subprotocols else ""


def signed_in(session_key: str) -> User | None:
    """The person of a session that is still valid, as the database has it now."""
    if not session_key:
        return None
    session = SessionStore(session_key).load()
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=session.get(SESSION_KEY) or 0).first()
    if user is None or not may_be_signed_in(user):
        return None
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    given = str(session.get(HASH_SESSION_KEY) or "")
    return user if any(constant_time_compare(given, known) for known in hashes) else None


def settle(session_key: str, token: str, vm_id: int, now: datetime) -> Authority | None:
    """Spends the grant and reads the right; None where anything is missing. The grant is spent even then."""
    user = signed_in(session_key)
    grant = spend(token, session_key, user_id=user.pk, vm_id=vm_id, now=now) if user and token else None
    if user is None or grant is None:
        return None
    vm, mode = _right(user, vm_id, grant.share_id, now)
    if vm is None or mode is None or _held_back(user, vm, grant.machine_uuid):
        return None
    return _authority(user, session_key, vm, grant, Mode.WATCH if grant.is_watch else mode)


def loss(authority: Authority, now: datetime) -> End | None:
    """Why the right does not hold any more, from the database as it is now; None while it does."""
    user = signed_in(authority.session_key)
    if user is None or user.pk != authority.user_id:
        return close_codes.SIGNED_OUT
    vm, mode = _right(user, authority.vm_id, authority.share_id, now)
    if vm is None or mode is None:
        return close_codes.SHARE_OVER if authority.share_id else close_codes.RIGHT_LOST
    if held_back := _held_back(user, vm, authority.machine_uuid):
        return held_back
    return close_codes.NARROWED if mode != Mode.CONTROL and not authority.view_only else None


def mode_of(user: User, vm: VirtualMachine) -> Mode:
    """What the person's own role gives at this machine; the caller has settled that they may see its screen."""
    return Mode.CONTROL if may(user, vm, Action.CONTROL) else Mode.VIEW


def ref_of(vm: VirtualMachine) -> GuestRef:
    """How the gateway is told which machine is meant."""
    poolid = vm.pool.proxmox_poolid if vm.pool else None
    return GuestRef(node=vm.node, vmid=vm.vmid or 0, uuid=str(vm.smbios_uuid or ""), poolid=poolid or "")


def _right(user: User, vm_id: int, share_id: int | None, now: datetime) -> tuple[VirtualMachine | None, Mode | None]:
    """The machine and what the person may do at its screen, by role or by share; None where nothing."""
    if share_id is not None:
        vm = VirtualMachine.objects.select_related("pool", "pool__owner").filter(pk=vm_id).first()
        return vm, shares.standing(share_id, user, vm, now) if vm else None
    try:
        vm = vm_for(user, vm_id, Action.CONSOLE)
    except (Http404, PermissionDenied):
        return None, None
    return vm, mode_of(user, vm)


def _held_back(user: User, vm: VirtualMachine, machine_uuid: uuid.UUID) -> End | None:
    """What keeps everybody or this person from the screen although the right is there."""
    if restraints.of_console(user, vm):
        return close_codes.LOCKED
    if restraints.of_trash(vm, Action.CONSOLE):
        return close_codes.TRASHED
    is_there = vm.lifecycle in {Lifecycle.READY, Lifecycle.DELETING} and vm.smbios_uuid == machine_uuid
    return None if is_there and vm.vmid else close_codes.GONE


def _authority(user: User, session_key: str, vm: VirtualMachine, grant: SpentGrant, mode: Mode) -> Authority:
    person, machine = (user.pk, user.username), (vm.pk, grant.machine_uuid)
    return Authority(*person, session_key, *machine, grant.address, ref_of(vm), mode, grant.share_id)
