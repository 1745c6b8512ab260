"""The connection: bounded in time, verified, never writing; and searches that are whole or raise."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn
from urllib.parse import urlsplit

import ldap
import ldap.controls
import ldap.ldapobject
from django.conf import settings
from django.db.utils import NotSupportedError, OperationalError
from ldapdb.backends.ldap import base as ldapdb

from accounts.ldap.engine.errors import PartialAnswer, translated

Entry = tuple[str, dict[str, list[bytes]]]

SILENT = (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.UNAVAILABLE, ldap.BUSY)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class DatabaseOperations(ldapdb.DatabaseOperations):
    """Points Django to our compilers."""

    compiler_module = "accounts.ldap.engine.compiler"


class DatabaseCursor(ldapdb.DatabaseCursor):
    """What Django runs SQL on. A directory speaks none."""

    def execute(self, sql: object, params: object = None) -> NoReturn:
        """Refuses, as for `migrate --database=ldap`."""
        raise NotSupportedError("The directory is not asked in SQL.")

    executemany = execute


class DatabaseWrapper(ldapdb.DatabaseWrapper):
    """ENGINE "accounts.ldap.engine". `NAME` is the URL, `USER` the bind DN, `TLS` whether to StartTLS.

    Times, page size and CA come from the settings LDAP_*. Every error is a django.db.OperationalError.
    """

    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: Mapping[str, Any]) -> ldap.ldapobject.SimpleLDAPObject:
        """A connection to the first server of the URL that answers, each asked within its time.

        Raises OperationalError. A server that refuses the bind is an answer; the next one would say the same.
        """
        refuse_unsafe(conn_params)
        *others, last = conn_params["uri"].split()
        with translated():
            for url in others:
                with suppress(*SILENT):
                    return connected(url, conn_params)
            return connected(last, conn_params)

    def ensure_connection(self) -> None:
        """Connects, or finds out whether the connection still lives and makes a new one."""
        with translated():
            super().ensure_connection()

    def create_cursor(self, name: str | None = None) -> DatabaseCursor:
        """Made by Django for each search, after it ensured the connection."""
        return DatabaseCursor(self.connection)

    def close_if_unusable_or_obsolete(self) -> None:
        """Called around every request: closes, because Django's own way would ask the directory."""
        if not self.in_atomic_block:
            self.close()

    def search_s(
        self, base: str, scope: int, filterstr: str = "(objectClass=*)", attrlist: Sequence[str] | None = None
    ) -> Iterator[Entry]:
        """Every entry, page by page. After a PartialAnswer nothing of what came before may be kept."""
        with self.cursor() as cursor, translated():
            try:
                yield from pages(cursor.connection, base, scope, filterstr, attrlist)
            except ldap.NO_SUCH_OBJECT:
                if scope != ldap.SCOPE_BASE:
                    raise

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise NotSupportedError("The portal never writes to the directory.")

    add_s = modify_s = delete_s = rename_s = _refuse


def connected(url: str, params: Mapping[str, Any]) -> ldap.ldapobject.SimpleLDAPObject:
    """Connects, encrypts and binds. Our options come after CONNECTION_OPTIONS, which cannot weaken them."""
    start_tls = params["tls"] and url.startswith("ldap:")
    connection = ldap.ldapobject.SimpleLDAPObject(url)
    for option, value in {**params["options"], **options(encrypted=start_tls or url.startswith("ldaps:"))}.items():
        connection.set_option(option, value)
    if start_tls:
        connection.start_tls_s()
    connection.simple_bind_s(params["bind_dn"], params["bind_pw"])
    return connection


def options(*, encrypted: bool) -> dict[int, object]:
    """python-ldap's options from the settings, in the order in which they take effect."""
    chosen: dict[int, object] = {
        ldap.OPT_NETWORK_TIMEOUT: settings.LDAP_CONNECT_TIMEOUT_S,
        ldap.OPT_TIMEOUT: settings.LDAP_TIMEOUT_S,
        ldap.OPT_REFERRALS: 0,
    }
    if not encrypted:
        return chosen
    if settings.LDAP_CA_FILE:
        chosen[ldap.OPT_X_TLS_CACERTFILE] = str(settings.LDAP_CA_FILE)
    # Without CONNECT_ASYNC libldap 2.5 waits for ever, at full speed, for a server that is silent in the handshake.
    chosen[ldap.OPT_CONNECT_ASYNC] = 1
    # NEWCTX makes the context from what was set before it, so it is the last.
    return {**chosen, ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND, ldap.OPT_X_TLS_NEWCTX: 0}


def refuse_unsafe(params: Mapping[str, Any]) -> None:
    """Raises OperationalError for what would show a password, or would read as nobody and so see a part."""
    if params["bind_dn"] and not params["bind_pw"]:
        raise OperationalError(
            "LDAP_BIND_DN is set without LDAP_BIND_PASSWORD: the directory would take that as nobody."
        )
    for url in params["uri"].split():
        plain = urlsplit(url).scheme == "ldap" and not params["tls"]
        if plain and urlsplit(url).hostname not in LOOPBACK:
            raise OperationalError(
                "LDAP_URL is not encrypted and leaves this machine: use ldaps://, or LDAP_START_TLS=yes."
            )


def pages(connection: Any, base: str, scope: int, filterstr: str, attributes: Sequence[str] | None) -> Iterator[Entry]:
    """The entries of one search; at most LDAP_PAGE_SIZE at a time, each page within LDAP_TIMEOUT_S."""
    cookie = b""
    while True:
        control = ldap.controls.SimplePagedResultsControl(False, settings.LDAP_PAGE_SIZE, cookie)
        asked = connection.search_ext(
            base, scope, filterstr, attributes, serverctrls=[control], timeout=settings.LDAP_TIMEOUT_S
        )
        _kind, found, _id, controls = connection.result3(asked, timeout=settings.LDAP_TIMEOUT_S)
        for dn, values in found:
            if dn is None:
                raise PartialAnswer(f"A part of {base} is on another server, which is not followed: {values}")
            yield dn, values
        cookie = next_page(controls, first=not cookie)
        if not cookie:
            return


def next_page(controls: Sequence[Any], *, first: bool) -> bytes:
    """The cookie of the page that follows; empty after the last. A server without pages answers in one."""
    pages = [control for control in controls if control.controlType == ldap.CONTROL_PAGEDRESULTS]
    if pages:
        return bytes(pages[0].cookie or b"")
    if first:
        return b""
    raise PartialAnswer("The directory stopped answering in pages half-way.")
