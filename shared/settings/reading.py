"""Reads the environment through the table of settings, and remembers everything that is wrong.

Sources of the names: host settings are Azure's (`AzureWebJobsStorage`, `AZURE_CLIENT_ID`), all others start
with `AUTOPILOT_`. An unknown `AUTOPILOT_` name is an error: a typing mistake must not silently mean the default.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.errors import SettingsError
from shared.settings.table import CATALOG, TABLE, Setting
from shared.settings.values import CLOUDS, Auth, Mode, Settings, StorageConnection, StorageNetwork

_PREFIX = "AUTOPILOT_"
_SECRET = frozenset({"AUTOPILOT_TOPIC_KEY"})


class _Reader:
    """Reads settings one by one and remembers what was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def read(self, setting: Setting) -> Any:
        text = self._environ.get(setting.name, "").strip() or setting.default
        if text is None:
            self.faults.append(f"{setting.name} is missing")
            return None
        try:
            return setting.parse(text)
        except ValueError as error:
            shown = "no good" if setting.name in _SECRET else repr(text)
            self.faults.append(f"{setting.name} is {shown}; wanted: {error}")
            return None

    def storage(self) -> StorageConnection:
        name = "AzureWebJobsStorage"
        connection = StorageConnection(
            connection_string=self._environ.get(name) or None,
            queue_endpoint=self._environ.get(f"{name}__queueServiceUri") or None,
            table_endpoint=self._environ.get(f"{name}__tableServiceUri") or None,
            blob_endpoint=self._environ.get(f"{name}__blobServiceUri") or None,
            client_id=self._environ.get(f"{name}__clientId") or None,
        )
        if connection.connection_string is None and not (connection.queue_endpoint and connection.table_endpoint):
            self.faults.append(
                f"{name} is missing; wanted: a connection string, or both {name}__queueServiceUri and __tableServiceUri"
            )
        return connection


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    known = {setting.name for setting in TABLE}
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in known:
            yield f"{name} is no setting of this app; known: {', '.join(sorted(known))}"


def _together(values: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with settings that depend on each other."""
    if values["subscriptions"] == frozenset() and values["management_groups"] == ():
        yield "AUTOPILOT_SUBSCRIPTIONS is missing; it or AUTOPILOT_MANAGEMENT_GROUPS says whose clusters are meant"
    given = [name for name in ("storage_subnets", "private_subnets") if values[name]]
    if values["storage_network"] is StorageNetwork.OPEN and given:
        yield "AUTOPILOT_STORAGE_SUBNETS and AUTOPILOT_PRIVATE_SUBNETS need AUTOPILOT_STORAGE_NETWORK=deny"
    if values["storage_network"] is StorageNetwork.DENY and not given:
        yield "AUTOPILOT_STORAGE_NETWORK=deny needs AUTOPILOT_STORAGE_SUBNETS or AUTOPILOT_PRIVATE_SUBNETS"
    mode, default_policy = values["mode"], values["default_policy"]
    if mode is Mode.OPT_OUT and default_policy is None:
        yield "AUTOPILOT_DEFAULT_POLICY is missing; mode opt-out needs the policy of untagged clusters"
    if mode is Mode.OPT_IN and default_policy is not None:
        yield "AUTOPILOT_DEFAULT_POLICY has no effect in mode opt-in; remove it or set AUTOPILOT_MODE"
    if values["auth"] is Auth.ENTRA and environ.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
        # "Environment variables and app settings in Azure App Service": the platform sets it, read-only
        yield "AUTOPILOT_AUTH is 'entra', and the platform's authentication is off: anybody could forge its headers"


def catalog_path(environ: Mapping[str, str]) -> Path | None:
    """The catalog that the settings name, whatever else is wrong with them; None when there is no such file."""
    path: Path | None = _Reader(environ).read(CATALOG)
    return path


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: with every fault found, not only the first.
    """
    reader = _Reader(environ)
    reader.faults += _unknown(environ)
    values = {setting.field: reader.read(setting) for setting in TABLE}
    reader.faults += _together(values, environ)
    limits = {"cpu": values.pop("extension_cpu"), "memory": values.pop("extension_memory")}
    values["extension_limits"] = {name: limit for name, limit in limits.items() if limit}
    cloud = CLOUDS.get(values.pop("cloud") or "public", CLOUDS["public"])
    values["arm_endpoint"] = values["arm_endpoint"] or cloud.arm
    values["arm_audience"] = values["arm_audience"] or cloud.arm
    values["storage_suffix"] = values["storage_suffix"] or cloud.storage_suffix
    values["client_id"] = environ.get("AZURE_CLIENT_ID") or None
    values["storage"] = reader.storage()
    storage = values["storage"]
    if values["decision_log"] and not storage.connection_string and not storage.blob_endpoint:
        reader.faults.append(
            "AzureWebJobsStorage__blobServiceUri is missing; the decision log needs it, or AUTOPILOT_DECISION_LOG=off"
        )
    if reader.faults:
        raise SettingsError("App settings", reader.faults)
    return Settings(**values)
