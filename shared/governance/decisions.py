"""The lines of the decision log: who or what asked, what was decided and why, which requests belong to it.

One JSON object a line. A line may be there twice, after an answer of the storage that got lost: `id` is the same then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from msgspec import Struct, field
from msgspec.json import encode

from shared.arm.requests import Requested
from shared.notify.events import iso

_VERSION = 1
_LONGEST = 1000  # characters of a message, as Azure's own may go on for pages, and of a subject, as a URL names it


class Decision(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One decision.

    Attributes:
        at: Azure's time, ISO 8601.
        subject: what it is about: a cluster's id, or "fleet".
        asked: why it was looked at: the message's reason, a timer, an endpoint.
        by: who or what asked: an event's id, the name of whoever called, the pass before.
        decided: a state of the status row, or an endpoint's HTTP status.
        reason: in a word; `message` in a sentence.
        started: step -> why it was started.
        requests: what was asked of Azure beside looking.
    """

    v: int
    id: str
    at: str
    subject: str
    asked: str
    decided: str
    reason: str = ""
    message: str = ""
    by: str = ""
    policy: str = ""
    started: Mapping[str, str] = field(default_factory=dict)
    requests: Sequence[Requested] = ()


def line(at: float, subject: str, **fields: Any) -> str:
    """A decision as a line, without its end; messages and subjects are cut."""
    if "message" in fields:
        fields["message"] = str(fields["message"])[:_LONGEST]
    return encode(Decision(_VERSION, uuid4().hex, iso(at), subject[:_LONGEST], **fields)).decode()
