"""host.json, as far as this host obeys it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local.host.problems import RefusedError
from local.host.timespan import parse_time_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_BUNDLES: Final = ("Microsoft.Azure.Functions.ExtensionBundle", "Microsoft.Azure.Functions.ExtensionBundle.Preview")
# A NuGet range such as [4.*, 5.0.0).
_VERSION_RANGE: Final = re.compile(r"[\[(]\s*(\d+(\.(\d+|\*)){0,2})?\s*(,\s*(\d+(\.(\d+|\*)){0,2})?\s*)?[\])]")
_OVERRIDE: Final = "azurefunctionsjobhost__"


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """`extensions.queues`; times in seconds.

    Attributes:
        batch_size: messages received at once, 1 to 32.
        new_batch_threshold: more are received when no more than this many are being worked on.
        max_dequeue_count: tries before a message goes to the poison queue.
        visibility_timeout: wait between a failed try and the next.
        max_polling_interval: longest wait between two looks at an empty queue.
        base64: whether messages are in base64 on the wire (`messageEncoding`).
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    max_polling_interval: float = 60.0
    base64: bool = True


@dataclass(frozen=True, slots=True)
class HostJson:
    """What host.json says, with Azure's defaults for what it doesn't.

    Attributes:
        route_prefix: first part of every HTTP function's path; may be empty.
        function_timeout: seconds, None without a limit; 30 minutes is Flex Consumption's default.
        has_bundle: whether an extension bundle is named: without one Azure has no queue and no Event Grid bindings.
        queues: see `QueueOptions`.
    """

    route_prefix: str = "api"
    function_timeout: float | None = 1800.0
    has_bundle: bool = False
    queues: QueueOptions = field(default_factory=QueueOptions)


def read_host_json(path: Path, environment: Mapping[str, str]) -> HostJson:
    """Read host.json and lay `AzureFunctionsJobHost__section__name` settings over it, as Azure does.

    Raises:
        RefusedError: it is missing, isn't JSON, or holds what Azure refuses; every problem is named.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RefusedError(f"host.json can't be read: {error.strerror}") from error
    except ValueError as error:
        raise RefusedError(f"host.json isn't JSON: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError("host.json must hold an object")
    _override(content, environment)
    reader = _Reader(content, development=environment.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development")
    result = reader.host()
    if reader.problems:
        raise RefusedError(*reader.problems)
    return result


def _override(content: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if name.lower().startswith(_OVERRIDE):
            *sections, last = name[len(_OVERRIDE) :].split("__")
            target = content
            for section in sections:
                target = target.setdefault(_spelling(target, section), {})
            target[_spelling(target, last)] = value


def _spelling(target: Mapping[str, Any], name: str) -> str:
    """The key that is there already, whatever its case: settings don't tell cases apart."""
    return next((key for key in target if key.lower() == name.lower()), name)


class _Reader:
    """Reads values one by one and collects what is wrong with them."""

    def __init__(self, content: dict[str, Any], *, development: bool) -> None:
        self.problems: list[str] = []
        self._content = content
        # Azure looks at an idle queue at least every two seconds in Development, every minute elsewhere.
        self._polling = 2.0 if development else 60.0

    def host(self) -> HostJson:
        if self._content.get("version") != "2.0":
            self.problems.append(f'host.json: version must be "2.0", not {self._content.get("version")!r}')
        default_timeout: float | None = 1800.0
        return HostJson(
            route_prefix=self._value("extensions.http.routePrefix", "api", _text).strip("/"),
            function_timeout=self._value("functionTimeout", default_timeout, _timeout),
            has_bundle=self._bundle(),
            queues=self._queues(),
        )

    def _bundle(self) -> bool:
        if "extensionBundle" not in self._content:
            return False
        self._value("extensionBundle.id", "", _bundle_id, required=True)
        self._value("extensionBundle.version", "", _version_range, required=True)
        return True

    def _queues(self) -> QueueOptions:
        section = "extensions.queues."
        batch_size = self._value(section + "batchSize", 16, _whole(1, 32))
        return QueueOptions(
            batch_size=batch_size,
            new_batch_threshold=self._value(section + "newBatchThreshold", batch_size // 2, _whole(0, 1000)),
            max_dequeue_count=self._value(section + "maxDequeueCount", 5, _whole(1, 1_000_000)),
            visibility_timeout=self._value(section + "visibilityTimeout", 0.0, _span(0.0)),
            max_polling_interval=self._value(section + "maxPollingInterval", self._polling, _span(0.1)),
            base64=self._value(section + "messageEncoding", True, _encoding),
        )

    def _value[T](self, path: str, default: T, read: Callable[[Any], T], *, required: bool = False) -> T:
        value: Any = self._content
        for name in path.split("."):
            if value is None:
                break
            if not isinstance(value, dict):
                self.problems.append(f"host.json: {path} can't be read, what holds it isn't an object")
                return default
            value = value.get(_spelling(value, name))
        if value is None and not required:
            return default
        try:
            return read(value)
        except ValueError as error:
            self.problems.append(f"host.json: {path}: {error}")
            return default


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {value!r}")  # noqa: TRY004 - one kind of error for what a file says
    return value


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {value!r}")
        return number

    return read


def _span(low: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        seconds = parse_time_span(_text(value))
        if seconds < low:
            raise ValueError(f"must be at least {low} s, not {value!r}")
        return seconds

    return read


def _timeout(value: Any) -> float | None:
    return None if _text(value) in {"-1", "-00:00:00.0010000"} else _span(1.0)(value)


def _encoding(value: Any) -> bool:
    encodings = {"base64": True, "none": False}
    if _text(value).lower() not in encodings:
        raise ValueError(f"must be base64 or none, not {value!r}")
    return encodings[value.lower()]


def _bundle_id(value: Any) -> str:
    if value not in _BUNDLES:
        raise ValueError(f"must be {_BUNDLES[0]}, not {value!r}")
    return _text(value)


def _version_range(value: Any) -> str:
    if not isinstance(value, str) or not _VERSION_RANGE.fullmatch(value):
        raise ValueError(f"must be a range like [4.*, 5.0.0), not {value!r}")
    return value
