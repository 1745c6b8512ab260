"""Text typed by the page into a Linux that really runs, on three keyboard layouts: it reads what was pasted."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from devcluster.rooms import GUESTS
from tests.cast import make_cast
from tests.children import wait_until
from tests.consoles.conftest import House
from tests.consoles.keymaps import Keyboard
from tests.consoles.portal import cookie_of, guest_row, serving
from tests.consoles.test_in_a_browser import chromium, opened, wait_for
from tests.consoles.test_typing import LAYOUTS, alphabet
from tests.devcluster.cluster import DevCluster
from tests.devcluster.test_qemu import BOOT_S, real_cluster
from tests.factories import make_reading
from tests.figures import figure, scaled
from tests.pages.window import Window

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, pytest.mark.qemu, pytest.mark.slow]

COUNT = scaled(200, 2000)
#: Room of one layout on the disc.
SLOT_BYTES = 4096
DISC = "keymaps.iso"
#: Twice the pace of the page, for a busy machine.
CHARACTER_S = 0.1


def with_keymaps(folder: Path) -> Path:
    """The stand-in's images, and a disc of the layouts, one after the other."""
    for image in GUESTS.iterdir():
        (folder / image.name).symlink_to(image.resolve())
    (folder / DISC).write_bytes(b"".join(Keyboard(name).for_linux().ljust(SLOT_BYTES, b"\0") for name in LAYOUTS))
    return folder


@pytest.fixture
def real(tmp_path: Path) -> Iterator[DevCluster]:
    """A cluster whose guests really run, with that disc."""
    images = tmp_path / "images"
    images.mkdir()
    with real_cluster(tmp_path / "cluster", arguments=("--guests", str(with_keymaps(images)))) as running:
        yield running


@pytest.fixture
def house(transactional_db: None, real: DevCluster, tmp_path: Path) -> Iterator[House]:
    """Alice's small Linux at its prompt, and a portal."""
    cast = make_cast()
    make_reading()
    config = {"ide2": f"local:iso/{DISC},media=cdrom", "boot": "order=scsi0;ide2"}
    wanted = {"memory_mib": 256, "disk_gib": 1, "config": config}
    vm = guest_row(real.guest(name="web-01", pool=cast.alices.proxmox_poolid, status="running", **wanted), cast.alices)
    with serving(real, tmp_path, "tests.consoles.served:application") as portal:
        yield House(portal, real, cast, vm, cookie_of(cast.alice))


class Guest:
    """The Linux behind the page: what it says on its serial line, and text typed into it."""

    def __init__(self, house: House, page: Page) -> None:
        self.house, self.page, self.layout = house, page, "us"

    def said(self) -> str:
        text: str = self.house.cluster.control("GET", f"/guests/{self.house.vm.vmid}/serial")["text"]
        return text

    def awaits(self, text: str, deadline_s: float = BOOT_S) -> None:
        wait_until(lambda: text in self.said(), what=f"{text!r} on the serial line", deadline_s=deadline_s)

    def type(self, text: str) -> None:
        """By the page's own Paste text; the dialog closes when all is typed."""
        self.page.click("[data-paste-open]")
        self.page.select_option("[data-paste-layout]", self.layout)
        self.page.fill("[data-paste-text]", text)
        self.page.click("[data-paste-go]")
        expect(self.page.locator("[data-paste-dialog]")).to_be_hidden(timeout=CHARACTER_S * len(text) * 1000 + 30_000)

    def sign_in(self) -> None:
        self.awaits("small-linux login:")
        self.type("root\n")
        self.awaits("root is signed in")

    def feels_keys_together(self) -> None:
        """Ctrl+C by the modifier that waits, and Ctrl+Alt+F2 of the menu: by what is where on the keyboard."""
        watch = "until grep -q tty2 /sys/class/tty/tty0/active; do sleep 1; done; echo -n [tty2] >&3; chvt 1"
        self.type(
            f"exec 3>/dev/ttyS0; echo >/dev/tty2; ({watch}) & sh -c 'trap \"echo -n [caught] >&3; exit\" INT; read a'\n"
        )
        self.page.locator("summary", has_text="Keys").click()
        self.page.click(".menu-in [data-hold=ControlLeft]")
        self.page.keyboard.press("c")
        self.awaits("[caught]", 30)
        self.page.click("[data-key='ControlLeft+AltLeft+F2']")
        self.awaits("[tty2]", 30)

    def reads(self, text: str, layout: str) -> str:
        """Loads the layout, types the text, and gives what the guest's keyboard made of it."""
        count, begin, end = len(text.encode()), f"[{layout}]", "[end]"
        load = f"dd if=/dev/sr0 bs={SLOT_BYTES} skip={LAYOUTS.index(layout)} count=1 | loadkmap"
        read = f"stty raw -echo; echo -n {begin} >&3; dd bs=1 count={count} >&3; stty sane; echo -n {end} >&3"
        self.type(f"stty raw <&3; {load}; {read}\n")
        self.awaits(begin, 30)
        self.layout = layout
        self.type(text)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: self._between(begin)[1], self.page)
        return self._between(begin)[0].removesuffix(end)

    def _between(self, begin: str) -> tuple[str, bool]:
        """What came after the mark, and whether the end did."""
        read = self.said().rpartition(begin)[2]
        return read, read.endswith("[end]")


@pytest.mark.timeout(900)
def test_a_real_linux_reads_what_was_pasted(chromium: Browser, house: House) -> None:
    received = 0
    with Window(chromium, house.portal.origin, house.cast.alice) as window:
        guest = Guest(house, opened(window, house))
        guest.sign_in()
        guest.feels_keys_together()
        for layout in LAYOUTS:
            letters = alphabet(guest.page, layout)
            text = "".join(random.Random(f"{layout} in a guest").choices(letters, k=COUNT))
            read = guest.reads(text, layout)
            assert read == text
            received += len(read)
    figure("U-12", "characters", COUNT, "layouts", len(LAYOUTS), "received", received // len(LAYOUTS))
