"""The hosts of the campaigns: those of tests/host."""

from tests.host.conftest import base, layers, pytest_generate_tests

__all__ = ["base", "layers", "pytest_generate_tests"]
