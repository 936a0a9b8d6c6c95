"""What outlives a run of the host: its keys, and when each timer was last due."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from local.host.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEY_VARIABLES: Final = {
    "master_key": "LOCAL_HOST_MASTER_KEY",
    "function_key": "LOCAL_HOST_FUNCTION_KEY",
    "eventgrid_key": "LOCAL_HOST_EVENTGRID_KEY",
}


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What callers prove themselves with.

    Attributes:
        master_key: opens everything.
        function_key: opens the functions of level function.
        eventgrid_key: the system key `eventgrid_extension`, opens the Event Grid webhook.
    """

    master_key: str
    function_key: str
    eventgrid_key: str

    @classmethod
    def load(cls, folder: Path | None, environment: Mapping[str, str]) -> Self:
        """Take each key from the environment, from the folder, or make it; what was made is kept in the folder.

        Raises:
            RefusedError: the file in the folder doesn't hold keys.
        """
        path = folder and folder / "keys.json"
        kept = _read(path) if path else {}
        values = {
            name: environment.get(variable) or str(kept.get(name) or secrets.token_urlsafe(40))
            for name, variable in _KEY_VARIABLES.items()
        }
        keys = cls(**values)
        if path and not all(kept.get(field.name) for field in fields(cls)):
            write_private(path, asdict(keys))
        return keys


class TimerRecords:
    """When each timer was last due and is due next; without a folder only this run remembers."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder and folder / "timers.json"
        self._records: dict[str, dict[str, str]] = _read(self._path) if self._path else {}

    def get(self, function: str) -> dict[str, str] | None:
        """The record of a function: `Last`, `Next` and `LastUpdated` as ISO 8601, None before its first."""
        return self._records.get(function)

    def put(self, function: str, record: dict[str, str]) -> None:
        """Keep a record; the file is replaced as a whole, so a crash leaves the old one or the new one."""
        self._records[function] = record
        if self._path:
            write_private(self._path, self._records)


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees all or nothing, and nobody else can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError(f"{path} must hold an object")
    return content
