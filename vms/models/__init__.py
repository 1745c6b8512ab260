"""Models of vms."""

from vms.models.catalog import IsoImage, Node, Storage, Template
from vms.models.leases import LeaseNotice, LeaseWatch, RenewalLink
from vms.models.mirror import ClusterPool, JobLock, MirrorRun
from vms.models.observed import ClusterTask, Leftover, Plot
from vms.models.operations import Operation
from vms.models.virtual_machine import UsedVmid, VirtualMachine

__all__ = [
    "ClusterPool",
    "ClusterTask",
    "IsoImage",
    "JobLock",
    "LeaseNotice",
    "LeaseWatch",
    "Leftover",
    "MirrorRun",
    "Node",
    "Operation",
    "Plot",
    "RenewalLink",
    "Storage",
    "Template",
    "UsedVmid",
    "VirtualMachine",
]
