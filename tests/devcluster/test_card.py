import struct
from collections.abc import AsyncIterator

import pytest

from devcluster.card import CardMachine
from devcluster.clock import Clock
from devcluster.machines import MachineError
from devcluster.state import Guest
from tests.devcluster.rfb import Screen, Streams, VncRefused, handshake, press, request, update, within

PASSWORD = '&%+#"\\:`'


@pytest.fixture
async def card() -> AsyncIterator[CardMachine]:
    machine = CardMachine(Guest(100, "pve1", {"name": "web"}), Clock())
    await machine.start(lambda: None)
    await machine.set_vnc_password(PASSWORD, 30)
    yield machine
    await machine.stop()


async def viewer(card: CardMachine, *, shared: bool = True) -> tuple[Streams, Screen]:
    link = Streams(*await card.vnc())
    try:
        return link, await handshake(link, PASSWORD, shared=shared)
    except VncRefused:
        link.close()
        raise


async def test_the_card_answers_as_an_rfb_server_with_a_screen_below_one_mebibyte(card: CardMachine) -> None:
    link, screen = await viewer(card)
    request(link, screen)

    (x, y, width, height, pixels) = (await update(link))[0]

    assert screen == Screen(640, 400, "card (vm100)")
    assert ((x, y, width, height), len(set(pixels)) > 4) == ((0, 0, 640, 400), True)
    link.close()


async def test_a_wrong_password_is_refused_in_words_and_the_connection_ends(card: CardMachine) -> None:
    link = Streams(*await card.vnc())

    with pytest.raises(VncRefused, match="Authentication failed"):
        await handshake(link, "wrong")

    assert await link.at_eof()
    link.close()


async def test_a_password_is_over_after_its_time() -> None:
    clock = Clock()
    card = CardMachine(Guest(100, "pve1", {}), clock)
    await card.start(lambda: None)
    await card.set_vnc_password(PASSWORD, 30)
    clock.advance(31)

    with pytest.raises(VncRefused):
        await viewer(card)
    await card.stop()


async def test_keys_are_shown_recorded_and_repeated_on_the_serial_line(card: CardMachine) -> None:
    link, screen = await viewer(card)
    request(link, screen)
    before = (await update(link))[0][4]

    press(link, "hello\n")
    request(link, screen)
    after = (await update(link))[0][4]

    assert after != before
    assert [chr(int(str(one["keysym"]))) for one in card.events() if one["down"]][:5] == list("hello")
    assert card.serial_text().endswith("typed: hello\n")
    link.close()


async def test_nothing_is_sent_without_a_request_and_an_unchanged_screen_is_not_sent_again(card: CardMachine) -> None:
    link, screen = await viewer(card)
    request(link, screen)
    await update(link)
    request(link, screen, incremental=True)

    with pytest.raises(TimeoutError):
        await within(update(link), 0.2)
    link.close()


async def test_a_firehose_has_something_new_for_every_request(card: CardMachine) -> None:
    await card.firehose(1000)
    link, screen = await viewer(card)

    frames = []
    for _ in range(3):
        request(link, screen, incremental=True)
        frames.append((await update(link))[0][4])

    assert len(set(frames)) == 3
    link.close()


async def test_the_pixel_format_asked_for_is_the_one_that_comes(card: CardMachine) -> None:
    link, screen = await viewer(card)
    link.write(b"\0\0\0\0" + struct.pack("!BBBBHHHBBBxxx", 16, 16, 0, 1, 31, 63, 31, 11, 5, 0))
    request(link, screen)

    assert len((await update(link, bytes_per_pixel=2))[0][4]) == 640 * 400 * 2
    link.close()


async def test_a_client_that_does_not_share_sends_the_others_away(card: CardMachine) -> None:
    first, _ = await viewer(card)

    second, _ = await viewer(card, shared=False)

    assert await first.at_eof()
    first.close()
    second.close()


async def test_a_stopped_card_shows_nothing(card: CardMachine) -> None:
    link, _ = await viewer(card)
    await card.stop()

    assert await link.at_eof()
    with pytest.raises(MachineError, match="VM 100 not running"):
        await card.vnc()
    link.close()


async def test_who_does_not_know_the_extended_clipboard_gets_plain_text_at_once(card: CardMachine) -> None:
    link, _ = await viewer(card)

    await card.copy("für dich €")

    content = "für dich ?".encode("latin-1")
    assert await within(link.read_exactly(8 + len(content))) == struct.pack("!BxxxI", 3, len(content)) + content
    link.close()
