from dataclasses import replace

import pytest

from consoles.frames import MAX_FRAME_BYTES
from consoles.node_socket import open_node
from consoles.probe import HandshakeFailed, UpgradeFailed, try_endpoint
from tests.consoles.rfb.conversations import NODE_HELLO
from tests.consoles.streams import until
from tests.consoles.test_node_socket import Ear
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


async def test_the_largest_frames_we_send_keep_the_console_and_its_neighbour(target: Target, running: GuestRef) -> None:
    """64 KiB, masked, whole: more than that, or in parts, ends a node's worker with every console on it."""
    neighbour, node = Ear(), Ear()
    first = await open_node(target.cluster.console_endpoint(running), neighbour, connect_s=8, upgrade_s=5)
    second = await open_node(target.cluster.console_endpoint(running), node, connect_s=8, upgrade_s=5)
    await until(lambda: neighbour.heard and node.heard, within_s=15)

    second.write(NODE_HELLO + bytes(3 * MAX_FRAME_BYTES))

    await until(lambda: node.ended, within_s=15)
    first.write(NODE_HELLO)
    await until(lambda: len(neighbour.heard) > len(NODE_HELLO), within_s=15)
    assert neighbour.ended == []
    first.abort()
    if target.dev is not None:
        assert target.dev.state("worker_deaths")["worker_deaths"] == 0


async def test_a_ping_of_ours_is_answered_and_harms_nothing(target: Target, running: GuestRef) -> None:
    """What a silent node is asked by; `silent_s` is short, so that a second of its silence is asked about."""
    ear = Ear()
    node = await open_node(target.cluster.console_endpoint(running), ear, connect_s=8, upgrade_s=5, silent_s=1.5)
    await until(lambda: ear.heard, within_s=15)

    with pytest.raises(TimeoutError):
        await until(lambda: ear.ended, within_s=4)

    node.abort()
