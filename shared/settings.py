"""App settings, read once into a frozen value; every bad one is reported at the same time.

Sources of the names: host settings are Azure's (`AzureWebJobsStorage`, `AZURE_CLIENT_ID`), all others start
with `AUTOPILOT_`. An unknown `AUTOPILOT_` name is an error: a typing mistake must not silently mean the default.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.errors import SettingsError

_ROOT = Path(__file__).resolve().parent.parent
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TAG_NAME = re.compile(r"[^<>%&\\?/]{1,512}")  # "Use tags to organize your Azure resources": characters of a tag name
_DEPLOYMENT_ID = re.compile(r"[a-z0-9]{1,12}")
_PREFIX = "AUTOPILOT_"
_LONGEST_SPACING = 3600


class Mode(StrEnum):
    """What a cluster without the tag means."""

    OPT_IN = "opt-in"
    OPT_OUT = "opt-out"


class Isolation(StrEnum):
    """How far the backups of two clusters are kept apart."""

    CLUSTER = "cluster"
    REGION = "region"


class Inherit(StrEnum):
    """Whose tag serves a cluster that has none itself."""

    NONE = "none"
    GROUP = "group"
    SUBSCRIPTION = "subscription"


class StorageConnection(NamedTuple):
    """How to reach the queues and tables: a connection string, or service addresses and the managed identity."""

    connection_string: str | None
    queue_endpoint: str | None
    table_endpoint: str | None
    client_id: str | None


class Settings(NamedTuple):
    """The deployment's settings. A named tuple: a data class would take five times as long at every cold start."""

    subscriptions: frozenset[str]
    """Lower-case ids of the subscriptions whose clusters may be touched. Events of others are ignored."""

    catalog: Path
    """The backup policy catalog."""

    tag: str
    """Name of the tag that selects a cluster's policy; names of tags have no case in Azure."""

    mode: Mode
    inherit: Inherit
    """Where the tag of an untagged cluster is looked for: nowhere, in its resource group, then in its subscription."""

    default_policy: str | None
    """Policy of an untagged cluster in mode opt-out; None in mode opt-in."""

    isolation: Isolation
    deployment_id: str
    """Salt of the computed names and part of the ownership tag: two deployments never share a resource."""

    arm_endpoint: str
    """Azure Resource Manager's address without a trailing slash; the only host that ever gets a token of ours."""

    arm_audience: str
    wait_scale: float
    """Factor on the app's own waits, not on Azure's Retry-After. 1 in Azure, less where time runs faster."""

    client_id: str | None
    """Client id of the user-assigned identity; None means the system-assigned one."""

    rollout_seconds: float
    """Seconds of Azure's time between two clusters when a changed catalog moves many of them."""

    topic_endpoint: str | None
    """Event Grid topic that facts are published to; None: they are only logged."""

    topic_key: str | None
    """Access key of the topic; None: the managed identity is used."""

    storage: StorageConnection


class _Setting[T](NamedTuple):
    name: str
    default: str | None
    parse: Callable[[str], T]


def _subscriptions(text: str) -> frozenset[str]:
    ids = [part.strip().lower() for part in text.split(",") if part.strip()]
    bad = [part for part in ids if not _GUID.fullmatch(part)]
    if bad or not ids:
        raise ValueError("comma-separated subscription ids, such as 00000000-0000-0000-0000-000000000000")
    return frozenset(ids)


def _matching(pattern: re.Pattern[str], allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(allowed)
        return text

    return parse


def _https(text: str) -> str:
    url = urlsplit(text)
    if url.scheme != "https" or not url.hostname or url.query or url.path not in ("", "/"):
        raise ValueError("an https address without path or query, such as https://management.azure.com")
    return text.rstrip("/")


def _act(text: str) -> str:
    if text != "auto":
        raise ValueError("auto; looking without acting isn't supported yet")
    return text


def _topic(text: str) -> str:
    if text and urlsplit(text).scheme != "https":
        raise ValueError(
            "the https endpoint of an Event Grid topic, such as https://x.westeurope-1.eventgrid.azure.net"
        )
    return text.rstrip("/")


def _scale(text: str) -> float:
    value = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
    if not 0 < value <= 1:
        raise ValueError("a number above 0, at most 1")
    return value


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,5}", text) or int(text) > _LONGEST_SPACING:
        raise ValueError(f"whole seconds, 0 to {_LONGEST_SPACING}")
    return float(text)


def _catalog(text: str) -> Path:
    path = Path(text) if Path(text).is_absolute() else _ROOT / text
    if not path.is_file():
        raise ValueError(f"a file that exists; there is none at {path}")
    return path


