"""Faults on demand: what goes wrong with which request."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping
from typing import Any, Literal

from local.azure.directory import Principal
from local.azure.errors import ArmError, Json

ACTIONS = ("fail", "delay", "drop", "throttle", "fail_late")

type FaultAction = Literal["fail", "delay", "drop", "throttle", "fail_late"]


@dataclasses.dataclass(slots=True)
class Fault:
    """One ordered fault.

    Attributes:
        number: Its id.
        method: HTTP method it waits for, or None for any.
        path: Pattern that is searched for in the path, without case.
        principal: Name or object id of the caller, or None for anyone.
        nth: The first matching request (from 1) that it strikes.
        times: How many it strikes from there on; None for all.
        action: What goes wrong.
        details: The action's own fields.
        matched: Matching requests so far.
    """

    number: int
    method: str | None
    path: re.Pattern[str]
    principal: str | None
    nth: int
    times: int | None
    action: FaultAction
    details: Json
    matched: int = 0

    def strikes(self, method: str, path: str, principal: Principal | None) -> bool:
        """Whether this request is to be struck; counts it."""
        who = {principal.name, principal.object_id} if principal else set()
        fits = (
            self.method in {None, method}
            and self.path.search(path) is not None
            and (self.principal is None or self.principal in who)
        )
        if not fits:
            return False
        self.matched += 1
        return self.matched >= self.nth and (self.times is None or self.matched < self.nth + self.times)

    def error(self) -> ArmError:
        """The answer or the operation's failure which was ordered."""
        if self.action == "throttle":
            seconds = float(self.details.get("retry_after", 5))
            message = "Too many requests. Please try again after sometime."
            return ArmError(429, "TooManyRequests", message, retry_after=seconds, content_type="application/json")
        status = int(self.details.get("status", 500))
        return ArmError(
            status,
            str(self.details.get("code", "InternalServerError")),
            str(self.details.get("message", "An ordered fault.")),
            "service" if status >= 500 else None,  # noqa: PLR2004  (the wire's rule for x-ms-failure-cause)
            headers={str(key): str(value) for key, value in dict(self.details.get("headers", {})).items()},
        )

    def listing(self) -> Json:
        """What the control endpoint shows."""
        return {
            "id": self.number,
            "match": {"method": self.method, "path": self.path.pattern, "principal": self.principal},
            "nth": self.nth,
            "times": self.times,
            "action": self.action,
            **self.details,
            "matched": self.matched,
        }


class Faults:
    """All ordered faults."""

    def __init__(self) -> None:
        self._all: list[Fault] = []
        self._numbers = itertools.count(1)

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Take an order as it comes over the control endpoint.

        Raises:
            ValueError: The order can't be understood.
        """
        rest = dict(order)
        match = rest.pop("match", {})
        action = rest.pop("action", None)
        if action not in ACTIONS or not isinstance(match, dict):
            message = f"a fault needs a match object and an action out of {', '.join(ACTIONS)}"
            raise ValueError(message)
        try:
            pattern = re.compile(str(match.get("path", "")), re.IGNORECASE)
        except re.error as error:
            message = f"match.path is no regular expression: {error}"
            raise ValueError(message) from error
        method = match.get("method")
        times = rest.pop("times", 1)
        fault = Fault(
            next(self._numbers),
            str(method).upper() if method else None,
            pattern,
            match.get("principal"),
            int(rest.pop("nth", 1)),
            None if times is None else int(times),
            action,
            rest,
        )
        self._all.append(fault)
        return fault

    def for_request(self, method: str, path: str, principal: Principal | None) -> list[Fault]:
        """The faults that strike this request, oldest first."""
        return [fault for fault in self._all if fault.strikes(method, path, principal)]

    def clear(self, number: int | None = None) -> None:
        """Withdraw one fault or all."""
        self._all = [fault for fault in self._all if number is not None and fault.number != number]

    def listing(self) -> list[Json]:
        """All faults."""
        return [fault.listing() for fault in self._all]
