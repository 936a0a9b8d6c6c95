"""Which events an event subscription wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.azure.errors import ArmError, Json, bad_request

MOST_ADVANCED_FILTERS = 25

_ABSENT = object()
_ALL_TYPES = "all"

type _Compare = Callable[[str, str], bool]


def _any(compare: _Compare, wanted: bool) -> Callable[[Any, Sequence[Any]], bool]:
    """A string operator: compared without case, true when some value fits (or, negated, none does)."""

    def matches(value: Any, values: Sequence[Any]) -> bool:
        found = isinstance(value, str) and any(compare(value.lower(), str(item).lower()) for item in values)
        return found is wanted

    return matches


def _number(compare: Callable[[float, float], bool], wanted: bool = True) -> Callable[[Any, Sequence[Any]], bool]:
    def matches(value: Any, values: Sequence[Any]) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return (is_number and any(compare(value, float(item)) for item in values)) is wanted

    return matches


# Operators by their documented names; the value may be absent.
_OPERATORS: dict[str, Callable[[Any, Sequence[Any]], bool]] = {
    "StringIn": _any(lambda value, item: value == item, True),
    "StringNotIn": _any(lambda value, item: value == item, False),
    "StringContains": _any(lambda value, item: item in value, True),
    "StringNotContains": _any(lambda value, item: item in value, False),
    "StringBeginsWith": _any(lambda value, item: value.startswith(item), True),
    "StringNotBeginsWith": _any(lambda value, item: value.startswith(item), False),
    "StringEndsWith": _any(lambda value, item: value.endswith(item), True),
    "StringNotEndsWith": _any(lambda value, item: value.endswith(item), False),
    "NumberIn": _number(lambda value, item: value == item),
    "NumberNotIn": _number(lambda value, item: value == item, False),
    "NumberLessThan": _number(lambda value, item: value < item),
    "NumberLessThanOrEquals": _number(lambda value, item: value <= item),
    "NumberGreaterThan": _number(lambda value, item: value > item),
    "NumberGreaterThanOrEquals": _number(lambda value, item: value >= item),
    "BoolEquals": lambda value, values: value is bool(values[0]),
    "IsNullOrUndefined": lambda value, _: value is _ABSENT or value is None,
    "IsNotNull": lambda value, _: value is not _ABSENT and value is not None,
}
_SINGLE = frozenset(name for name in _OPERATORS if name.startswith(("NumberLess", "NumberGreater", "Bool")))
_NO_VALUE = frozenset({"IsNullOrUndefined", "IsNotNull"})


def refusal(chosen: Mapping[str, Any]) -> ArmError | None:
    """Why a subscription's `filter` can't be taken; the answer's wording is not recorded."""
    advanced = chosen.get("advancedFilters") or []
    if len(advanced) > MOST_ADVANCED_FILTERS:
        return bad_request("InvalidRequest", f"At most {MOST_ADVANCED_FILTERS} advanced filters are allowed.")
    for item in advanced:
        operator = item.get("operatorType")
        if operator not in _OPERATORS:
            return bad_request("InvalidRequest", f"The advanced filter operator '{operator}' is not supported.")
        if not item.get("key") or (operator not in _NO_VALUE and not _values(item)):
            return bad_request("InvalidRequest", f"The advanced filter '{operator}' needs a key and a value.")
    return None


def wants(chosen: Mapping[str, Any], event: Json) -> bool:
    """Whether an event in the Event Grid schema passes a subscription's `filter`."""
    return _wants_type(chosen, event) and _wants_subject(chosen, event) and _wants_fields(chosen, event)


def _wants_type(chosen: Mapping[str, Any], event: Json) -> bool:
    types = [str(item).lower() for item in chosen.get("includedEventTypes") or []]
    return not types or _ALL_TYPES in types or str(event["eventType"]).lower() in types


def _wants_subject(chosen: Mapping[str, Any], event: Json) -> bool:
    begin, end = str(chosen.get("subjectBeginsWith") or ""), str(chosen.get("subjectEndsWith") or "")
    subject = str(event["subject"])
    if not chosen.get("isSubjectCaseSensitive"):
        begin, end, subject = begin.lower(), end.lower(), subject.lower()
    return subject.startswith(begin) and subject.endswith(end)


def _wants_fields(chosen: Mapping[str, Any], event: Json) -> bool:
    return all(
        _OPERATORS[item["operatorType"]](_field(event, str(item["key"])), _values(item))
        for item in chosen.get("advancedFilters") or []
    )


def _values(item: Mapping[str, Any]) -> Sequence[Any]:
    if item.get("operatorType") in _SINGLE:
        return [item["value"]] if "value" in item else []
    return item.get("values") or []


def _field(event: Json, key: str) -> Any:
    """An event's field by a key such as `data.operationName`; names are compared without case."""
    value: Any = event
    for part in key.split("."):
        names = {name.lower(): name for name in value} if isinstance(value, dict) else {}
        if part.lower() not in names:
            return _ABSENT
        value = value[names[part.lower()]]
    return value
