"""The document of an extension: made from a request, shown in an API version (k8s_extension_arc_lro and _dapr)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from local.azure.errors import Json

TYPE = "Microsoft.KubernetesConfiguration/extensions"

WITHOUT_CURRENT_VERSION = "2022-07-01"
"""Versions before this one have no `currentVersion`; their `version` is the installed one (2022-03-01 is recorded)."""

# Version that a release train installs when none is asked for; only the first is recorded.
_NEWEST = {"microsoft.app.environment": "1.36.15", "microsoft.dataprotection.kubernetes": "1.0.11"}


def newest_version(extension_type: str) -> str:
    """The version that is installed when a request doesn't pin one."""
    return _NEWEST.get(extension_type.lower(), "1.0.0")


def document(extension_id: str, name: str, asked: Mapping[str, Any], moment: str) -> Json:
    """An extension that is being installed.

    Args:
        extension_id: Its resource id.
        name: Its name.
        asked: `properties` of the request.
        moment: Now, in the provider's form of a time.
    """
    return {
        "id": extension_id,
        "name": name,
        "type": TYPE,
        "properties": {
            "extensionType": str(asked.get("extensionType") or "").lower(),
            "autoUpgradeMinorVersion": asked.get("autoUpgradeMinorVersion", True) is not False,
            "releaseTrain": str(asked.get("releaseTrain") or "stable"),
            "version": asked.get("version"),
            "currentVersion": None,
            "scope": copy.deepcopy(asked.get("scope")) or {"cluster": {"releaseNamespace": _namespace(asked)}},
            "provisioningState": "Creating",
            "configurationSettings": dict(asked.get("configurationSettings") or {}),
            "configurationProtectedSettings": _hidden(asked.get("configurationProtectedSettings")),
            "statuses": [],
            "aksAssignedIdentity": None,
            "isSystemExtension": False,
        },
        "systemData": {
            "createdBy": None,
            "createdByType": None,
            "createdAt": moment,
            "lastModifiedBy": None,
            "lastModifiedByType": None,
            "lastModifiedAt": moment,
        },
    }


def apply(body: Json, asked: Mapping[str, Any], moment: str) -> None:
    """Bring an extension up to date with a PUT or PATCH; settings are merged, a setting with a null value goes."""
    inner = body["properties"]
    for key in ("autoUpgradeMinorVersion", "releaseTrain", "version"):
        if asked.get(key) is not None:
            inner[key] = asked[key]
    settings = inner["configurationSettings"] | (asked.get("configurationSettings") or {})
    inner["configurationSettings"] = {key: value for key, value in settings.items() if value is not None}
    inner["configurationProtectedSettings"] |= _hidden(asked.get("configurationProtectedSettings"))
    body["systemData"]["lastModifiedAt"] = moment


def shown(body: Json, version: str) -> Json:
    """An extension as an API version shows it."""
    document = copy.deepcopy(body)
    inner = document.get("properties") or {}
    if version[:10] < WITHOUT_CURRENT_VERSION:
        inner.pop("isSystemExtension", None)
        inner["version"] = inner.pop("currentVersion", None) or inner.get("version")
    return document


def time_form(moment: dt.datetime) -> str:
    """A time as `systemData` has it: seven decimals and an offset."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{moment.microsecond % 7}+00:00"


def _namespace(asked: Mapping[str, Any]) -> str:
    return str(asked.get("extensionType") or "extension").lower().replace(".", "-")


def _hidden(settings: Mapping[str, Any] | None) -> Json:
    """Protected settings are never shown; their names are."""
    return dict.fromkeys(settings or {}, "")
