"""The gateway to the Proxmox cluster."""

from vms.cluster.client import Cluster, cluster, console_cluster

__all__ = ["Cluster", "cluster", "console_cluster"]
