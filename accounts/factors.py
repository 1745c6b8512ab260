"""A local person's second factor: is there one, and does this code prove it. A code counts once."""

import time

from allauth.account.authentication import get_authentication_records
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.sealing import resealed
from accounts.spent import spend_once

KINDS = Authenticator.Type
#: How long a passkey that was just shown stands for the factor on the page it leads back to.
PASSKEY_S = 300
LONGEST_CODE = 32
YEARS_S = 10 * 365 * 86_400
#: What of a factor is sealed: the secret of an app, the seed of recovery codes.
SEALED = ("secret", "seed")


def factors_of(user: User) -> frozenset[str]:
    """What the person set up: of "totp", "webauthn" and "recovery_codes"."""
    return frozenset(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def has_factor(user: User) -> bool:
    """True with an authenticator app or a passkey; recovery codes alone are none."""
    return bool(factors_of(user) & {KINDS.TOTP, KINDS.WEBAUTHN})


def check_code(user: User, code: str) -> bool:
    """True for a code of the person's app or an unused recovery code. Each counts once, in whichever process."""
    code = "".join(code.split())
    if not code or len(code) > LONGEST_CODE:
        return False
    return check_app_code(user, code) or _check_recovery_code(user, code)


def check_app_code(user: User, code: str) -> bool:
    """True for a code the person's app shows now, the first time it is given."""
    app = Authenticator.objects.filter(user=user, type=KINDS.TOTP).first()
    code = "".join(code.split())
    if app is None or not validate_totp_code(decrypt(app.data["secret"]), code):
        return False
    return spend_app_code(user, code)


def spend_app_code(user: User, code: str) -> bool:
    """True for the first use of a code that an app showed, also of the one typed at its set-up."""
    shown_s = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 2)
    return spend_once("totp", f"{user.pk}:{''.join(code.split())}", for_s=shown_s, now=timezone.now())


def reseal() -> int:
    """Seals with the newest key what an earlier one sealed; how many rows. Then the earlier key can go."""
    rows = Authenticator.objects.filter(type__in=[KINDS.TOTP, KINDS.RECOVERY_CODES])
    return sum(_reseal(row) for row in rows)


def _reseal(row: Authenticator) -> bool:
    fresh = {name: resealed(row.data[name]) for name in SEALED if isinstance(row.data.get(name), str)}
    if all(row.data[name] == text for name, text in fresh.items()):
        return False
    with transaction.atomic():
        # Recovery codes note what was used in the same column.
        now = Authenticator.objects.select_for_update(no_key=True).get(pk=row.pk)
        now.data = now.data | fresh
        now.save(update_fields=["data"])
    return True


def passkey_was_shown(request: HttpRequest) -> bool:
    """True where this session showed a passkey just now, on the page that asks for one."""
    user = request.user if isinstance(request.user, User) else None
    shown = [
        float(record.get("at", 0))
        for record in get_authentication_records(request, user)
        if record.get("method") == "mfa" and record.get("type") == KINDS.WEBAUTHN and record.get("reauthenticated")
    ]
    return bool(shown) and 0 <= time.time() - shown[-1] <= PASSKEY_S


def _check_recovery_code(user: User, code: str) -> bool:
    codes = Authenticator.objects.filter(user=user, type=KINDS.RECOVERY_CODES).first()
    if codes is None or not RecoveryCodes(codes).validate_code(code):
        return False
    # allauth reads, marks and saves: two at once would both pass.
    return spend_once("recovery", f"{codes.pk}:{code}", for_s=YEARS_S, now=timezone.now())
