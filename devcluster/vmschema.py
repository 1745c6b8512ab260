"""Options of a virtual machine: what each accepts, and which privilege changing it takes."""

import re
from functools import partial
from urllib.parse import unquote

from devcluster.drives import SLOTS
from devcluster.schema import BOOL, DIGEST, INTEGER, STRING, VMID, Rule, dns_name

IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
MODELS = "virtio|e1000e?|rtl8139|vmxnet3|ne2k_pci|pcnet"
KEY_TYPES = r"(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9@.-]+)"


def memory(value: str) -> str | None:
    number = value.removeprefix("current=").partition(",")[0]
    if not number.isdigit():
        return f"format error\nmemory.current: type check ('integer') failed - got '{number}'\n"
    return None if int(number) >= 16 else "format error\nmemory.current: value must have a minimum value of 16\n"


def tags(value: str) -> str | None:
    for tag in re.split(r"[;,\s]+", value) if re.search(r"[;,]", value) else [value]:
        if tag and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_\-+.]*", tag):
            return "invalid characters in tag\n"
    return None


def ssh_keys(value: str) -> str | None:
    """Keys are percent-encoded by the sender; blanks and plus signs are proof that they were not."""
    if re.fullmatch(r"(?:[A-Za-z0-9\-_.!~*'()]|%[0-9A-Fa-f]{2})*", value):
        return None
    return f"invalid urlencoded string: {value}\n"


def decodable(value: str) -> bool:
    """Whether each line of the decoded text is a public key."""
    lines = [line for line in unquote(value).splitlines() if line.strip()]
    return all(re.search(rf"^{KEY_TYPES} [A-Za-z0-9+/]{{16,}}=*(?: .*)?$", line) for line in lines)


def ipconfig(key: str, value: str) -> str | None:
    for part in value.split(","):
        name, _, text = part.partition("=")
        if name == "ip" and text != "dhcp" and not re.fullmatch(rf"{IPV4}/\d\d?", text):
            kind = "ipv4 network configuration"
            return f"format error\n{key}.ip: invalid format - value does not look like a valid {kind}\n\n"
        if name not in ("ip", "gw", "ip6", "gw6"):
            unknown = "property is not defined in schema and the schema does not allow additional properties"
            return f"format error\n{name}: {unknown}\n"
    return None


NO_SUCH_PROPERTY = "property is not defined in schema and the schema does not allow additional properties"
NIC_PROPERTIES = frozenset(
    ["model", "macaddr", "bridge", "firewall", "link_down", "mtu", "queues", "rate", "tag", "trunks"]
)
DRIVE_PROPERTIES = frozenset(
    [
        "file",
        "volume",
        "media",
        "size",
        "format",
        "cache",
        "discard",
        "ssd",
        "iothread",
        "backup",
        "replicate",
        "shared",
        "snapshot",
        "aio",
        "serial",
        "wwn",
        "queues",
        "product",
        "vendor",
        "ro",
        "model",
        "cyls",
        "heads",
        "secs",
        "trans",
        "werror",
        "rerror",
        "detect_zeroes",
        "scsiblock",
        "import-from",
        "efitype",
        "pre-enrolled-keys",
        "ms-cert",
        "version",
        "bps",
        "bps_rd",
        "bps_wr",
        "iops",
        "iops_rd",
        "iops_wr",
        "iops_max",
        "iops_rd_max",
        "iops_wr_max",
        "mbps",
        "mbps_rd",
        "mbps_wr",
        "mbps_max",
        "mbps_rd_max",
        "mbps_wr_max",
    ]
)
DISPLAYS = (
    "cirrus", "none", "qxl", "qxl2", "qxl3", "qxl4", "serial0", "serial1", "serial2", "serial3", "std", "virtio",
    "virtio-gl", "vmware",
)  # fmt: skip


def unknown_property(value: str, known: frozenset[str]) -> str | None:
    """The first `name=` of a property string that does not belong there; the first part may be the bare default."""
    for part in value.split(",")[1:]:
        name = part.partition("=")[0]
        if name not in known:
            return f"format error\n{name}: {NO_SUCH_PROPERTY}\n"
    return None


def display(value: str) -> str | None:
    told = [part.partition("=")[::2] if "=" in part else ("type", part) for part in value.split(",")]
    for name, known in (("type", DISPLAYS), ("clipboard", ("vnc",))):
        wrong = next((found for key, found in told if key == name and found not in known), None)
        if wrong is not None:
            choice = ", ".join(known)
            return f"format error\n{name}: value '{wrong}' does not have a value in the enumeration '{choice}'\n"
    return unknown_property(value, frozenset({"type", "memory", "clipboard"}))


def nic(value: str) -> str | None:
    if re.match(rf"^(?:model=)?(?:{MODELS})(?:=[0-9A-Fa-f:]{{17}})?(?:,|$)", value):
        return unknown_property(value, NIC_PROPERTIES)
    return "format error\nmodel: property is missing and it is not optional\n"


def drive(value: str) -> str | None:
    file = value.partition(",")[0].removeprefix("file=")
    if file in ("none", "cdrom") or re.fullmatch(r"[A-Za-z][\w.-]*:.+", file):
        return unknown_property(value, DRIVE_PROPERTIES)
    return f"format error\nfile: invalid format - unable to parse volume ID '{file}'\n"


