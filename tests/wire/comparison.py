"""What makes a served answer the same as a recorded one.

Strict by default: every field, JSON type and value counts, in both directions. What may differ is listed here and
nowhere else, each with its reason: ids, times and other values that Azure makes up are compared by their form only.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

JSON_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",  # 14 and 14.0 are two things on this wire: softDeleteSettings.retentionDurationInDays
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TIME = r"(?!0001-01-01T)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"


def _time_form(match: re.Match[str]) -> str:
    return f"{{time.{len(match[1] or '.') - 1}{match[2]}}}"


# What Azure makes up anew each time, and what is left of it. The zero date is a constant, so it isn't a time here.
MADE_UP: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(_GUID), "{guid}"),
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"), "{guid without dashes}"),
    (re.compile(r"^[0-9a-f]{24}$"), "{uid}"),
    (re.compile(_TIME), _time_form),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d{7}Z"), "{encoded time}"),
    # Durations with a fraction of a second were measured, whole ones (PT4H, PT0S, 00:00:00) are constants.
    (re.compile(r"^PT(\d+H)?(\d+M)?\d+\.\d+S$"), "{duration}"),
    (re.compile(r"^\d\d:\d\d:\d\d\.\d{7}$"), "{time span}"),
    (re.compile(r"^6\d{17}$"), "{ticks}"),  # retentionTagVersion: .NET ticks of this century
    (re.compile(r"(?<!\d)[1-9]\d?/[1-9]\d?/\d{4} [1-9]\d?:\d\d:\d\d [AP]M"), "{date}"),
    (re.compile(r"(?<=The client ')[^']+"), "{caller}"),
    (re.compile(r'^"0x[0-9A-F]+"$'), '"{etag}"'),
    (re.compile(r"(?<=/)[A-Za-z0-9+_-]{40,}={0,2}(?=[/?]|$)"), "{operation}"),
    (re.compile(r"^(?=[A-Za-z0-9+_-]*\d)[A-Za-z0-9+_-]{90,}={0,2}$"), "{operation}"),
    (re.compile(r"-[a-z0-9]{8}(?=\.(?:portal\.)?hcp\.)"), "-{hash}"),  # API server names of clusters
    (re.compile(r"\.z\d+\.web\."), ".z{zone}.web."),  # static website zones of storage accounts
)

# The capture collapsed the ids of clusters and service principals into this one: it only says that there was a text.
# (Azure itself answers "msi" as the client id of a cluster with a managed identity.)
COLLAPSED = "00000094-0000-4000-8000-000000000094"

# Values that change with every release of the service: digits are masked, their number of parts isn't.
VERSIONS = frozenset(
    {
        "kubernetesVersion",
        "currentKubernetesVersion",
        "orchestratorVersion",
        "currentOrchestratorVersion",
        "nodeImageVersion",
        "currentVersion",
        "version",
    },
)

# Times of jobs and operations: the zeros at their end are left out (dp_backup_and_restore_aks: the etag of [22] has six
# decimals, that of [24] seven; dp_backup_instance_softdelete: the start of [6] has six, of [28] seven), so how many
# there are says nothing. That there are some does. Rows of Resource Graph have all the zeros of times, but an etag is
# ARM's own text there too (dp_job_list_and_show [1]: six and seven).
TRIMMED_TIMES = frozenset({"startTime", "endTime", "etag"})
_DECIMALS = re.compile(r"\.\d{1,7}(?=Z)")
_TRIMMED_PLACES = re.compile(r"\$(\.value\[\d+\])?(\.properties)?\.\w+|\$\.data\[\d+\]\.properties\.etag")

# Lists that hold a part of Azure's own catalog, which changes by the week: their items are compared as one shape.
CATALOGS = frozenset({"authorizations", "resourceTypes", "locations", "apiVersions"})

# Remaining budgets: the names are compared, the values are Azure's bookkeeping.
BUDGETS = re.compile(r"^x-ms-(ratelimit|user-quota)-")
URL_HEADERS = frozenset({"azure-asyncoperation", "location"})


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: header names in lower case, the body parsed (None when empty, a string when not JSON)."""

    status: int
    headers: Mapping[str, str]
    body: Any


def differences(recorded: Answer, served: Answer) -> list[str]:
    """Everything in which a served answer isn't the recorded one; empty when they agree.

    Returns:
        One readable line per difference, each beginning with where it is.
    """
    found: list[str] = []
    if recorded.status != served.status:
        found.append(f"status: recorded {recorded.status}, served {served.status} {_excerpt(served.body)}")
    found.extend(_header_differences(recorded.headers, served.headers))
    found.extend(_body_differences("$", "", recorded.body, served.body))
    return found


def value_form(text: str) -> str:
    """A string with everything that Azure makes up replaced by a placeholder."""
    for pattern, replacement in MADE_UP:
        text = pattern.sub(replacement, text)
    return text


