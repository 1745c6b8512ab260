"""Settings refuse with a sentence that names the variable and the accepted form."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from vmportal.env import Env

Reader = Callable[[Env], object]
REFUSED: list[tuple[str, str, Reader, str]] = [
    ("SITE_URL", "vms.example.org", lambda env: env.origin("SITE_URL", ""), "an address such as"),
    ("SITE_URL", "https://vms.example.org/portal", lambda env: env.origin("SITE_URL", ""), "without a path"),
    ("SECRET_KEY", "", lambda env: env.key("SECRET_KEY"), "at least 40 random characters"),
    ("AUDIT_KEY", "a" * 39, lambda env: env.key("AUDIT_KEY", may_be_absent=True), "at least 40 random characters"),
    ("TRUSTED_PROXIES", "-1", lambda env: env.integer("TRUSTED_PROXIES", 0, most=5), "from 0 to 5"),
    ("TRUSTED_PROXIES", "9", lambda env: env.integer("TRUSTED_PROXIES", 0, most=5), "from 0 to 5"),
    ("DEMO", "maybe", lambda env: env.flag("DEMO", default=False), "yes or no"),
    ("DATA_DIR", "data", lambda env: env.path("DATA_DIR", Path("/")), "an absolute path"),
    ("MIRROR_PERIOD_S", "15s", lambda env: env.seconds("MIRROR_PERIOD_S", 15), "a number of seconds"),
    ("PROXMOX_HOSTS", "https://pve1", lambda env: env.hosts("PROXMOX_HOSTS", 8006), "host or host:port"),
    ("PROXMOX_HOSTS", "pve1:99999", lambda env: env.hosts("PROXMOX_HOSTS", 8006), "host or host:port"),
    ("PROXMOX_NODE_HOSTS", "pve1", lambda env: env.host_pairs("PROXMOX_NODE_HOSTS", 8006), "node=host:port"),
    ("PROXMOX_VMID_RANGE", "1-50", lambda env: env.span("PROXMOX_VMID_RANGE", (1, 2)), "first-last"),
    ("PROXMOX_VMID_RANGE", "900-200", lambda env: env.span("PROXMOX_VMID_RANGE", (1, 2)), "first-last"),
    ("PROXMOX_FINGERPRINTS", "AB:CD", lambda env: env.fingerprints("PROXMOX_FINGERPRINTS"), "32 pairs"),
    ("DATABASE_URL", "mysql://x/y", lambda env: env.database("DATABASE_URL", Path("/")), "postgres://"),
    ("EMAIL_URL", "mailto:x", lambda env: env.mail("EMAIL_URL"), "smtp://"),
    ("VMPORTAL_ROLE", "cook", lambda env: env.one_of("VMPORTAL_ROLE", "all", ("all", "web")), "all or web"),
]


@pytest.mark.parametrize(("name", "value", "read", "form"), REFUSED)
def test_a_wrong_value_is_refused_by_name_and_form(name: str, value: str, read: Reader, form: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(Env({name: value}))

    assert str(refusal.value).startswith(name)
    assert form in str(refusal.value)


def test_right_values_are_typed() -> None:
    env = Env({"A": "pve1, pve2:8007 ,[::1]:9", "B": "pve1=10.0.0.1:8006", "C": "200-300", "D": "0.5", "E": "Yes"})

    assert env.hosts("A", 8006) == (("pve1", 8006), ("pve2", 8007), ("::1", 9))
    assert env.host_pairs("B", 8006) == {"pve1": ("10.0.0.1", 8006)}
    assert env.span("C", (1, 2)) == (200, 300)
    assert env.seconds("D", 1) == 0.5
    assert env.flag("E", default=False) is True


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    env = Env({"SECRET_KEY_FILE": str(tmp_path / "key"), "SECRET_KEY": "from the variable"})

    assert env.secret("SECRET_KEY") == "from the file"


def test_the_audit_needs_no_key_of_its_own() -> None:
    assert Env({}).key("AUDIT_KEY", may_be_absent=True) == ""


def test_an_unreadable_secret_file_is_refused_without_its_content(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE names a file that cannot be read"):
        Env({"SECRET_KEY_FILE": str(tmp_path / "absent")}).secret("SECRET_KEY")


def test_a_database_address_is_never_repeated_in_a_refusal() -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        Env({"DATABASE_URL": "mysql://user:hunter2@db/x"}).database("DATABASE_URL", Path("/"))

    assert "hunter2" not in str(refusal.value)


def test_postgres_parts_are_unquoted() -> None:
    entry = Env({"DATABASE_URL": "postgres://portal:p%40ss@db:5433/vms"}).database("DATABASE_URL", Path("/"))

    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "portal", "p@ss", "db", "5433", "vms",
    )  # fmt: skip
