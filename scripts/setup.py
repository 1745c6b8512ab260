"""Sets the portal up from a clone: `python3 -m scripts.setup --for demo|house|test`.

Checks what is missing and installs only that: Debian packages (root; nothing is started or enabled), the virtual
environment by its hash-locked list, the browser libraries by npm's lock, the house's sign-in page where one is
wanted, and the images of the demo's guests.
The guests' kernel is downloaded and unpacked into build/, never installed.
"""

import argparse
import fcntl
import shutil
import sys

from scripts import browser_libraries, house_sign_in, python_packages, system_packages
from scripts.speech import BUILD, ROOT, Refusal, guarded, run, say, timed

GUESTS = BUILD / "guests"
IMAGES = ("vmlinuz", "initramfs.gz", "grub-rescue.iso", "small-linux.iso", "made-from")


def main() -> int:
    """Everything in order, one set-up at a time."""
    arguments = parse(sys.argv[1:])
    if arguments.packages_only:
        system_packages.provide(arguments.purpose)
        return 0
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".set-up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        provide(arguments.purpose)
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts.setup", description="Sets the portal up from a clone.")
    parser.add_argument("--for", dest="purpose", choices=("demo", "house", "test"), default="demo")
    parser.add_argument("--packages-only", action="store_true", help="only the Debian packages")
    return parser.parse_args(arguments)


def provide(purpose: str) -> None:
    """Each part does nothing where it is already there."""
    system_packages.provide(purpose)
    runs = "test" if purpose == "test" else "demo"
    python_packages.provide(runs)
    browser_libraries.provide(runs)
    if purpose != "demo":
        house_sign_in.provide()
    guest_images()


def guest_images() -> None:
    """Kernel, initramfs and ISOs of the demo's guests. Without them the demo paints a test card, and says so."""
    if images_are_fresh() or not can_have_guests():
        return
    try:
        system_packages.know_what_debian_has()
        timed("Making the images of the guests", _make_images)
    except Refusal as refusal:
        say(str(refusal))
        say("Machines will show a painted test card until this works.")


def images_are_fresh() -> bool:
    """True where the images are there and newer than what they are made by."""
    recipe = [ROOT / "devcluster" / "guest_images.py", *(ROOT / "devcluster" / "guest").rglob("*")]
    try:
        oldest = min((GUESTS / image).stat().st_mtime for image in IMAGES)
    except OSError:
        return False
    return oldest >= max(path.stat().st_mtime for path in recipe)


def can_have_guests() -> bool:
    """True where the programs that real guests take are installed."""
    return all(shutil.which(program) for program in ("qemu-system-x86_64", "cpio"))


def _make_images() -> None:
    run([python_packages.PYTHON, "-m", "devcluster.guest_images", "--into", GUESTS], "Making the guests' images")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(guarded(main))