BOOLS = [
    "acpi",
    "kvm",
    "localtime",
    "onboot",
    "protection",
    "tablet",
    "template",
    "autostart",
    "freeze",
    "reboot",
    "numa",
    "ciupgrade",
]
FREE = [
    "agent",
    "affinity",
    "args",
    "audio0",
    "balloon",
    "bios",
    "boot",
    "bootdisk",
    "cdrom",
    "cicustom",
    "cipassword",
    "citype",
    "ciuser",
    "cpu",
    "cpulimit",
    "cpuunits",
    "hookscript",
    "hotplug",
    "hugepages",
    "keyboard",
    "machine",
    "nameserver",
    "ostype",
    "rng0",
    "searchdomain",
    "shares",
    "smbios1",
    "spice_enhancements",
    "startdate",
    "startup",
    "vga",
    "vmgenid",
    "vmstatestorage",
    "watchdog",
    "lock",
    "arch",
]

PROPERTIES: dict[str, Rule] = {
    **dict.fromkeys(BOOLS, BOOL),
    **dict.fromkeys(FREE, STRING),
    "name": Rule(format=dns_name),
    "vga": Rule(format=display),
    "cores": Rule("integer", minimum=1),
    "sockets": Rule("integer", minimum=1),
    "vcpus": Rule("integer", minimum=1),
    "balloon": Rule("integer", minimum=0),
    "shares": Rule("integer", minimum=0, maximum=50000),
    "cpulimit": Rule("number", minimum=0, maximum=128),
    "cpuunits": Rule("integer", minimum=1, maximum=262144),
    "memory": Rule(format=memory),
    "description": Rule(max_length=8192),
    "tags": Rule(format=tags),
    "sshkeys": Rule(format=ssh_keys),
    "scsihw": Rule(enum=("lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi")),
    "bios": Rule(enum=("seabios", "ovmf")),
    "ostype": Rule(
        enum=(
            "other",
            "wxp",
            "w2k",
            "w2k3",
            "w2k8",
            "wvista",
            "win7",
            "win8",
            "win10",
            "win11",
            "l24",
            "l26",
            "solaris",
        )
    ),
    **{slot: Rule(format=drive) for slot in SLOTS},
    **{f"unused{n}": STRING for n in range(256)},
    **{f"net{n}": Rule(format=nic) for n in range(32)},
    **{f"ipconfig{n}": Rule(format=partial(ipconfig, f"ipconfig{n}")) for n in range(32)},
    **{f"serial{n}": Rule(pattern=r"(/dev/.+|socket)") for n in range(4)},
    **{f"{kind}{n}": STRING for kind in ("usb", "hostpci", "parallel", "virtiofs", "numa") for n in range(10)},
}
UPDATE: dict[str, Rule] = {
    **PROPERTIES,
    "digest": DIGEST,
    "delete": STRING,
    "revert": STRING,
    "force": BOOL,
    "skiplock": BOOL,
}
CREATE: dict[str, Rule] = {
    **PROPERTIES,
    "vmid": VMID.required(),
    "pool": STRING,
    "storage": STRING,
    "start": BOOL,
    "archive": STRING,
    "bwlimit": INTEGER,
    "force": BOOL,
    "unique": BOOL,
    "live-restore": BOOL,
    "import-working-storage": STRING,
    "ha-managed": BOOL,
}

ROOT_ONLY = frozenset(["args", "lock", "hookscript", "vmgenid", "affinity", "hugepages", "arch", "spice_enhancements"])
INTEGERS = frozenset({name for name, rule in PROPERTIES.items() if rule.kind in ("integer", "boolean")} | {"snaptime"})
CPU = frozenset(["cores", "sockets", "cpu", "vcpus", "cpulimit", "cpuunits", "numa"])
MEMORY = frozenset(["memory", "balloon", "shares"])
DISK = frozenset(["boot", "bootdisk", "vmstatestorage"])
CLOUD_INIT = frozenset(
    ["ciuser", "cipassword", "sshkeys", "nameserver", "searchdomain", "citype", "ciupgrade", "cicustom"]
)
HARDWARE = frozenset(
    ["scsihw", "machine", "vga", "tablet", "acpi", "kvm", "hotplug", "smbios1", "watchdog", "audio0", "rng0"]
)


def demanded(key: str, value: str | None) -> tuple[str, ...]:
    """Any of these privileges on the machine lets a caller change that option to that value (None = delete)."""
    bare = key.rstrip("0123456789")
    if key in CPU:
        return ("VM.Config.CPU",)
    if key in MEMORY:
        return ("VM.Config.Memory",)
    if key in CLOUD_INIT or bare == "ipconfig":
        return ("VM.Config.Cloudinit", "VM.Config.Network")
    if bare == "net":
        return ("VM.Config.Network",)
    if key in HARDWARE or bare in ("serial", "usb", "hostpci", "parallel"):
        return ("VM.Config.HWType",)
    if key in SLOTS and value is not None and ("media=cdrom" in value or value.endswith(":cloudinit")):
        return ("VM.Config.CDROM",)
    if key in SLOTS or key in DISK or bare == "unused":
        return ("VM.Config.Disk",)
    return ("VM.Config.Options",)
