from pathlib import Path

import pytest

from devcluster.cloud_seed import user_data
from devcluster.qemu_command import DirectBoot, Medium, Places, command_line, in_boot_order
from devcluster.state import Guest

PLACES = Places(Path("/run/qmp"), Path("/run/vnc"), Path("/run/serial"), Path("/run/seed"))
UUID = "5d1f9c1e-6a43-4b33-9a55-6b6f7a2c0d11"
DISK = Medium(Path("/disks/a.qcow2"), "qcow2", False, "shared:100/a.qcow2")
DISC = Medium(Path("/guests/grub-rescue.iso"), "raw", True, "local:iso/grub-rescue.iso")


def guest(**config: str) -> Guest:
    return Guest(100, "pve1", {"smbios1": f"uuid={UUID}", "cores": "1", "memory": "256", **config})


def option(words: list[str], name: str) -> list[str]:
    return [words[n + 1] for n, word in enumerate(words) if word == name]


def test_the_machine_has_its_uuid_a_screen_with_a_password_and_no_network() -> None:
    words = command_line(guest(), PLACES, {}, None)

    assert option(words, "-uuid") == [UUID]
    assert option(words, "-vnc") == ["unix:/run/vnc,password=on"]
    assert option(words, "-nic") == ["none"]
    assert option(words, "-accel") == ["tcg"]
    assert not [word for word in words if "net" in word.split(",")[0] and word != "-nic"]


def test_cores_and_memory_are_cut_to_what_a_loopback_cluster_can_spare() -> None:
    words = command_line(guest(cores="8", memory="16384"), PLACES, {}, None)

    assert (option(words, "-smp"), option(words, "-m")) == (["2"], ["1024"])


@pytest.mark.parametrize(("vga", "has_clipboard"), [("std", False), ("virtio,clipboard=vnc,memory=32", True)])
def test_a_display_with_a_clipboard_has_a_port_for_the_agent(vga: str, *, has_clipboard: bool) -> None:
    words = command_line(guest(vga=vga), PLACES, {}, None)

    chardevs = [word for word in option(words, "-chardev") if word.startswith("qemu-vdagent,")]
    ports = [word for word in option(words, "-device") if "com.redhat.spice.0" in word]
    assert (len(chardevs), len(ports)) == (has_clipboard, has_clipboard)


def test_drives_boot_in_the_order_the_config_says() -> None:
    config = {"scsi0": "a", "ide2": "b", "scsi1": "c", "unused0": "d", "efidisk0": "e", "boot": "order=ide2;scsi0"}

    assert in_boot_order(config) == ["ide2", "scsi0", "scsi1"]


def test_a_disk_and_a_disc_hang_on_their_own_buses() -> None:
    one = guest(scsi0=DISK.volid, ide2=f"{DISC.volid},media=cdrom", boot="order=scsi0;ide2")

    devices = option(command_line(one, PLACES, {"scsi0": DISK, "ide2": DISC}, None), "-device")

    assert devices[1:] == [
        "scsi-hd,id=scsi0,drive=drive-scsi0,bootindex=1",
        "ide-cd,id=ide2,drive=drive-ide2,bootindex=2",
    ]


def test_a_disc_that_is_not_there_leaves_an_empty_drive() -> None:
    empty = Medium(None, "raw", True, "none")

    words = command_line(guest(ide2="none,media=cdrom"), PLACES, {"ide2": empty}, None)

    assert option(words, "-device")[1:] == ["ide-cd,id=ide2,bootindex=1"]
    assert option(words, "-drive") == []


def test_a_kernel_is_given_directly_only_where_one_was_found() -> None:
    boot = DirectBoot(Path("/guests/vmlinuz"), Path("/guests/initramfs.gz"))

    assert option(command_line(guest(), PLACES, {}, boot), "-kernel") == ["/guests/vmlinuz"]
    assert option(command_line(guest(), PLACES, {}, None), "-kernel") == []


@pytest.mark.parametrize(("options", "lines"), [({}, []), ({"ciuser": "alice"}, ["user: alice"])])
def test_user_data_names_the_machine_and_the_user_if_one_was_chosen(options: dict[str, str], lines: list[str]) -> None:
    told = user_data("web-1", options).splitlines()

    assert "hostname: web-1" in told
    assert [line for line in told if line.startswith("user: ")] == lines


def test_user_data_lists_the_keys_in_plain_text() -> None:
    told = user_data("web-1", {"sshkeys": "ssh-ed25519%20AAAA%20a%0Assh-ed25519%20BBBB%20b%0A"})

    assert "ssh_authorized_keys:\n  - ssh-ed25519 AAAA a\n  - ssh-ed25519 BBBB b\n" in told
