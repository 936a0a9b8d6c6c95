"""Skip tokens, and the answers whose pages they lead to."""

from __future__ import annotations

import base64
import binascii
import collections
import dataclasses
import datetime as dt
import hashlib
import hmac
import json
import secrets

from local.azure.resource_graph.kql import Kind, Row

_KEPT = 16
_LIFETIME = dt.timedelta(minutes=10)
_SIGNATURE = 16  # bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """All rows of an answer.

    Attributes:
        columns: With their types.
        rows: All of them.
        pageable: Whether Azure gives skip tokens for it.
        at: When the query was run.
    """

    columns: dict[str, Kind]
    rows: list[Row]
    pageable: bool
    at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins, and how many rows it has if the request doesn't say."""

    offset: int
    size: int


class Pages:
    """Signs and reads skip tokens, and keeps answers while their pages are read.

    In Azure the pages of a query come from an index that goes on changing. Here they are of one answer for ten minutes
    of virtual time, unless many other queries come in between.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._answers: collections.OrderedDict[str, Answer] = collections.OrderedDict()

    def keep(self, digest: str, answer: Answer) -> None:
        """Keep an answer for its next pages."""
        self._answers[digest] = answer
        self._answers.move_to_end(digest)
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)

    def find(self, digest: str, at: dt.datetime) -> Answer | None:
        """The answer that an earlier page came from, if it is still there."""
        answer = self._answers.get(digest)
        return answer if answer and at - answer.at <= _LIFETIME else None

    def token(self, digest: str, position: Position) -> str:
        """A skip token for a page of the answer to a request."""
        content = json.dumps({"offset": position.offset, "size": position.size, "of": digest}).encode()
        return base64.urlsafe_b64encode(self._sign(content) + content).decode()

    def position(self, digest: str, token: str) -> Position | None:
        """Where a token leads; None when it is no token, or one of another request."""
        try:
            whole = base64.urlsafe_b64decode(token.encode("ascii"))
        except (binascii.Error, UnicodeEncodeError):
            return None
        signature, content = whole[:_SIGNATURE], whole[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(content)):
            return None
        fields = json.loads(content)
        return Position(fields["offset"], fields["size"]) if fields["of"] == digest else None

    def _sign(self, content: bytes) -> bytes:
        return hmac.new(self._key, content, hashlib.sha256).digest()[:_SIGNATURE]
