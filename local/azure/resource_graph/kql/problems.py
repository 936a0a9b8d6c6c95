"""What is wrong with a query, as Resource Graph says it."""

from __future__ import annotations

import dataclasses
from typing import Any

EXPECTED = "Ǐ"
"""What Azure sends as `expectedToken`: a token's number, printed as a character (resource_graph_query_error.json)."""


@dataclasses.dataclass(slots=True)
class QueryError(Exception):
    """A query that can't be read, or names what isn't there.

    Attributes:
        token: What it is about; `<EOF>` at the query's end.
        line: From 1.
        column: Characters before it in its line.
        message: Why, in words that Azure doesn't send for what its parser refuses.
        code: ParserFailure, or what else Azure calls it.
    """

    token: str
    line: int = 1
    column: int = 0
    message: str = ""
    code: str = "ParserFailure"

    def __str__(self) -> str:
        return f"{self.message or self.code} at {self.line}:{self.column}: {self.token}"

    def detail(self) -> dict[str, Any]:
        """The entry of the error's `details`.

        The recorded one has only the code as its message. Which words Azure has for unknown names and types isn't
        recorded; here they are in the message, so that a mistake can be found.
        """
        position = {"line": self.line, "characterPositionInLine": self.column, "token": self.token}
        return {"code": self.code, "message": self.message or self.code, **position, "expectedToken": EXPECTED}
