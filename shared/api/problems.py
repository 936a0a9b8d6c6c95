"""Problem details (RFC 9457): what an error answers with."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import Struct


class ProblemView(Struct, frozen=True):
    """Why a request can't be done.

    Attributes:
        type: always about:blank, so `title` is the status in words.
        reason: a word for programs.
        detail: a sentence for people: what is wrong, and what to do.
    """

    type: str
    title: str
    status: int
    reason: str
    detail: str


class Problem(Exception):  # the standard's word for it
    """A request that can't be done.

    Attributes:
        status: HTTP status, 4xx or 5xx.
        reason: a word for programs, PascalCase.
        detail: a sentence that says why and what to do.
        headers: what the status wants besides, such as Retry-After.
    """

    def __init__(self, status: int, reason: str, detail: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers or {}
        super().__init__(detail)

    def view(self) -> ProblemView:
        """The JSON of `application/problem+json`."""
        return ProblemView("about:blank", HTTPStatus(self.status).phrase, self.status, self.reason, self.detail)
