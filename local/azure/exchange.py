"""One request to Azure Resource Manager, as a provider sees it, and its answer."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from local.azure import errors, paths, regions
from local.azure.directory import Principal
from local.azure.errors import JSON_UTF8, ArmError, Json
from local.azure.operations import Ending, Failing, Operation, nothing
from local.azure.store import Resource

if TYPE_CHECKING:
    from local.azure.cloud import Cloud
    from local.azure.routing import Route


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire; the path is decoded, header names are lower-case."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    content: bytes = b""


@dataclasses.dataclass(slots=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        body: What is sent as JSON; None for an empty answer, which has no content type either.
        headers: Further headers.
        retry_after: Virtual seconds until another look makes sense; on every answer that isn't final.
        content_type: Of the body.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    retry_after: float | None = None
    content_type: str = JSON_UTF8


@dataclasses.dataclass(frozen=True, slots=True)
class LateFailure:
    """A failure that was ordered for an operation.

    Attributes:
        error: How it fails.
        kind: Kind of the operation; None is the call's own.
    """

    error: ArmError
    kind: str | None = None


@dataclasses.dataclass(slots=True)
class Call:
    """A request that ARM has let through to a provider.

    Attributes:
        cloud: The simulated Azure.
        request: As it came.
        principal: Who calls.
        target: The path, taken apart.
        route: The entry of the provider's table that matched.
        arguments: Names out of the path by the names in the route's template.
        body: The JSON object that was sent, or an empty one.
        at: Virtual time of the call.
        operation: The operation that the call started.
        late: The failure that an operation of the call was ordered to end with.
        correlation_id: As in the answer's headers; the caller's own, if it sent one.
    """

    cloud: Cloud
    request: Request
    principal: Principal
    target: paths.Target
    route: Route
    arguments: dict[str, str]
    body: Json
    at: dt.datetime
    operation: Operation | None = None
    late: LateFailure | None = None
    correlation_id: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.correlation_id = self.request.headers.get("x-ms-correlation-request-id") or str(uuid.uuid4())

    @property
    def id(self) -> str:
        """The path as sent: the id of the resource that is addressed."""
        return self.target.path

    @property
    def version(self) -> str:
        """The api-version."""
        return self.parameter("api-version") or ""

    def parameter(self, name: str) -> str | None:
        """A query parameter; names are compared without case."""
        return next((value for key, value in self.request.query.items() if key.lower() == name.lower()), None)

    def stored(self, resource_id: str | None = None) -> Resource | None:
        """The addressed resource, or another one, if it exists."""
        return self.cloud.store.get(resource_id or self.id)

    def existing(self) -> Resource:
        """The addressed resource.

        Raises:
            ArmError: It doesn't exist; the gateway's ResourceNotFound.
        """
        resource = self.cloud.store.get(self.target.addressed())
        if resource is None:
            raise self.not_found()
        return resource

    def not_found(self) -> ArmError:
        """ResourceNotFound for what the call is about (errors.json)."""
        target = paths.parse(self.target.addressed())
        return errors.resource_not_found(f"{target.namespace}/{target.tail}", target.group or "")

    def region(self, full_type: str) -> regions.Region:
        """The region named in the body.

        Raises:
            ArmError: None is named, or it doesn't exist.
        """
        location = self.body.get("location")
        if not isinstance(location, str) or not location.strip():
            raise errors.location_required()
        region = regions.find(location)
        if region is None:
            raise errors.location_not_available(location, full_type, sorted(regions.REGIONS))
        return region

    def stay_in(self, existing: Resource | None, region: regions.Region) -> None:
        """Refuse to move a resource.

        Raises:
            ArmError: The resource exists in another region.
        """
        if existing and existing.location and regions.find(existing.location) != region:
            raise errors.other_location(existing.name, self.target.group or "", existing.location, region.name)

    def start(
        self,
        kind: str,
        resource_id: str,
        *,
        operation_id: str | None = None,
        succeed: Ending = nothing,
        fail: Failing = nothing,
        seconds: float | None = None,
    ) -> Operation:
        """Start the operation that this call is about; an ordered late failure strikes it.

        Args:
            kind: A key of `durations.DURATIONS`.
            resource_id: What the operation works on.
            operation_id: As it will stand in the URL; a GUID when left out.
            succeed: Called at the end; raises ArmError when the operation fails.
            fail: Called when it failed.
            seconds: Virtual duration, where it isn't the kind's own.
        """
        self.operation = self.cloud.operations.start(
            kind,
            resource_id,
            operation_id=operation_id or self.cloud.new_guid(),
            at=self.at,
            seconds=seconds,
            succeed=succeed,
            fail=fail,
            ordered_failure=self.late.error if self.late and self.late.kind in {None, kind} else None,
        )
        return self.operation

    def failure_of(self, kind: str) -> ArmError | None:
        """The failure that was ordered for an operation which this call starts beside its own, by the kind's name."""
        return self.late.error if self.late and self.late.kind == kind else None

    def url(self, path: str, version: str | None = None, **extra: str) -> str:
        """A URL for following an operation; signed, as Azure's are, so it must be followed as it is.

        The parameters t, c, s and h were dropped from the recordings; their values here are only of that form.
        """
        query = {**extra, "api-version": version or self.version}
        signature = hashlib.sha512(f"{path}|{self.at.isoformat()}".encode()).digest()
        signed = {
            "t": str(int(self.at.timestamp() * 10_000_000) + 621_355_968_000_000_000),
            "c": base64.urlsafe_b64encode(signature * 6).decode().rstrip("="),
            "s": base64.urlsafe_b64encode(signature * 4).decode().rstrip("="),
            "h": base64.urlsafe_b64encode(signature[:32]).decode().rstrip("="),
        }
        return f"{self.cloud.base_url}{quote(path, safe='/=')}?{urlencode({**query, **signed})}"
