"""The simulated Azure of `tests/local_azure`, for what catalogs ask of it."""

from tests.local_azure.conftest import azure, start

__all__ = ["azure", "start"]
