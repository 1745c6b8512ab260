"""What docker-compose.yml promises: who holds which secret, who is reached from where."""

import re

import pytest

from tests.deploy.compose import ROOT, MissingVariable, demanded, services

GIVEN = {name: f"value-of-{name}" for name in demanded()}
PORTAL = ("web", "consoles", "worker", "beat")


def holders(variable: str) -> set[str]:
    """Services whose environment has the variable, under any name."""
    value = GIVEN[variable]
    return {name for name, service in services(GIVEN).items() if value in str(service.get("environment", {}))}


def test_the_file_holds_the_seven_services() -> None:
    assert set(services(GIVEN)) == {"proxy", "web", "consoles", "worker", "beat", "db", "redis"}


def test_only_the_worker_holds_the_token_that_changes_machines() -> None:
    assert holders("PROXMOX_TOKEN_VALUE") == {"worker"}


def test_only_the_consoles_hold_the_token_that_opens_consoles() -> None:
    assert holders("PROXMOX_CONSOLE_TOKEN_VALUE") == {"consoles"}


def test_the_key_of_the_audits_seals_is_the_workers_alone() -> None:
    found = services(GIVEN | {"AUDIT_KEY": "canary"})

    assert [name for name, service in found.items() if "canary" in str(service)] == ["worker"]


def test_consoles_may_run_in_any_number_and_all_processes_go_by_one_limit() -> None:
    found = services(GIVEN | {"CONSOLE_MAX_PER_PERSON": "3", "CONSOLE_PROCESSES": "4"})

    assert found["consoles"]["deploy"] == {"replicas": "4"}
    assert {"container_name", "ports", "hostname"} & set(found["consoles"]) == set()
    assert {found[name]["environment"]["CONSOLE_MAX_PER_PERSON"] for name in PORTAL} == {"3"}
    assert found["consoles"]["environment"]["CONSOLE_MAX_PER_NODE"] == "40"


def test_every_process_of_the_portal_knows_whose_sessions_hold() -> None:
    found = services(GIVEN | {"OIDC_ISSUER": "https://sso.example", "LDAP_URL": "ldaps://directory.example"})

    assert {found[name]["environment"]["OIDC_ISSUER"] for name in PORTAL} == {"https://sso.example"}
    assert {found[name]["environment"]["LDAP_URL"] for name in PORTAL} == {"ldaps://directory.example"}


@pytest.mark.parametrize(("secret", "holder"), [("OIDC_CLIENT_SECRET", "web"), ("LDAP_BIND_PASSWORD", "worker")])
def test_one_service_holds_each_of_the_houses_secrets(secret: str, holder: str) -> None:
    found = services(GIVEN | {secret: "canary"})

    assert [name for name, service in found.items() if "canary" in str(service)] == [holder]


def test_the_web_process_knows_neither_token_nor_host_of_the_cluster() -> None:
    environment = services(GIVEN)["web"]["environment"]

    assert {name for name in environment if re.search("TOKEN|PROXMOX_(HOSTS|USER|CA)", name)} == set()


def test_database_and_broker_are_reached_from_inside_only() -> None:
    found = services(GIVEN)

    assert [name for name in ("db", "redis") if found[name]["networks"] != ["data"]] == []
    assert [name for name, service in found.items() if "ports" in service] == ["proxy"]


def test_the_broker_appends_what_it_is_given_to_a_file() -> None:
    command = services(GIVEN)["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"


def test_the_portals_processes_cannot_write_to_their_image_nor_gain_rights() -> None:
    found = services(GIVEN)

    assert {found[name]["read_only"] for name in PORTAL} == {True}
    assert {str(found[name]["cap_drop"]) for name in PORTAL} == {"['ALL']"}
    assert {str(found[name]["security_opt"]) for name in PORTAL} == {"['no-new-privileges:true']"}


def test_a_missing_secret_is_named() -> None:
    without = {name: value for name, value in GIVEN.items() if name != "SECRET_KEY"}

    with pytest.raises(MissingVariable, match="SECRET_KEY: at least 40 random characters"):
        services(without)


def test_the_example_settings_name_all_that_the_file_demands() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert demanded() - set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE)) == set()


def test_everything_that_the_image_copies_exists_and_is_let_in() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    let_in = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)

    assert [name for name in let_in if not (ROOT / name).exists()] == []
    named = {name for copied in copies for name in copied.split()} - {"."}
    assert named - set(let_in) == set()
