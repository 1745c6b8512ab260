import base64

import pytest

from vms.cluster import parse
from vms.cluster.errors import Malformed
from vms.cluster.types import DiskFacts, NicFacts, TaskStatus, Upid

GIB = 1024**3
UUID = "8a99d296-70bb-4994-a1b8-dbc1b0ac7587"
UPID = "UPID:pve1:0000C3A1:0012D687:6741A2B3:qmstart:104:portal@pve!portal:"


def options(**values: object) -> list[dict[str, object]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def test_a_machine_is_read_from_pending_alone() -> None:
    answer = options(
        smbios1=f"uuid={UUID.upper()}",
        digest="ab" * 20,
        name="web",
        cores=2,
        sockets="2",
        memory="2048",
        onboot=1,
        agent="enabled=1,fstrim_cloned_disks=1",
        boot="order=scsi0;ide2;net0",
        meta="creation-qemu=7.2.22,ctime=1795405328",
        vga="std,memory=16",
        lock="backup",
        description="marker",
        ciuser="debian",
        tags="a;b",
        parent="s1",
    )

    config = parse.guest_config("pve1", 104, answer)

    assert (config.uuid, config.digest, config.name) == (UUID, "ab" * 20, "web")
    assert (config.cores, config.memory_mib, config.start_at_boot, config.has_agent) == (4, 2048, True, True)
    assert config.boot_order == ("scsi0", "ide2", "net0")
    assert (config.created_at_s, config.display, config.lock) == (1795405328, "std", "backup")
    assert (config.description, config.cloud_init_user, config.tags) == ("marker", "debian", ("a", "b"))
    assert (config.pending_cores, config.pending_memory_mib, config.pending_keys) == (None, None, frozenset())


def test_what_is_not_set_has_proxmox_defaults() -> None:
    config = parse.guest_config("pve1", 104, options(smbios1=f"uuid={UUID}"))

    assert (config.cores, config.memory_mib, config.start_at_boot, config.has_agent) == (1, 512, False, False)


@pytest.mark.parametrize("memory", ["2048", 2048, "current=2048"])
def test_memory_comes_in_three_forms(memory: object) -> None:
    assert parse.guest_config("pve1", 104, options(memory=memory)).memory_mib == 2048


def test_what_waits_for_the_next_start_is_told_apart_and_counts_if_larger() -> None:
    answer = [
        {"key": "cores", "value": 4, "pending": 2},
        {"key": "memory", "value": "1024", "pending": "4096"},
        {"key": "onboot", "value": 1, "delete": 1},
    ]

    config = parse.guest_config("pve1", 104, answer)

    assert (config.cores, config.pending_cores, config.most_cores) == (4, 2, 4)
    assert (config.memory_mib, config.pending_memory_mib, config.most_memory_mib) == (1024, 4096, 4096)
    assert config.start_at_boot is False
    assert config.pending_keys == {"cores", "memory", "onboot"}


def test_all_disks_count_except_media_and_cloud_init() -> None:
    answer = options(
        scsi0="local-lvm:vm-104-disk-0,discard=on,size=32G",
        virtio1="shared:104/vm-104-disk-1.qcow2,size=512M",
        efidisk0="local-lvm:vm-104-disk-2,efitype=4m,size=4M",
        tpmstate0="local-lvm:vm-104-disk-3,size=4M,version=v2.0",
        unused0="local-lvm:vm-104-disk-4",
        ide2="local:iso/a-cdrom-cloudinit.iso,media=cdrom,size=700M",
        ide0="shared:104/vm-104-cloudinit.qcow2,media=cdrom,size=4M",
        sata0="none,media=cdrom",
        scsihw="virtio-scsi-single",
    )

    config = parse.guest_config("pve1", 104, answer)

    assert [disk.slot for disk in config.disks if disk.is_counted] == [
        "efidisk0",
        "scsi0",
        "tpmstate0",
        "virtio1",
        "unused0",
    ]
    assert config.disk_gib == 33
    assert config.unsized_slots == ("unused0",)
    assert [disk.slot for disk in config.disks if disk.is_cloud_init] == ["ide0"]
    assert config.has_cloud_init


def test_a_disk_that_waits_counts_once_and_a_removed_one_still_counts() -> None:
    answer = [
        {"key": "scsi0", "value": "s:vm-1-disk-0,size=8G", "pending": "s:vm-1-disk-0,cache=none,size=8G"},
        {"key": "scsi1", "pending": "s:vm-1-disk-1,size=4G"},
        {"key": "scsi2", "value": "s:vm-1-disk-2,size=2G", "delete": 1},
    ]

    config = parse.guest_config("pve1", 104, answer)

    assert [(disk.slot, disk.is_pending) for disk in config.disks] == [
        ("scsi0", False),
        ("scsi1", True),
        ("scsi2", False),
    ]
    assert config.disk_gib == 14


def test_a_disk_named_like_a_medium_is_a_disk() -> None:
    (disk,) = parse.guest_config("pve1", 1, options(scsi0="s:vm-1-cloudinit-cdrom,size=1T")).disks

    assert disk == DiskFacts("scsi0", "s:vm-1-cloudinit-cdrom", "s", 1024 * GIB)


def test_network_devices_are_read_in_order() -> None:
    answer = options(
        net10="e1000=BC:24:11:00:00:0A,bridge=vmbr1,tag=12,firewall=1,link_down=1",
        net2="model=virtio,macaddr=bc:24:11:00:00:02",
    )

    assert parse.guest_config("pve1", 1, answer).nics == (
        NicFacts("net2", "virtio", "BC:24:11:00:00:02"),
        NicFacts("net10", "e1000", "BC:24:11:00:00:0A", "vmbr1", 12, has_firewall=True, is_link_down=True),
    )


@pytest.mark.parametrize(
    ("smbios1", "found"),
    [
        (f"uuid={UUID}", UUID),
        (f"base64=1,manufacturer=QUJD,uuid={UUID.upper()}", UUID),
        (f"uuid={base64.b64encode(UUID.encode()).decode()},base64=1", UUID),
        ("manufacturer=QUJD", ""),
        ("uuid=nonsense", ""),
        ("uuid=%%%,base64=1", ""),
        ("", ""),
    ],
)
def test_the_uuid_is_found_in_every_form(smbios1: str, found: str) -> None:
    assert parse.machine_uuid(smbios1) == found


def test_the_clusters_list_is_sorted_into_its_kinds() -> None:
    found = parse.reading(
        [
            {"type": "qemu", "id": "qemu/105", "vmid": 105, "node": "pve1", "status": "unknown"},
            {
                "type": "qemu",
                "vmid": 104,
                "node": "pve2",
                "status": "paused",
                "name": "web",
                "pool": "p/a",
                "template": 0,
                "maxcpu": 2,
                "maxmem": GIB,
                "cpu": 0.25,
                "uptime": 7,
                "tags": "a;b",
                "lock": "backup",
            },
            {"type": "lxc", "vmid": 200, "node": "pve1", "status": "running"},
            {"type": "node", "node": "pve1", "status": "online", "maxcpu": 8},
            {
                "type": "storage",
                "storage": "local",
                "node": "pve1",
                "content": "iso,images",
                "shared": 0,
                "status": "available",
            },
            {"type": "pool", "id": "/pool/p/a", "pool": "p/a"},
            {"type": "network", "id": "network/pve1/zone/x"},
            "noise",
        ]
    )

    fresh, web = found.guests[1], found.guests[0]
    assert (fresh.vmid, fresh.power, fresh.name, fresh.poolid) == (105, "unknown", "", "")
    assert (web.vmid, web.power, web.poolid, web.lock, web.tags) == (104, "paused", "p/a", "backup", ("a", "b"))
    assert (web.cores, web.memory_bytes, web.cpu_load, web.uptime_s) == (2, GIB, 0.25, 7)
    assert found.other_vmids == {200}
    assert found.nodes[0].is_online
    assert found.storages[0].content == {"iso", "images"}
    assert [pool.poolid for pool in found.pools] == ["p/a"]


@pytest.mark.parametrize("status", ["io-error", "guest-panicked", "prelaunch", "a-word-of-a-later-release"])
def test_a_run_state_that_is_not_known_counts_as_running(status: str) -> None:
    assert parse.guest({"vmid": 1, "status": status}).power == "running"


def test_a_running_machine_that_is_paused_is_told_by_qemus_own_word() -> None:
    found = parse.guest_status(1, {"status": "running", "qmpstatus": "paused", "uptime": 5, "ha": {"managed": 0}})

    assert (found.power, found.status, found.uptime_s, found.is_ha_managed) == ("paused", "paused", 5, False)


def test_a_single_node_is_quorate_and_a_cluster_says_so_itself() -> None:
    nodes = [{"type": "node", "name": "pve2", "online": 0}, {"type": "node", "name": "pve1", "online": 1}]

    assert parse.quorum(nodes).quorate
    split = parse.quorum([{"type": "cluster", "name": "house", "quorate": 0}, *nodes])
    assert (split.quorate, split.online_nodes, split.offline_nodes) == (False, ("pve1",), ("pve2",))


def test_tasks_of_both_lists_are_read_alike() -> None:
    found = parse.task_rows(
        [
            {"upid": UPID, "endtime": "1795405328", "status": "OK", "saved": "1"},
            {"upid": UPID},
            {"upid": UPID, "status": "RUNNING"},
            {"upid": "garbage"},
        ]
    )

    assert [(task.is_running, task.exit_text, task.ended_at_s) for task in found] == [
        (False, "OK", 1795405328),
        (True, None, None),
        (True, None, None),
    ]


@pytest.mark.parametrize(
    ("row", "running", "exit_text", "is_ok"),
    [
        ({"status": "running"}, True, None, False),
        ({"status": "stopped", "exitstatus": "OK"}, False, "OK", True),
        ({"status": "stopped", "exitstatus": "WARNINGS: 2"}, False, "WARNINGS: 2", True),
        ({"status": "stopped", "exitstatus": "VM is locked (backup)"}, False, "VM is locked (backup)", False),
        ({"status": "stopped"}, False, "unexpected status", False),
    ],
)
def test_only_ok_and_warnings_are_done(row: dict[str, str], running: bool, exit_text: str | None, is_ok: bool) -> None:
    found = parse.task_status(Upid.parse(UPID), row)

    assert found == TaskStatus(Upid.parse(UPID), running, exit_text)
    assert found.ok is is_ok


def test_a_log_that_is_gone_has_no_lines() -> None:
    gone = {"n": 1, "t": "unable to open file - No such file or directory"}

    assert parse.task_log(gone) == parse.task_log([gone]) == ()
    assert parse.task_log([{"n": 1, "t": "TASK OK"}]) == ("TASK OK",)


def test_a_privilege_with_the_number_zero_is_held() -> None:
    assert parse.permissions({"/vms": {"VM.Audit": 0, "VM.Console": 1}}) == {"/vms": {"VM.Audit", "VM.Console"}}


def test_the_current_state_is_no_snapshot() -> None:
    answer = [{"name": "current", "running": 1}, {"name": "s1", "snaptime": 5, "vmstate": 1, "description": "first\n"}]

    (found,) = parse.snapshots(answer)

    assert (found.name, found.taken_at_s, found.with_memory, found.description) == ("s1", 5, True, "first")


def test_members_are_machines_and_only_of_the_pool_asked_for() -> None:
    members = [{"type": "qemu", "vmid": 104}, {"type": "storage", "storage": "local"}, {"type": "lxc", "vmid": 9}]

    assert parse.pool_members("p/a", [{"poolid": "p/a", "members": members}]) == {104}
    with pytest.raises(Malformed):
        parse.pool_members("p/a", [{"poolid": "p", "members": members}])


@pytest.mark.parametrize("answer", [None, {}, "text", 7])
def test_a_list_that_is_none_is_malformed(answer: object) -> None:
    with pytest.raises(Malformed):
        parse.reading(answer)


def test_keys_of_cloud_init_are_read_back_as_they_were_set() -> None:
    config = parse.guest_config(
        "pve1", 1, options(sshkeys="ssh-ed25519%20AAAA%2BB%20a%40b%0Assh-rsa%20CC%0A", ipconfig0="ip=dhcp")
    )

    assert config.ssh_keys == ("ssh-ed25519 AAAA+B a@b", "ssh-rsa CC")
    assert config.ipconfig == "ip=dhcp"
