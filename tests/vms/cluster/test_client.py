"""Which client a process gets, and what its secrets show."""

import os
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.devcluster.cluster import DevCluster
from vms import cluster as gateway
from vms.cluster import client, errors


@pytest.fixture
def configured(devcluster: DevCluster, settings: LazySettings) -> Iterator[LazySettings]:
    """Settings that name the stand-in."""
    for name, value in devcluster.settings().items():
        setattr(settings, name, value)
    yield settings
    for made in client._made.values():
        made.close()


def test_a_process_has_one_client_for_a_cluster(configured: LazySettings) -> None:
    assert gateway.cluster() is gateway.cluster()
    assert gateway.cluster().version().release == "9.2"


def test_another_process_has_a_client_of_its_own(configured: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = gateway.cluster()
    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert gateway.cluster() is not first


def test_consoles_use_their_own_token_where_there_is_one(configured: LazySettings) -> None:
    assert gateway.console_cluster().config.token_id == "portal@pve!console"
    assert "VM.Allocate" not in str(gateway.console_cluster().permissions())

    configured.PROXMOX_CONSOLE_TOKEN_NAME = ""
    assert gateway.console_cluster() is gateway.cluster()


def test_a_process_without_token_is_told_so(configured: LazySettings) -> None:
    configured.PROXMOX_TOKEN_VALUE = ""

    with pytest.raises(errors.NotConfigured, match="no token"):
        gateway.cluster()


def test_secrets_do_not_show(configured: LazySettings, devcluster: DevCluster) -> None:
    made = gateway.cluster()

    shown = repr(made.config) + str(made.config) + repr(made) + repr(made.line)
    assert devcluster.token_value not in shown
    assert devcluster.token_value in made.config.authorization


def test_tasks_are_asked_of_each_node_where_the_token_may_not_list_the_clusters(
    configured: LazySettings, devcluster: DevCluster
) -> None:
    made = gateway.console_cluster()

    assert made.recent_tasks(("pve1", "pve2"), 0) == ()
    made.recent_tasks(("pve1", "pve2"), 0)

    asked = devcluster.requests()
    assert asked.get("GET /cluster/tasks", 0) == 0
    assert (asked["GET /nodes/{node}/tasks"], asked["GET /access/permissions"]) == (4, 1)


def test_a_node_that_is_down_is_left_out_of_the_tasks(configured: LazySettings, devcluster: DevCluster) -> None:
    with devcluster.fault("node_down", node="pve2"):
        assert gateway.console_cluster().recent_tasks(("pve1", "pve2"), 0) == ()
