"""python-ldap's errors as Django's, with a sentence for the RTP who reads it.

OperationalError: no answer, or a refusal
└─ PartialAnswer: an answer that may not be the whole one
"""

from collections.abc import Iterator
from contextlib import contextmanager

import ldap
from django.db.utils import OperationalError

#: These leave the caller with a part of what it asked for.
PARTIAL = (
    ldap.ADMINLIMIT_EXCEEDED,
    ldap.NO_SUCH_OBJECT,
    ldap.PARTIAL_RESULTS,
    ldap.REFERRAL,
    ldap.SIZELIMIT_EXCEEDED,
    ldap.TIMELIMIT_EXCEEDED,
)
SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (ldap.TIMEOUT, "The directory did not answer in time."),
    (ldap.SERVER_DOWN, "The directory cannot be reached, or its certificate is not accepted; see LDAP_CA_FILE."),
    (ldap.CONNECT_ERROR, "No secure connection to the directory: check its certificate and LDAP_CA_FILE."),
    (
        ldap.INVALID_CREDENTIALS,
        "The directory refused LDAP_BIND_DN or LDAP_BIND_PASSWORD; perhaps the password expired.",
    ),
    (ldap.INSUFFICIENT_ACCESS, "The directory does not let LDAP_BIND_DN read this."),
    (ldap.CONFIDENTIALITY_REQUIRED, "The directory wants an encrypted connection; see LDAP_START_TLS."),
    (ldap.NO_SUCH_OBJECT, "The directory has no such base; see LDAP_MEMBER_BASE and LDAP_GROUP_BASE."),
    (ldap.REFERRAL, "The directory refers to another server, which is not followed; see LDAP_URL and the bases."),
    (ldap.SIZELIMIT_EXCEEDED, "The directory cut its answer off at its size limit; LDAP_BIND_DN needs a higher one."),
    (ldap.ADMINLIMIT_EXCEEDED, "The directory cut its answer off at a limit of its own; see LDAP_PAGE_SIZE."),
    (ldap.TIMELIMIT_EXCEEDED, "The directory cut its answer off at its time limit."),
)


class PartialAnswer(OperationalError):
    """The directory answered, but perhaps not with everything."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises Django's error, with a sentence as its text, in place of python-ldap's."""
    try:
        yield
    except ldap.LDAPError as error:
        kind = PartialAnswer if isinstance(error, PARTIAL) else OperationalError
        raise kind(sentence_for(error)) from error


def sentence_for(error: ldap.LDAPError) -> str:
    """What happened, and the directory's own words on it."""
    facts = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    own = " ".join(str(facts[key]) for key in ("desc", "info") if facts.get(key))
    known = next((sentence for kind, sentence in SENTENCES if isinstance(error, kind)), "The directory refused.")
    return f"{known} It says: {own}" if own else known