def _one_of[E: StrEnum](kind: type[E]) -> Callable[[str], E]:
    def parse(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(" or ".join(member.value for member in kind)) from None

    return parse


_SUBSCRIPTIONS = _Setting("AUTOPILOT_SUBSCRIPTIONS", None, _subscriptions)
_CATALOG = _Setting("AUTOPILOT_CATALOG", "backup-policies.yaml", _catalog)
_TAG = _Setting("AUTOPILOT_TAG", "aks-backup", _matching(_TAG_NAME, "1 to 512 characters, none of < > % & \\ ? /"))
_MODE = _Setting("AUTOPILOT_MODE", Mode.OPT_IN, _one_of(Mode))
_ACT = _Setting("AUTOPILOT_ACT", "auto", _act)
_INHERIT = _Setting("AUTOPILOT_INHERIT", Inherit.NONE, _one_of(Inherit))
_TOPIC = _Setting("AUTOPILOT_TOPIC_ENDPOINT", "", _topic)
_TOPIC_KEY = _Setting("AUTOPILOT_TOPIC_KEY", "", str.strip)
_ROLLOUT = _Setting("AUTOPILOT_ROLLOUT_SECONDS", "60", _seconds)
_DEFAULT_POLICY = _Setting("AUTOPILOT_DEFAULT_POLICY", "", str.strip)
_ISOLATION = _Setting("AUTOPILOT_ISOLATION", Isolation.CLUSTER, _one_of(Isolation))
_DEPLOYMENT = _Setting(
    "AUTOPILOT_DEPLOYMENT_ID", "default", _matching(_DEPLOYMENT_ID, "1 to 12 lower-case letters and digits")
)
_ARM_ENDPOINT = _Setting("AUTOPILOT_ARM_ENDPOINT", "https://management.azure.com", _https)
_ARM_AUDIENCE = _Setting("AUTOPILOT_ARM_AUDIENCE", "https://management.azure.com", _https)
_WAIT_SCALE = _Setting("AUTOPILOT_WAIT_SCALE", "1", _scale)
_KNOWN = (
    _SUBSCRIPTIONS,
    _CATALOG,
    _TAG,
    _MODE,
    _ACT,
    _INHERIT,
    _ROLLOUT,
    _TOPIC,
    _TOPIC_KEY,
    _DEFAULT_POLICY,
    _ISOLATION,
    _DEPLOYMENT,
    _ARM_ENDPOINT,
    _ARM_AUDIENCE,
    _WAIT_SCALE,
)


class _Reader:
    """Reads settings one by one and remembers what was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def read[T](self, setting: _Setting[T]) -> T | None:
        text = self._environ.get(setting.name, "").strip() or setting.default
        if text is None:
            self.faults.append(f"{setting.name} is missing")
            return None
        try:
            return setting.parse(text)
        except ValueError as error:
            self.faults.append(f"{setting.name} is {text!r}; wanted: {error}")
            return None

    def storage(self) -> StorageConnection:
        name = "AzureWebJobsStorage"
        connection = StorageConnection(
            connection_string=self._environ.get(name) or None,
            queue_endpoint=self._environ.get(f"{name}__queueServiceUri") or None,
            table_endpoint=self._environ.get(f"{name}__tableServiceUri") or None,
            client_id=self._environ.get(f"{name}__clientId") or None,
        )
        if connection.connection_string is None and not (connection.queue_endpoint and connection.table_endpoint):
            self.faults.append(
                f"{name} is missing; wanted: a connection string, or both {name}__queueServiceUri and __tableServiceUri"
            )
        return connection


def catalog_path(environ: Mapping[str, str]) -> Path | None:
    """The catalog that the settings name, whatever else is wrong with them; None when there is no such file."""
    return _Reader(environ).read(_CATALOG)


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: with every fault found, not only the first.
    """
    reader = _Reader(environ)
    known = {setting.name for setting in _KNOWN}
    reader.faults += [
        f"{name} is no setting of this app; known: {', '.join(sorted(known))}"
        for name in sorted(environ)
        if name.startswith(_PREFIX) and name not in known
    ]
    reader.read(_ACT)
    mode = reader.read(_MODE)
    default_policy = reader.read(_DEFAULT_POLICY) or None
    if mode is Mode.OPT_OUT and default_policy is None:
        reader.faults.append("AUTOPILOT_DEFAULT_POLICY is missing; mode opt-out needs the policy of untagged clusters")
    if mode is Mode.OPT_IN and default_policy is not None:
        reader.faults.append("AUTOPILOT_DEFAULT_POLICY has no effect in mode opt-in; remove it or set AUTOPILOT_MODE")
    values = {
        "subscriptions": reader.read(_SUBSCRIPTIONS),
        "catalog": reader.read(_CATALOG),
        "tag": reader.read(_TAG),
        "mode": mode,
        "inherit": reader.read(_INHERIT),
        "rollout_seconds": reader.read(_ROLLOUT),
        "default_policy": default_policy,
        "isolation": reader.read(_ISOLATION),
        "deployment_id": reader.read(_DEPLOYMENT),
        "arm_endpoint": reader.read(_ARM_ENDPOINT),
        "arm_audience": reader.read(_ARM_AUDIENCE),
        "wait_scale": reader.read(_WAIT_SCALE),
        "topic_endpoint": reader.read(_TOPIC) or None,
        "topic_key": reader.read(_TOPIC_KEY) or None,
        "client_id": environ.get("AZURE_CLIENT_ID") or None,
        "storage": reader.storage(),
    }
    if reader.faults:
        raise SettingsError("App settings", reader.faults)
    return Settings(**values)  # type: ignore[arg-type]  # without faults, every value has its parsed type
