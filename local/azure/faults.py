"""Faults on demand: what goes wrong with which request, and with which backup or restore job."""

from __future__ import annotations

import dataclasses
import itertools
import random
import re
from collections.abc import Mapping
from typing import Any, Literal

from local.azure.directory import Principal
from local.azure.errors import ArmError, Json
from local.azure.install_failures import CAUSES

ACTIONS = ("fail", "delay", "drop", "throttle", "fail_late", "fail_job")
JOB_STATUSES = ("Failed", "CompletedWithWarnings", "Cancelled", "Completed")

type FaultAction = Literal["fail", "delay", "drop", "throttle", "fail_late", "fail_job"]


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
        resource: Of `fail_job`: pattern that is searched for in the ids of a job's instance and its datasource.
        operation: Of `fail_job`: the job's operation category, or None for any.
        matched: Matching requests or jobs so far.
        struck: Jobs that it has struck.
    """

    number: int
    method: str | None
    path: re.Pattern[str]
    principal: str | None
    nth: int
    times: int | None
    action: FaultAction
    details: Json
    resource: re.Pattern[str] = re.compile("")
    operation: str | None = None
    matched: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str, principal: Principal | None) -> bool:
        """Whether this request is to be struck; counts it."""
        who = {principal.name, principal.object_id} if principal else set()
        fits = (
            self.action != "fail_job"
            and self.method in {None, method}
            and self.path.search(path) is not None
            and (self.principal is None or self.principal in who)
        )
        if not fits:
            return False
        self.matched += 1
        return self.matched >= self.nth and (self.times is None or self.matched < self.nth + self.times)

    def strikes_job(self, operation: str, *ids: str) -> bool:
        """Whether a job that starts now is to be struck; counts it.

        Args:
            operation: Its operation category, Backup or Restore.
            ids: The ids of its instance and its datasource.
        """
        fits = (
            self.action == "fail_job"
            and self.operation in {None, operation.lower()}
            and any(self.resource.search(one) for one in ids)
        )
        if not fits:
            return False
        self.matched += 1
        if self.matched < self.nth or (self.times is not None and self.struck >= self.times):
            return False
        seed = self.details.get("seed", 1)
        if random.Random(f"{seed}|{self.matched}").random() >= float(self.details.get("probability", 1.0)):
            return False
        self.struck += 1
        return True

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
        match: Json = {"method": self.method, "path": self.path.pattern, "principal": self.principal}
        counted = {"matched": self.matched}
        if self.action == "fail_job":
            match = {"resource": self.resource.pattern, "operation": self.operation}
            counted["struck"] = self.struck
        return {
            "id": self.number,
            "match": match,
            "nth": self.nth,
            "times": self.times,
            "action": self.action,
            **self.details,
            **counted,
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
        if action == "fail_job":
            _check_job_fault(rest)
        if "cause" in rest:
            rest = {**_told(rest["cause"]), **rest}
        method, operation = match.get("method"), match.get("operation")
        times = rest.pop("times", 1)
        fault = Fault(
            next(self._numbers),
            str(method).upper() if method else None,
            _pattern(match, "path"),
            match.get("principal"),
            int(rest.pop("nth", 1)),
            None if times is None else int(times),
            action,
            rest,
            _pattern(match, "resource"),
            str(operation).lower() if operation else None,
        )
        self._all.append(fault)
        return fault

    def for_request(self, method: str, path: str, principal: Principal | None) -> list[Fault]:
        """The faults that strike this request, oldest first."""
        return [fault for fault in self._all if fault.strikes(method, path, principal)]

    def for_job(self, operation: str, *ids: str) -> Fault | None:
        """The oldest fault that strikes a job which starts now; see `Fault.strikes_job`."""
        struck = [fault for fault in self._all if fault.strikes_job(operation, *ids)]
        return struck[0] if struck else None

    def clear(self, number: int | None = None) -> None:
        """Withdraw one fault or all."""
        self._all = [fault for fault in self._all if number is not None and fault.number != number]

    def listing(self) -> list[Json]:
        """All faults."""
        return [fault.listing() for fault in self._all]


def _told(cause: object) -> Json:
    """Code and message of a known cause."""
    if cause not in CAUSES:
        message = f"cause is one of {', '.join(CAUSES)}"
        raise ValueError(message)
    code, text = CAUSES[str(cause)]
    return {"code": code, "message": text}


def _pattern(match: Mapping[str, Any], name: str) -> re.Pattern[str]:
    try:
        return re.compile(str(match.get(name, "")), re.IGNORECASE)
    except re.error as error:
        message = f"match.{name} is no regular expression: {error}"
        raise ValueError(message) from error


def _check_job_fault(details: Mapping[str, Any]) -> None:
    status, share, seconds = (details.get(name) for name in ("status", "probability", "seconds"))
    if status not in {None, *JOB_STATUSES}:
        message = f"status of a job is one of {', '.join(JOB_STATUSES)}"
        raise ValueError(message)
    if share is not None and not 0 <= float(share) <= 1:
        message = "probability is a share between 0 and 1"
        raise ValueError(message)
    if seconds is not None and not float(seconds) > 0:
        message = "seconds is how long the job runs, above 0"
        raise ValueError(message)
