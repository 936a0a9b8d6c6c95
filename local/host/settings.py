"""App settings: local.settings.json, %NAME% and connections."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Final

from local.azurite import development_connection_string
from local.host.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SETTINGS_FILE: Final = "local.settings.json"
DEFAULT_CONNECTION: Final = "AzureWebJobsStorage"
_REFERENCE: Final = re.compile(r"%([^%]*)%")


def prepare_environment(app: Path, settings: Path | None) -> None:
    """Lay the settings file under the process's environment and add what Azure sets itself.

    Raises:
        RefusedError: the settings file is there and can't be used, or is named and missing.
    """
    default = app / _SETTINGS_FILE
    path = settings or (default if default.is_file() else None)
    values = read_local_settings(path) if path else {}
    own = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(app),
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }
    for name, value in {**own, **values}.items():
        os.environ.setdefault(name, value)


def read_local_settings(path: Path) -> dict[str, str]:
    """Read `Values` of a local.settings.json.

    Raises:
        RefusedError: it can't be read, is encrypted, or a value isn't a string.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RefusedError(f"{path.name} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise RefusedError(f"{path.name} isn't JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("Values", {}), dict):
        raise RefusedError(f"{path.name} must hold an object whose Values are an object")
    if content.get("IsEncrypted"):
        raise RefusedError(f"{path.name} is encrypted: decrypt it with `func settings decrypt`")
    values: dict[str, object] = content.get("Values", {})
    problems = [f"{path.name}: {name} must be a string" for name, value in values.items() if not isinstance(value, str)]
    if problems:
        raise RefusedError(*problems)
    return {name: str(value) for name, value in values.items()}


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """Replace each `%NAME%` by the setting of that name.

    Raises:
        ValueError: a setting is missing.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise ValueError(f"%{match[1]}% stands for a setting that isn't there")
        return environment[match[1]]

    return _REFERENCE.sub(value, text)


def connection_string(name: str, environment: Mapping[str, str]) -> str:
    """The connection string behind a binding's `connection`; Azure looks for `AzureWebJobs{name}` first.

    Raises:
        ValueError: there is no such setting, it isn't a connection string, or the connection is identity-based, which
            only Azure has.
    """
    for candidate in (f"AzureWebJobs{name}", name):
        if value := environment.get(candidate):
            return _spelled_out(value, candidate)
    if any(key.startswith(f"{name}__") for key in environment):
        raise ValueError(f"connection {name} is identity-based; locally it has to be a connection string")
    raise ValueError(f"the setting {name} of its connection is missing")


def _spelled_out(value: str, setting: str) -> str:
    if value.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
        return development_connection_string()
    names = {part.partition("=")[0].strip().lower() for part in value.split(";")}
    if not names & {"accountname", "queueendpoint"}:
        raise ValueError(f"the setting {setting} isn't a connection string of a storage account")
    return value
