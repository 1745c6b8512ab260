"""Fixtures of the leases' tests."""

from tests.vms.operations.conftest import shop

__all__ = ["shop"]
