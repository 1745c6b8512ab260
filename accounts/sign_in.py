"""Who a subject of the house's provider is here, and what its claims change at each sign-in.

A member is (issuer, subject). The uid claim is read once, to find the row that the directory made; a mail address or
a username never finds anybody. docs/decisions/0008-a-member-is-issuer-and-subject.md
"""

from collections.abc import Mapping

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.directory.departing import come_back, depart
from accounts.mapping import EMAIL, MAX_EMAIL, MAX_NAME, UnmappableEntry, groups_of_claims, uid_of
from accounts.models import DirectoryException, DirectoryGroup, DirectoryMembership, User
from accounts.oidc.errors import SignInRefused
from accounts.roles import AccountKind
from accounts.standing import end_sessions, why_not

Claims = Mapping[str, object]


def admit(subject: str, claims: Claims, *, address: str = "") -> User:
    """The person of a verified subject of OIDC_ISSUER, linked or made where they are new, with roles as claimed now.

    Raises SignInRefused, having changed nothing; somebody who is locked or not active is refused as well.
    """
    for is_last in (False, True):
        try:
            with transaction.atomic():
                return _admit(subject, claims, address)
        except IntegrityError as error:
            # Two first sign-ins at once: the other one was quicker, and what it wrote decides.
            if is_last:
                raise SignInRefused("taken", "a name that was free a moment ago") from error
    raise AssertionError("not reached")


