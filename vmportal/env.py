"""Typed readers of environment variables.

Every refusal names the variable, what was found (never for a secret) and the accepted form.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

HOST_PORT = re.compile(r"^(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?$")
SQLITE = "django.db.backends.sqlite3"
#: Characters of a key.
KEY_LENGTH = 40
FINGERPRINT = re.compile(r"^([0-9A-F]{2}:){31}[0-9A-F]{2}$")


class Env:
    """Reads one mapping of variables; `reads` remembers every name asked for, for the documentation test."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.reads: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """The variable's text, stripped; `default` where it is absent or blank."""
        self.reads.add(name)
        return self._variables.get(name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """Like `text`, or the first line of the file that NAME_FILE names."""
        self.reads.add(name)
        named = self._variables.get(f"{name}_FILE", "").strip()
        if not named:
            return self._variables.get(name, "").strip() or default
        try:
            return Path(named).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names a file that cannot be read ({error.strerror}). "
                f"It takes the path of a file that holds nothing but the value of {name}."
            ) from error

    def key(self, name: str, *, may_be_absent: bool = False) -> str:
        """A secret that signs: one that is short can be guessed from what it signed."""
        found = self.secret(name)
        if len(found) >= KEY_LENGTH or (may_be_absent and not found):
            return found
        raise ImproperlyConfigured(f"{name} is missing or short. It takes at least {KEY_LENGTH} random characters.")

    def secrets(self, name: str) -> list[str]:
        """Several of them, with commas between."""
        return [secret for secret in self.secret(name).split(",") if secret]

    def flag(self, name: str, default: bool) -> bool:
        """`yes` or `no` (also 1/0, true/false, on/off)."""
        found = self.text(name).lower()
        if not found:
            return default
        if found in {"1", "yes", "true", "on"}:
            return True
        if found in {"0", "no", "false", "off"}:
            return False
        raise self._refusal(name, found, "yes or no")

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        """A whole number between `least` and `most`."""
        found = self.text(name)
        if not found:
            return default
        if re.fullmatch(r"\d{1,10}", found) and least <= int(found) <= most:
            return int(found)
        raise self._refusal(name, found, f"a whole number from {least} to {most}")

    def seconds(self, name: str, default: float) -> float:
        """A time in seconds, such as 5 or 0.5."""
        found = self.text(name)
        if not found:
            return default
        if re.fullmatch(r"\d{1,8}(\.\d{1,6})?", found):
            return float(found)
        raise self._refusal(name, found, "a number of seconds such as 5 or 0.5")

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A comma list."""
        return tuple(word.strip() for word in self.text(name).split(",") if word.strip()) or default

    def one_of(self, name: str, default: str, accepted: tuple[str, ...]) -> str:
        """One of a few words."""
        found = self.text(name, default)
        if found in accepted:
            return found
        raise self._refusal(name, found, " or ".join(accepted))

    def path(self, name: str, default: Path) -> Path:
        """An absolute path."""
        found = self.text(name)
        if found and not found.startswith("/"):
            raise self._refusal(name, found, "an absolute path")
        return Path(found) if found else default

    def origin(self, name: str, default: str) -> str:
        """`http://` or `https://`, a host and perhaps a port; no path."""
        found = self.text(name, default).rstrip("/")
        parts = urlsplit(found)
        bare = not (parts.path or parts.query or parts.fragment or parts.username)
        if parts.scheme in {"http", "https"} and parts.hostname and bare:
            return found
        raise self._refusal(name, found, "an address such as https://vms.example.org, without a path")

    def hosts(self, name: str, default_port: int) -> tuple[tuple[str, int], ...]:
        """A comma list of `host[:port]`."""
        return tuple(self._host(name, word, default_port) for word in self.words(name))

    def host_pairs(self, name: str, default_port: int) -> dict[str, tuple[str, int]]:
        """A comma list of `node=host[:port]`."""
        pairs: dict[str, tuple[str, int]] = {}
        for word in self.words(name):
            node, equals, host = word.partition("=")
            if not (node and equals and host):
                raise self._refusal(name, word, "a comma list of node=host:port")
            pairs[node] = self._host(name, host, default_port)
        return pairs

    def span(self, name: str, default: tuple[int, int]) -> tuple[int, int]:
        """`first-last`, both whole numbers, first not above last; vmids start at 100."""
        found = self.text(name)
        if not found:
            return default
        match = re.fullmatch(r"(\d{3,9})-(\d{3,9})", found)
        if match and 100 <= int(match[1]) <= int(match[2]) <= 999_999_999:
            return int(match[1]), int(match[2])
        raise self._refusal(name, found, "first-last, such as 10000-999999, both from 100 to 999999999")

    def fingerprints(self, name: str) -> tuple[str, ...]:
        """A comma list of SHA-256 certificate fingerprints, as `pvenode cert info` prints them."""
        found = tuple(word.upper() for word in self.words(name))
        for word in found:
            if not FINGERPRINT.fullmatch(word):
                raise self._refusal(name, word, "SHA-256 fingerprints of the form AB:CD:… (32 pairs), by commas")
        return found

    def database(self, name: str, sqlite_file: Path) -> dict[str, object]:
        """`postgres://user:password@host:port/name` or `sqlite:///absolute/file`; Django's DATABASES entry."""
        found = self.secret(name)
        if not found:
            return {"ENGINE": SQLITE, "NAME": str(sqlite_file)}
        parts = urlsplit(found)
        if parts.scheme == "sqlite" and parts.path.startswith("/") and not parts.netloc:
            return {"ENGINE": SQLITE, "NAME": parts.path}
        if parts.scheme in {"postgres", "postgresql"} and len(parts.path) > 1:
            return _postgres(parts)
        raise ImproperlyConfigured(
            f"{name} has a form the portal does not know. It takes "
            "postgres://user:password@host:port/name or sqlite:///absolute/path/of/a/file."
        )

    def mail(self, name: str) -> dict[str, object]:
        """`smtp://user:password@host:port`, `smtps://…`, `smtp+starttls://…`, `file:///folder` or `console:`."""
        found = self.secret(name, "console:")
        parts = urlsplit(found)
        if found == "console:":
            return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
        if parts.scheme == "file" and parts.path.startswith("/"):
            return {
                "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
                "EMAIL_FILE_PATH": parts.path,
            }
        if parts.scheme in {"smtp", "smtps", "smtp+starttls"} and parts.hostname:
            return _smtp(parts)
        raise ImproperlyConfigured(
            f"{name} has a form the portal does not know. It takes smtp://user:password@host:port, smtps://…, "
            "smtp+starttls://…, file:///absolute/folder or console:"
        )

    def directory(self, name: str) -> str:
        """`ldap://host[:port]`, `ldaps://…` or `ldapi://%2Fpath`, several by blanks; empty: no directory."""
        found = self.text(name)
        for word in found.split():
            parts = urlsplit(word)
            if parts.scheme not in {"ldap", "ldaps", "ldapi"} or not parts.netloc or parts.path.strip("/"):
                raise self._refusal(name, word, "ldap://host:port, ldaps://host:port or ldapi://%2Fpath, by blanks")
        return found

    def issuer(self, name: str) -> str:
        """`https://` (or `http://` on the loopback) and a host, perhaps a path; empty: no single sign-on."""
        found = self.text(name)
        if not found:
            return ""
        parts = urlsplit(found)
        is_loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback)
        if is_safe and parts.hostname and not (parts.query or parts.fragment or parts.username):
            return found
        raise self._refusal(name, found, "the issuer's https address, exactly as the provider writes it")

    def _host(self, name: str, word: str, default_port: int) -> tuple[str, int]:
        match = HOST_PORT.fullmatch(word)
        port = int(match["port"] or default_port) if match else 0
        if not match or not 0 < port < 65536:
            raise self._refusal(name, word, "a comma list of host or host:port")
        return match["host"].strip("[]"), port

    @staticmethod
    def _refusal(name: str, found: str, accepted: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"{name} is {found!r}. It takes {accepted}.")


def _postgres(parts: SplitResult) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


def _smtp(parts: SplitResult) -> dict[str, object]:
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
    }


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def from_process() -> Env:
    """The environment of this process."""
    return Env(os.environ)
