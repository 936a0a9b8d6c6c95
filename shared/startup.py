"""What is checked before the app starts: settings and catalog, all their faults at once. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shared import settings as app_settings
from shared.catalog.stamp import is_stamped
from shared.errors import CatalogError, ConfigurationError, SettingsError
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.catalog.model import Catalog


def load(environ: Mapping[str, str]) -> tuple[Settings, Catalog]:
    """Read settings and catalog.

    Raises:
        ConfigurationError: with every fault of the settings, or else of the catalog.
    """
    settings = app_settings.load(environ)
    catalog = _read(settings.catalog)
    _check_default_policy(settings, catalog)
    return settings, catalog


def check(environ: Mapping[str, str]) -> Settings:
    """Refuse to start with a broken configuration; a catalog that was stamped as good isn't parsed.

    A broken setting doesn't hide a broken catalog: the catalog that would be used is read all the same.

    Returns:
        The settings, which are good.

    Raises:
        ConfigurationError: with every fault of both.
    """
    faults: list[str] = []
    settings = None
    try:
        settings = app_settings.load(environ)
    except SettingsError as error:
        faults += error.faults
    path = app_settings.catalog_path(environ)
    stamped = path is not None and is_stamped(path)
    try:
        if path is not None and (not stamped or (settings and settings.default_policy)):
            catalog = _read(path)
            if settings:
                _check_default_policy(settings, catalog)
    except (CatalogError, SettingsError) as error:
        faults += error.faults
    if faults or settings is None:
        raise ConfigurationError("The app can't start", faults)
    return settings


def _read(path: Path) -> Catalog:
    from shared.catalog.loading import load as load_catalog  # noqa: PLC0415  # brings YAML: only where it is parsed

    return load_catalog(path)


def _check_default_policy(settings: Settings, catalog: Catalog) -> None:
    default = settings.default_policy
    if default is not None and default not in catalog.policies:
        known = ", ".join(sorted(catalog.policies))
        raise SettingsError("App settings", [f"AUTOPILOT_DEFAULT_POLICY is {default!r}; wanted: one of {known}"])
