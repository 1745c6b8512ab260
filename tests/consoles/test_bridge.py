"""Two streams joined: bytes, back-pressure, clocks, and an end that is an end."""

import asyncio
from collections.abc import Callable

import pytest

from consoles import close_codes
from consoles.bridge import Bridge, Limits
from consoles.close_codes import End
from consoles.rfb import NodeBroke, PasswordRefused
from consoles.streams import NodeGone
from tests.consoles.rfb.conversations import (
    BROWSER_HELLO,
    BROWSER_INIT,
    BROWSER_TYPE,
    CHALLENGE,
    KEY_A,
    NODE_FAILED,
    NODE_HELLO,
    NODE_OK,
    NODE_TYPES,
    SERVER_INIT,
    request,
)
from tests.consoles.streams import BROWSER_SEES, MemoryEnd, bridged, dialled, opened, until

QUICK = Limits(paused_s=0.05, keep_alive_s=0.05, tick_s=0.005)


async def test_bytes_flow_both_ways_and_are_counted() -> None:
    bridge, browser, node = opened()
    assert bridge._link is not None

    bridge.browser_bytes(request() + KEY_A)
    bridge._link.node_bytes(b"pixels")

    assert (node.take(), browser.take()) == (request() + KEY_A, b"pixels")
    assert bridge.bytes_to_browser == len(BROWSER_SEES) + 6
    assert bridge.bytes_from_browser == 14 + len(request() + KEY_A)


async def test_the_browser_is_greeted_before_a_node_is_there_and_may_speak_first() -> None:
    bridge, browser = bridged()
    bridge.browser_bytes(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT + request())

    link, node = dialled(bridge)
    link.node_bytes(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK + SERVER_INIT)

    await link.authenticated
    assert browser.take() == BROWSER_SEES
    assert node.take().endswith(b"\x01" + request())


async def test_what_a_browser_sent_ahead_and_may_not_ends_it_as_soon_as_a_node_is_there() -> None:
    bridge, _ = bridged()
    bridge.browser_bytes(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT + b"\xfa")

    link, node = dialled(bridge)
    link.node_bytes(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK)

    assert bridge.ended.result() == close_codes.BROWSER_BROKE
    assert (node.is_aborted, isinstance(link.authenticated.exception(), NodeGone)) == (True, True)


async def test_a_lost_password_race_is_told_to_the_dialler_and_another_node_goes_on() -> None:
    bridge, browser = bridged()
    first_link, first = dialled(bridge)
    first_link.node_bytes(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_FAILED)
    first_link.node_ended("eof")
    with pytest.raises(PasswordRefused):
        await first_link.authenticated

    link, node = dialled(bridge)
    first_link.node_bytes(b"late words of the first")
    first_link.node_ended("eof")
    bridge.browser_bytes(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT)
    link.node_bytes(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK + SERVER_INIT)

    assert (browser.take(), first.is_aborted, node.is_aborted) == (BROWSER_SEES, True, False)
    assert not bridge.ended.done()


async def test_a_node_that_breaks_off_or_babbles_before_it_is_open_is_the_diallers_matter() -> None:
    bridge, _ = bridged()
    link, _ = dialled(bridge)
    link.node_ended("eof")
    with pytest.raises(NodeGone, match="eof"):
        await link.authenticated

    link, _ = dialled(bridge)
    link.node_bytes(b"HTTP/1.1 400 Bad")

    with pytest.raises(NodeBroke):
        await link.authenticated
    assert not bridge.ended.done()


async def test_a_browser_that_is_behind_pauses_the_node_and_holds_its_requests() -> None:
    bridge, _, node = opened()

    bridge.browser_behind(True)
    for _ in range(100):
        bridge.browser_bytes(request(incremental=0))
    bridge.browser_bytes(KEY_A)
    assert (node.is_read, node.take()) == (False, KEY_A)

    bridge.browser_behind(False)
    assert (node.is_read, node.take()) == (True, request(incremental=0))


