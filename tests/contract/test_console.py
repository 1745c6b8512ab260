from dataclasses import replace

import pytest

from consoles.probe import HandshakeFailed, UpgradeFailed, try_endpoint
from tests.contract.target import Target
from vms.cluster import Cluster
from vms.cluster.types import GuestRef

pytestmark = [pytest.mark.contract]


async def test_a_console_opens_to_the_end_of_its_handshake(target: Target, running: GuestRef) -> None:
    endpoint = target.cluster.console_endpoint(running)

    await try_endpoint(endpoint)

    assert (endpoint.host, endpoint.port) in target.cluster.config.hosts
    assert len(endpoint.password) == 8
    for secret in (endpoint.ticket, endpoint.password, endpoint.authorization):
        assert secret not in repr(endpoint)


async def test_a_console_of_a_stopped_machine_ends_before_its_screen_answers(target: Target, machine: GuestRef) -> None:
    endpoint = target.cluster.console_endpoint(machine)

    with pytest.raises(HandshakeFailed):
        await try_endpoint(endpoint)


async def test_a_forged_ticket_opens_nothing(target: Target, running: GuestRef) -> None:
    endpoint = target.cluster.console_endpoint(running)

    with pytest.raises(UpgradeFailed, match=r"401|500"):
        await try_endpoint(replace(endpoint, ticket=endpoint.ticket[:-12] + "AAAAAAAAAAA="))


async def test_the_consoles_own_token_is_enough(target: Target, running: GuestRef) -> None:
    if target.dev is None:
        pytest.skip("the console's own token is only known for the stand-in")
    config = replace(
        target.cluster.config, token_name=target.dev.console_token_name, token_value=target.dev.console_token_value
    )
    cluster = Cluster(config)

    await try_endpoint(cluster.console_endpoint(running))

    assert cluster.permissions()
    cluster.close()
