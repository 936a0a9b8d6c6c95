"""What is checked before the app starts: settings and catalog, all their faults at once. Imports nothing heavy."""

from collections.abc import Mapping

from shared import settings as app_settings
from shared.catalog.loading import load as load_catalog
from shared.catalog.model import Catalog
from shared.errors import CatalogError, ConfigurationError, SettingsError
from shared.settings import Settings


def load(environ: Mapping[str, str]) -> tuple[Settings, Catalog]:
    """Read settings and catalog.

    Raises:
        ConfigurationError: with every fault of both.
    """
    settings = app_settings.load(environ)
    catalog = load_catalog(settings.catalog)
    default = settings.default_policy
    if default is not None and default not in catalog.policies:
        known = ", ".join(sorted(catalog.policies))
        raise SettingsError("App settings", [f"AUTOPILOT_DEFAULT_POLICY is {default!r}; wanted: one of {known}"])
    return settings, catalog


def check(environ: Mapping[str, str]) -> None:
    """Refuse to start with a broken configuration.

    A broken setting doesn't hide a broken catalog: the catalog that would be used is read all the same.

    Raises:
        ConfigurationError: with every fault of both.
    """
    try:
        load(environ)
    except CatalogError:
        raise
    except SettingsError as error:
        faults = list(error.faults)
        try:
            load_catalog(app_settings.catalog_path(environ))
        except (CatalogError, ValueError) as other:
            faults += other.faults if isinstance(other, CatalogError) else ()
        raise ConfigurationError("The app can't start", faults) from None
