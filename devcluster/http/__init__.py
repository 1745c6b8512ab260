"""The stand-in's HTTP interface: one module for each part of the Proxmox API."""
