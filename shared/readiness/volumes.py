"""What a cluster itself says of its volumes, by Azure's run-command: only where the operator switched it on.

The command's text is fixed, whoever asks. Its output comes from the cluster, where others can write names and fields:
it is untrusted, cut to what Azure keeps, read field by field, and nothing of it goes anywhere but into messages.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct, field

from shared.arm.answers import Json
from shared.arm.door import Door
from shared.arm.ids import ClusterId
from shared.errors import ArmError
from shared.onboarding.readings import CLUSTERS_API

COMMAND = "kubectl get pv -o json"
"""All that is ever run in a cluster."""

LARGEST = 512 * 1024
"""Bytes of output: Azure keeps no more ("Use command invoke"), so an output of this size may be cut."""

DISKS, SHARES = "disk.csi.azure.com", "file.csi.azure.com"

_PATIENCE = 60.0  # real seconds; the command takes seconds once its pod runs
_LOOK = 2.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_SOURCES = ("nfs", "hostPath", "local", "azureDisk", "azureFile")  # Kubernetes' own, each a field of the spec


@dataclass(frozen=True, slots=True)
class Volume:
    """A persistent volume that a claim is bound to. `kind` is a CSI driver or one of Kubernetes' own sources."""

    claim: str
    namespace: str
    kind: str


class _Claim(Struct):
    name: str = ""
    namespace: str = ""


class _Csi(Struct):
    driver: str = ""


class _Spec(Struct, rename="camel"):
    claim_ref: _Claim | None = None
    csi: _Csi | None = None
    nfs: Any = None
    host_path: Any = None
    local: Any = None
    azure_disk: Any = None
    azure_file: Any = None


class _Item(Struct):
    spec: _Spec = field(default_factory=_Spec)


class _List(Struct):
    items: list[_Item]


async def ask_volumes(door: Door, cluster: ClusterId) -> tuple[Volume, ...]:
    """Run the command, and wait for it.

    Raises:
        ArmError: Azure refused, the command failed or took too long, or its output can't be read.
    """
    body = {"command": COMMAND, "context": "", "clusterToken": ""}
    started = await door.post(f"{cluster}/runCommand", CLUSTERS_API, body)
    try:
        async with asyncio.timeout(_PATIENCE):
            return read_volumes(await _result(door, started.operation.url, started.operation.retry_after))
    except TimeoutError as error:
        raise ArmError(f"the command took over {_PATIENCE:.0f} s", code="RunCommandTimedOut") from error


async def _result(door: Door, url: str, pause: float | None) -> Json:
    while True:
        await asyncio.sleep(min(pause or _LOOK, _LOOK))
        state = await door.poll(url)
        if state.error:
            raise state.error
        if not state.running:
            properties: Json = state.body.get("properties") or {}
            return properties
        pause = state.retry_after


def read_volumes(result: Json) -> tuple[Volume, ...]:
    """Read the result of the command.

    Raises:
        ArmError: it failed, is too long, or isn't what the command prints.
    """
    if str(result.get("provisioningState", "")).casefold() != "succeeded" or result.get("exitCode") != 0:
        why = str(result.get("reason") or result.get("logs") or "")
        raise ArmError(f"the command failed: {_printable(why)}", code="RunCommandFailed")
    logs = str(result.get("logs") or "")
    if len(logs.encode()) >= LARGEST:
        raise ArmError("the list of volumes is longer than Azure keeps", code="OutputTooLarge")
    try:
        found = msgspec.json.decode(logs, type=_List)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise ArmError("the command's output isn't a list of volumes", code="OutputUnreadable") from error
    return tuple(volume for item in found.items if (volume := _volume(item.spec)))


def _volume(spec: _Spec) -> Volume | None:
    """One that a claim is bound to; names that Kubernetes wouldn't allow are no names."""
    claim = spec.claim_ref
    if claim is None or not (_NAME.fullmatch(claim.name) and _NAME.fullmatch(claim.namespace)):
        return None
    driver = spec.csi.driver if spec.csi else ""
    own = next((name for name in _SOURCES if getattr(spec, _FIELDS[name]) is not None), "unknown")
    return Volume(claim.name, claim.namespace, driver if _NAME.fullmatch(driver) else own)


_FIELDS = {
    "nfs": "nfs",
    "hostPath": "host_path",
    "local": "local",
    "azureDisk": "azure_disk",
    "azureFile": "azure_file",
}


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
