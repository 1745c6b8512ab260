"""Views of vms."""