def unlink(user: User) -> None:
    """Takes the link to the provider's subject away: the next sign-in with this uid links anew. Sessions end."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(oidc_iss="", oidc_sub="")
        audit.record(
            actor=None, verb="person.unlinked", target_kind="user", target_id=user.pk, target_name=user.username,
            issuer=user.oidc_iss,
        )  # fmt: skip
        end_sessions(user)


def _admit(subject: str, claims: Claims, address: str) -> User:
    groups = groups_of_claims(claims, settings.OIDC_GROUPS_CLAIM)
    user = _of_subject(subject) or _link(subject, claims, address) or _make(subject, claims, groups, address)
    if not settings.LDAP_URL:
        _profile(user, claims)
        _standing(user, groups)
        user.refresh_from_db()
    if sentence := why_not(user):
        raise SignInRefused("locked" if user.locked_at else "inactive", sentence=sentence)
    _roles(user, groups, address)
    user.refresh_from_db()
    return user


def _of_subject(subject: str) -> User | None:
    return User.objects.filter(oidc_iss=settings.OIDC_ISSUER, oidc_sub=subject, kind=AccountKind.HOUSE).first()


def _uid(claims: Claims) -> str:
    claim = claims.get(settings.OIDC_UID_CLAIM)
    if not isinstance(claim, str):
        raise SignInRefused("claims", f"{settings.OIDC_UID_CLAIM} is missing or no text")
    try:
        return uid_of(claim)
    except UnmappableEntry as error:
        raise SignInRefused("claims", error.sentence) from error


def _waiting(uid: str) -> QuerySet[User]:
    """House accounts of that uid without a subject. Whoever left is not handed to the uid's next owner.

    The directory made them, and nobody signed in yet; or an administrator took the link away (`unlink`).
    """
    in_directory = Q(ldap_uuid__isnull=False, ldap_uid__iexact=uid)
    by_claims = Q(ldap_uuid=None, username__iexact=uid)
    return User.objects.filter(in_directory | by_claims, kind=AccountKind.HOUSE, oidc_sub="", departed_at=None)


def _link(subject: str, claims: Claims, address: str) -> User | None:
    """Links the row that the directory made for this uid; None where there is none. Once: the database decides."""
    uid = _uid(claims)
    found = _waiting(uid).first()
    if found is None:
        return None
    linked = _waiting(uid).filter(pk=found.pk).update(oidc_iss=settings.OIDC_ISSUER, oidc_sub=subject)
    if not linked:
        raise SignInRefused("taken", "linked to another subject a moment ago")
    found.refresh_from_db()
    _note(found, "person.linked", address)
    return found


def _make(subject: str, claims: Claims, groups: frozenset[str] | None, address: str) -> User:
    """A new person from claims, in a house without a directory. With one, only the directory makes people."""
    uid = _uid(claims)
    if User.objects.filter(Q(username__iexact=uid) | Q(ldap_uid__iexact=uid)).exists():
        raise SignInRefused("taken", "the name is somebody else's")
    if settings.LDAP_URL:
        raise SignInRefused("unknown", "not in the directory yet")
    if not _is_active(groups):
        raise SignInRefused("not_member", "no active group in the claim")
    user = User(username=uid, kind=AccountKind.HOUSE, oidc_iss=settings.OIDC_ISSUER, oidc_sub=subject)
    user.set_unusable_password()
    user.save()
    _note(user, "person.made", address)
    return user


def _roles(user: User, groups: frozenset[str] | None, address: str) -> None:
    """Roles as the claim has them now. A claim that is missing or of a wrong type grants nothing.

    With a directory it also takes nothing: what the directory said stays until it says something else.
    """
    if groups is None and settings.LDAP_URL:
        return
    if groups is not None:
        _memberships(user, groups)
    is_rtp = groups is not None and user.departed_at is None and _named(groups, settings.DIRECTORY_RTP_GROUP)
    if is_rtp != user.is_rtp:
        User.objects.filter(pk=user.pk).update(is_rtp=is_rtp)
        _note(user, "rtp.gained" if is_rtp else "rtp.lost", address)


def _standing(user: User, groups: frozenset[str] | None) -> None:
    """Without a directory the claim says who is in the house; where it says nothing, nothing changes.

    An account that was closed when a departure ended is opened again; one that an RTP closed is not.
    """
    if groups is None:
        return
    is_excepted = DirectoryException.objects.filter(user=user, until__gte=timezone.localdate()).exists()
    stays = _is_active(groups) or is_excepted
    if stays and user.departed_at is not None:
        come_back(user.pk)
        User.objects.filter(pk=user.pk).update(is_active=True)
    elif not stays and user.departed_at is None:
        depart(user.pk, timezone.now())


def _memberships(user: User, groups: frozenset[str]) -> None:
    """In the groups that the portal knows and the claim names, and in no other."""
    names = {name.casefold() for name in groups}
    claimed = {group.pk for group in DirectoryGroup.objects.all() if group.name.casefold() in names}
    had = set(DirectoryMembership.objects.filter(user=user).values_list("group_id", flat=True))
    DirectoryMembership.objects.filter(user=user, group_id__in=had - claimed).delete()
    DirectoryMembership.objects.bulk_create(
        [DirectoryMembership(user=user, group_id=pk) for pk in claimed - had], ignore_conflicts=True
    )


def _profile(user: User, claims: Claims) -> None:
    """Name and address, where the claims hold them in a form that can be shown; what cannot is left as it was."""
    name, email = claims.get("name"), claims.get("email")
    if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() and not set("<>") & set(name):
        user.first_name = name
    if isinstance(email, str) and len(email) <= MAX_EMAIL and EMAIL.fullmatch(email):
        user.email = email
    User.objects.filter(pk=user.pk).update(first_name=user.first_name, email=user.email)


def _is_active(groups: frozenset[str] | None) -> bool:
    return groups is not None and any(_named(groups, name) for name in settings.DIRECTORY_ACTIVE_GROUPS)


def _named(groups: frozenset[str], name: str) -> bool:
    """Names of groups are compared without case, as the directory does."""
    return name.casefold() in {group.casefold() for group in groups}


def _note(user: User, verb: str, address: str) -> None:
    audit.record(
        actor=user, verb=verb, target_kind="user", target_id=user.pk, target_name=user.username, address=address
    )
