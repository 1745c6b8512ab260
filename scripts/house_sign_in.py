"""Canaille as a house's sign-in page: its own virtual environment, and the settings it starts with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import python_packages
from scripts.speech import BUILD, ROOT, run, timed

VENV = BUILD / "canaille"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements-canaille.txt"
SERVER = ROOT / "scripts" / "canaille_server.py"
CALLBACK, SIGNED_OUT = "/accounts/house/callback/", "/accounts/login/"


@dataclass(frozen=True, slots=True)
class Directory:
    """Where Canaille finds people and groups, and as whom: it writes its own branch and people's passwords."""

    url: str
    root_dn: str
    bind_dn: str
    bind_password: str
    member_base: str
    group_base: str


@dataclass(frozen=True, slots=True)
class Client:
    """The portal as Canaille knows it."""

    site: str
    client_id: str
    client_secret: str


def provide() -> None:
    """Makes build/canaille by its lock; does nothing where it is there. Needs `python_packages.provide` before."""
    stamp = VENV / "installed"
    wanted = python_packages.digest(LOCK)
    if python_packages.works(PYTHON) and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    timed("Installing Canaille by requirements-canaille.txt", _install)
    stamp.write_text(wanted, encoding="ascii")


def _install() -> None:
    run([python_packages.PYTHON, "-m", "venv", "--clear", VENV], "Making the virtual environment of Canaille")
    python_packages.install_into(PYTHON, LOCK)


def schema() -> Path:
    """The file with the object classes that Canaille keeps clients and tokens in, for slapd to include."""
    found = sorted(VENV.glob("lib/python3*/site-packages/canaille/backends/ldap/schemas/oauth2-openldap.schema"))
    return found[0]


def command(file: Path) -> list[str]:
    """Starts it by its settings, which `settings` makes."""
    return [str(PYTHON), "-B", str(SERVER), str(file)]


def issuer(port: int) -> str:
    """What OIDC_ISSUER takes."""
    return f"http://127.0.0.1:{port}"


def settings(port: int, directory: Directory, client: Client, *, secret_key: str, key_file: str) -> dict[str, Any]:
    """What scripts/canaille_server.py is started with."""
    return {
        "port": port,
        "key_file": key_file,
        "client": _client(client),
        "canaille": {
            "SECRET_KEY": secret_key,
            "SERVER_NAME": f"127.0.0.1:{port}",
            "TRUSTED_HOSTS": ["127.0.0.1"],
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"NAME": "Demo House", "DATABASE": "ldap", "SMTP": None, "CAPTCHA_ENABLED": False,
                         "LANGUAGE": "en"},
            "CANAILLE_LDAP": _directory(directory),
            # As delivered, preferred_username is the display name, which here nobody has.
            "CANAILLE_OIDC": {"USERINFO_MAPPING": {"PREFERRED_USERNAME": "{{ user.user_name }}"}},
        },
    }  # fmt: skip


def _client(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id, "client_secret": client.client_secret, "client_name": "VMPortal",
        "client_uri": client.site,  # on a host Canaille trusts, so that it asks nobody for consent
        "redirect_uris": [client.site + CALLBACK],
        "post_logout_redirect_uris": [client.site + SIGNED_OUT],  # its schema has room for one
        "scope": ["openid", "profile", "email", "groups"],
        "grant_types": ["authorization_code"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
        "id_token_signed_response_alg": "RS256",  # else it takes the strongest its key can do, RS512
    }  # fmt: skip


def _directory(directory: Directory) -> dict[str, Any]:
    return {
        "URI": directory.url, "ROOT_DN": directory.root_dn, "BIND_DN": directory.bind_dn,
        "BIND_PW": directory.bind_password, "USER_BASE": directory.member_base, "GROUP_BASE": directory.group_base,
    }  # fmt: skip
