"""Reads what is common to Azure's answers: errors in their several shapes, headers of long-running operations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import ArmError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """A long-running operation that was started: where to ask, and how long Azure wants to be left alone.

    Attributes:
        url: what to poll, or "" when the answer named nothing.
        retry_after: real seconds, or None.
    """

    url: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class OperationState:
    """What one look at an operation showed. `body` is the last answer's; `error` is set when it failed."""

    running: bool
    retry_after: float | None
    body: Json
    error: ArmError | None = None


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Real seconds of the Retry-After header, or None; Azure sends seconds, never a date."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def operation_of(headers: Mapping[str, str]) -> Operation:
    """Where to poll what this answer started: Azure-AsyncOperation first, since extensions give a foreign Location."""
    url = headers.get("Azure-AsyncOperation") or headers.get("Location") or ""
    return Operation(url, retry_after_of(headers))


def read_json(text: str) -> Json:
    """The JSON object of a body; {} for anything else (gateways answer with HTML and plain text)."""
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _innermost(error: Json) -> Json:
    """The error that says most: a code nested in details or, as deployments have it, in a message of JSON."""
    nested = read_json(str(error.get("message", ""))).get("error")
    if isinstance(nested, dict) and nested.get("code"):
        return _innermost(nested)
    details = error.get("details")
    first = details[0] if isinstance(details, list) and details else None
    if isinstance(first, dict) and first.get("code") and first["code"] != "Unspecified":
        return _innermost(first)
    return error


def _advice(error: Json) -> str:
    """What Data Protection recommends: the user-facing part of its errors often says more than the message."""
    for item in error.get("additionalInfo") or ():
        info = item.get("info") if isinstance(item, dict) else None
        actions = info.get("recommendedAction") if isinstance(info, dict) else None
        if isinstance(actions, list):
            return " ".join(str(action) for action in actions)[:500]
    return ""


def error_of(status: int, headers: Mapping[str, str], text: str) -> ArmError:
    """Build the exception for a refused request or a failed operation.

    Three shapes: `{"error": {...}}`, the same fields at top level (trusted access bindings), and no JSON at all.
    """
    body = read_json(text)
    wrapped = body.get("error")
    outer = wrapped if isinstance(wrapped, dict) else body
    error = _innermost(outer)
    advice = _advice(outer)
    message = str(error.get("message") or text[:300] or "no message")
    return ArmError(
        f"{message} {advice}" if advice and advice not in message else message,
        status=status,
        code=str(error.get("code") or ""),
        retry_after=retry_after_of(headers),
        target=str(error.get("target") or ""),
    )


_ENDED_WELL = frozenset({"succeeded"})
_ENDED_BADLY = frozenset({"failed", "canceled", "cancelled"})


def operation_state(status: int, headers: Mapping[str, str], text: str) -> OperationState:
    """Read one poll of an operation; works for status URLs (a `status` field) and Location URLs (202 while running).

    Every other value of `status` means that it runs: Azure spells it Inprogress, InProgress and Creating.
    """
    body = read_json(text)
    state = str(body.get("status", "")).casefold()
    retry_after = retry_after_of(headers)
    if status == 202 or (state and state not in _ENDED_WELL | _ENDED_BADLY):  # noqa: PLR2004  # HTTP: accepted
        return OperationState(running=True, retry_after=retry_after, body=body)
    error = error_of(200, headers, text) if state in _ENDED_BADLY else None
    return OperationState(running=False, retry_after=None, body=body, error=error)
