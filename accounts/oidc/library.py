"""mozilla-django-oidc's settings, answered from ours and from the provider's document."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.oidc import provider

_MISSING = object()
FIXED: dict[str, Any] = {
    "OIDC_AUTHENTICATION_CALLBACK_URL": "oidc_callback",
    "OIDC_USE_PKCE": True,
    "OIDC_USE_NONCE": True,
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
    "OIDC_MAX_STATES": 20,
    "OIDC_STATE_SIZE": 43,
    "OIDC_NONCE_SIZE": 43,
    "OIDC_ALLOW_UNSECURED_JWT": False,
    "OIDC_STORE_ACCESS_TOKEN": False,
    "OIDC_STORE_ID_TOKEN": False,  # kept by us, once the person is in
}
OURS = {
    "OIDC_RP_CLIENT_ID": "OIDC_CLIENT_ID",
    "OIDC_RP_CLIENT_SECRET": "OIDC_CLIENT_SECRET",
    "OIDC_RP_SCOPES": "OIDC_SCOPES",
    "OIDC_RP_SIGN_ALGO": "OIDC_SIGN_ALGO",
    "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS": "OIDC_REFRESH_S",
}
DISCOVERED = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}


def house_setting(name: str, default: Any = _MISSING) -> Any:
    """The value under the library's name. Raises ProviderUnavailable where the document has to be read and cannot."""
    if name in FIXED:
        return FIXED[name]
    if name in OURS:
        return getattr(settings, OURS[name])
    if name in DISCOVERED:
        return getattr(provider.discover(), DISCOVERED[name])
    if default is _MISSING:
        raise ImproperlyConfigured(f"{name} has no counterpart among the portal's settings.")
    return default
