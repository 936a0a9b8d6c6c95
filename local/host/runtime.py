"""The one module that touches azure-functions-runtime, whose modules are internal and pinned for that reason.

Importing it loads the runtime and nothing else of weight: the benchmark of index time depends on that.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]
from azure_functions_runtime.native_invocation import invocation_request_native  # type: ignore[import-untyped]

from local.host.problems import IndexingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Datum", "IndexedFunction", "Outcome", "Request", "index", "invoke", "prepare_process"]

_PACKAGES: Final = ".python_packages/lib/site-packages"


class _BindingInfo(SimpleNamespace):
    """Stands in for the protobuf message; the values are those of azure.functions.BindingDirection."""

    undefined: Final = 0
    out: Final = 1
    inout: Final = 2


class _StatusResult(SimpleNamespace):
    Failure: Final = 0
    Success: Final = 1


# The runtime asks for protobuf classes and uses them as bags of keywords only.
_PROTOS: Final = SimpleNamespace(
    BindingInfo=_BindingInfo,
    StatusResult=_StatusResult,
    **dict.fromkeys(
        (
            "WorkerInitResponse",
            "FunctionMetadataResponse",
            "FunctionLoadResponse",
            "RpcFunctionMetadata",
            "WorkerMetadata",
            "RpcException",
            "RpcRetryOptions",
        ),
        SimpleNamespace,
    ),
)


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """What the runtime tells a host about a function; `bindings` have the names and spellings of function.json."""

    name: str
    function_id: str
    bindings: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One invocation: the trigger's value and what is known about it."""

    function_id: str
    parameter: str
    value: Datum = field(repr=False)
    metadata: Mapping[str, Datum] = field(default_factory=dict, repr=False)
    invocation_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended.

    Attributes:
        ok: it returned, and what it returned could be encoded.
        outputs: what it wrote, by the name of the binding; `$return` is the value that it returned.
        error: the exception's representation, empty when ok.
        trace: its whole traceback, empty when ok.
        cancelled: the host ended it before it was done.
    """

    ok: bool
    outputs: Mapping[str, Datum] = field(default_factory=dict, repr=False)
    error: str = ""
    trace: str = ""
    cancelled: bool = False


def prepare_process(app: Path) -> None:
    """Give the process the import path and the working directory that Azure's worker has."""
    sys.path[:0] = [str(app), *([str(app / _PACKAGES)] if (app / _PACKAGES).is_dir() else [])]
    os.chdir(app)
    runtime.start_threadpool_executor()


async def index(app: Path) -> list[IndexedFunction]:
    """Import the app and index its functions; once per process, because the runtime's registry is global.

    Raises:
        IndexingError: the app raised or the runtime refused it; the problem is the whole traceback.
    """
    init = SimpleNamespace(capabilities={}, function_app_directory=str(app))
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=init), properties={"host": "127.0.0.1", "protos": _PROTOS}
    )
    try:
        response = await runtime.worker_init_request(request)
    except SystemExit as error:
        raise IndexingError(f"{traceback.format_exc()}the app ended the process with status {error.code}") from error
    if response.result.status != _StatusResult.Success:
        raise IndexingError(response.result.exception.stack_trace.rstrip())
    metadata = await runtime.functions_metadata_request(request)
    if metadata.function_metadata_results is None:
        raise IndexingError(f"{app} has no function_app.py, or one without functions")
    return [
        IndexedFunction(found.name, found.function_id, tuple(json.loads(raw) for raw in found.raw_bindings))
        for found in metadata.function_metadata_results
    ]


async def invoke(request: Request) -> Outcome:
    """Run a function to its end; what it raises becomes a failed outcome."""
    try:
        ok, returned, written, error, trace = await invocation_request_native(
            request.invocation_id,
            request.function_id,
            [(request.parameter, request.value)],
            dict(request.metadata),
        )
    except SystemExit as stop:
        # Azure's worker would end and be started again; one function mustn't take the others with it here.
        return Outcome(ok=False, error=repr(stop), trace=traceback.format_exc())
    if not ok:
        return Outcome(ok=False, error=error, trace=trace.rstrip())
    outputs = dict(written)
    if returned is not None and returned.type is not None:
        outputs["$return"] = returned
    return Outcome(ok=True, outputs=outputs)