async def test_a_node_that_is_behind_pauses_the_browser() -> None:
    bridge, browser, _ = opened()
    assert bridge._link is not None

    bridge._link.node_writable(False)
    assert not browser.is_read

    bridge._link.node_writable(True)
    assert browser.is_read


async def test_a_browser_that_stays_behind_is_too_slow() -> None:
    bridge, _, node = opened(QUICK)

    bridge.browser_behind(True)

    assert await asyncio.wait_for(bridge.watch(), 2) is close_codes.TOO_SLOW
    assert node.is_aborted


async def test_a_node_that_takes_nothing_for_as_long_has_ended() -> None:
    bridge, _, _ = opened(QUICK)
    assert bridge._link is not None

    bridge._link.node_writable(False)

    assert await asyncio.wait_for(bridge.watch(), 2) is close_codes.NODE_ENDED


async def test_a_browser_that_never_answers_does_not_keep_a_node_waiting() -> None:
    bridge, _ = bridged(Limits(handshake_s=0.05, tick_s=0.005))
    link, node = dialled(bridge)
    bridge.browser_bytes(BROWSER_HELLO)
    link.node_bytes(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK)

    assert await asyncio.wait_for(bridge.watch(), 2) is close_codes.BROWSER_BROKE
    assert node.is_aborted


async def test_silence_towards_the_node_is_broken_by_a_request_for_one_pixel() -> None:
    bridge, browser, node = opened(QUICK)
    watching = asyncio.ensure_future(bridge.watch())

    await until(lambda: node.sent.count(request(width=1, height=1)) >= 3)

    bridge.browser_gone()
    assert (await watching, browser.take()) == (close_codes.LEFT, b"")


async def test_nothing_reaches_either_side_after_the_end_and_the_first_end_counts() -> None:
    bridge, browser, node = opened()
    assert bridge._link is not None

    bridge.end(close_codes.RIGHT_LOST)
    bridge.browser_bytes(KEY_A)
    bridge._link.node_bytes(b"pixels")
    bridge._link.node_ended("eof")
    bridge.browser_gone()

    assert (node.take(), browser.take(), node.is_aborted) == (b"", b"", True)
    assert bridge.ended.result() is close_codes.RIGHT_LOST


async def test_a_node_that_opens_after_the_end_is_hung_up_on() -> None:
    bridge, _ = bridged()
    link = bridge.new_link(b"secret")
    bridge.end(close_codes.LEFT)

    node = MemoryEnd()
    bridge.node_opened(link, node)

    assert node.is_aborted
    with pytest.raises(NodeGone):
        await link.authenticated


@pytest.mark.parametrize(
    ("spoil", "end"),
    [
        (lambda bridge: bridge.browser_bytes(b"\x96" + bytes(9)), close_codes.BROWSER_BROKE),
        (lambda bridge: bridge.browser_broke("text"), close_codes.BROWSER_BROKE),
        (lambda bridge: bridge.browser_gone(), close_codes.LEFT),
        (lambda bridge: bridge._link and bridge._link.node_ended("eof"), close_codes.NODE_ENDED),
    ],
)
async def test_each_end_has_its_word(spoil: Callable[[Bridge], None], end: End) -> None:
    bridge, _, node = opened()

    spoil(bridge)

    assert (bridge.ended.result(), node.is_aborted) == (end, True)


async def test_who_may_only_look_types_nothing() -> None:
    bridge, _, node = opened(view_only=True)

    bridge.browser_bytes(KEY_A + request())

    assert node.take() == request()


async def test_a_browser_that_gives_up_on_what_the_screen_said_ends_it_as_the_nodes_fault() -> None:
    bridge, _, node = opened()

    bridge.browser_text(b"broke")

    assert (bridge.ended.result(), node.is_aborted) == (close_codes.NODE_BROKE, True)
