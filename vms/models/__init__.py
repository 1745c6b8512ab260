"""Models of vms."""

from vms.models.catalog import IsoImage, Node, Storage, Template
from vms.models.mirror import JobLock, MirrorRun
from vms.models.operations import Operation
from vms.models.virtual_machine import UsedVmid, VirtualMachine

__all__ = [
    "IsoImage",
    "JobLock",
    "MirrorRun",
    "Node",
    "Operation",
    "Storage",
    "Template",
    "UsedVmid",
    "VirtualMachine",
]
