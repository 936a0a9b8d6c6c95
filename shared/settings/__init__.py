"""App settings, read once into a frozen value; every bad one is reported at the same time.

`values` has what they become, `table` their names, defaults and parsers, `parsers` the reading of one text each. A new
setting is a field of `Settings` and a line of the table.
"""

from shared.settings.reading import catalog_path, load
from shared.settings.values import (
    Act,
    Acting,
    Auth,
    Inherit,
    Isolation,
    Mode,
    Settings,
    StorageConnection,
    StorageNetwork,
    VaultTierFallback,
)

__all__ = [
    "Act",
    "Acting",
    "Auth",
    "Inherit",
    "Isolation",
    "Mode",
    "Settings",
    "StorageConnection",
    "StorageNetwork",
    "VaultTierFallback",
    "catalog_path",
    "load",
]