def url_form(url: str) -> str:
    """An operation URL without its ids.

    Query parameter names lose their case: recordings of one API version have `api-version` (k8s_extension_arc_lro) as
    well as `api-Version` (k8s_extension_dapr). The version's value and the signature parameters (`t`, `c`, `s`,
    `h`), which the recordings dropped, aren't compared.
    """
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    query = sorted(
        f"{name.lower()}={'{version}' if name.lower() == 'api-version' else value}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in {"t", "c", "s", "h"}
    )
    return f"{host}{value_form(unquote(parts.path))}?{'&'.join(query)}"


def _header_differences(recorded: Mapping[str, str], served: Mapping[str, str]) -> Iterator[str]:
    for name, value in recorded.items():
        if name not in served:
            yield f"header {name}: recorded {value!r}, not served"
        elif BUDGETS.match(name):
            yield from _budget_difference(name, value, served[name])
        elif name in URL_HEADERS:
            yield from _unequal(f"header {name}", url_form(value), url_form(served[name]))
        else:
            yield from _unequal(f"header {name}", value_form(value), value_form(served[name]))


def _budget_difference(name: str, recorded: str, served: str) -> Iterator[str]:
    masked = [re.sub(r"\d+", "#", value) for value in (recorded, served)]
    yield from _unequal(f"header {name}", masked[0], masked[1])


def _body_differences(where: str, key: str, recorded: Any, served: Any) -> Iterator[str]:
    kind = JSON_TYPES[type(recorded)]
    if kind != JSON_TYPES[type(served)]:
        yield f"{where}: recorded {kind} {_excerpt(recorded)}, served {JSON_TYPES[type(served)]} {_excerpt(served)}"
    elif isinstance(recorded, dict):
        yield from _object_differences(where, recorded, served)
    elif isinstance(recorded, list):
        yield from _array_differences(where, key, recorded, served)
    elif isinstance(recorded, str):
        if recorded == COLLAPSED and served:
            return
        if key in TRIMMED_TIMES and _TRIMMED_PLACES.fullmatch(where):
            recorded, served = (_DECIMALS.sub(lambda match: f"{match[0]:0<8}", text) for text in (recorded, served))
        yield from _unequal(where, _scalar_form(key, recorded), _scalar_form(key, served))
    else:
        yield from _unequal(where, recorded, served)


def _scalar_form(key: str, text: str) -> str:
    form = value_form(text)
    return re.sub(r"\d+", "#", form) if key in VERSIONS else form


def _object_differences(where: str, recorded: dict[str, Any], served: dict[str, Any]) -> Iterator[str]:
    for name in sorted(recorded.keys() - served.keys()):
        yield f"{where}.{name}: recorded {_excerpt(recorded[name])}, not served"
    for name in sorted(served.keys() - recorded.keys()):
        yield f"{where}.{name}: not recorded, served {_excerpt(served[name])}"
    for name in recorded.keys() & served.keys():
        yield from _body_differences(f"{where}.{name}", name, recorded[name], served[name])


def _array_differences(where: str, key: str, recorded: list[Any], served: list[Any]) -> Iterator[str]:
    if key in CATALOGS:
        yield from _catalog_differences(where, recorded, served)
        return
    if len(recorded) != len(served):
        yield f"{where}: recorded {len(recorded)} items, served {len(served)}: {_excerpt(served)}"
    for index, (ours, theirs) in enumerate(zip(recorded, served, strict=False)):
        yield from _body_differences(f"{where}[{index}]", key, ours, theirs)


def _catalog_differences(where: str, recorded: Sequence[Any], served: Sequence[Any]) -> Iterator[str]:
    """Every served item of a catalog has what every recorded one has, and nothing that no recorded one has."""
    if bool(recorded) != bool(served):
        yield f"{where}: recorded {len(recorded)} items, served {len(served)}"
    elif recorded:
        known = {shape for item in recorded for shape in _shape("", item)}
        needed = set.intersection(*(_shape("", item) for item in recorded))
        for index, item in enumerate(served):
            shape = _shape("", item)
            for path in sorted(needed - shape):
                yield f"{where}[{index}]{path}: recorded in every item, not served"
            for path in sorted(shape - known):
                yield f"{where}[{index}]{path}: not recorded in any item"


def _shape(path: str, value: Any) -> set[str]:
    """The field paths of a value with their JSON types; indices are dropped."""
    found = {f"{path}: {JSON_TYPES[type(value)]}"}
    if isinstance(value, dict):
        for name, item in value.items():
            found |= _shape(f"{path}.{name}", item)
    elif isinstance(value, list):
        for item in value:
            found |= _shape(f"{path}[]", item)
    return found


def _unequal(where: str, recorded: object, served: object) -> Iterator[str]:
    if recorded != served:
        yield f"{where}: recorded {recorded!r}, served {served!r}"


def _excerpt(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
