"""Fixtures of the departures' tests."""

from tests.vms.operations.conftest import shop

__all__ = ["shop"]
