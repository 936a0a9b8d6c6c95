"""Problem details (RFC 9457): what an error answers with."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


class Problem(Exception):  # the standard's word for it
    """A request that can't be done; the status and a sentence that says why and what to do."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        self.status = status
        self.reason = reason
        self.detail = detail
        super().__init__(detail)

    def body(self) -> dict[str, Any]:
        """The JSON of `application/problem+json`."""
        title = HTTPStatus(self.status).phrase
        return {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "reason": self.reason,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: status, JSON body, headers."""

    status: int
    body: Any
    location: str | None = None
