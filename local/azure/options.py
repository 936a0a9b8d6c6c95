"""What a simulated Azure is started with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

REPOSITORY = Path(__file__).resolve().parents[2]

REGISTERED_AT_FIRST = (
    "Microsoft.Authorization",
    "Microsoft.Compute",
    "Microsoft.ContainerService",
    "Microsoft.EventGrid",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.Resources",
    "Microsoft.Storage",
)
"""Namespaces that every subscription starts registered for."""

BACKUP_NAMESPACES = ("Microsoft.DataProtection", "Microsoft.KubernetesConfiguration")
"""Namespaces that are registered as well, unless the start is to be unregistered."""


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """Settings of one simulated Azure; the command line of `python -m local.azure` has one option for each.

    Attributes:
        subscriptions: Ids of the tenant's subscriptions.
        tenant: Id of the tenant.
        time_scale: How many times faster than real time virtual time runs.
        standing: Virtual time moves only when it is stepped.
        seed: Together with resource ids it decides every duration and every generated id.
        caller: Whose `identity_header` is: the app's or an owner's.
        role_file: The custom role that the app's identity holds at every subscription.
        further_role_files: Custom roles that the app's identity holds at every subscription as well, without condition.
        condition_file: Azure's delegation condition on the app's assignment; a file that isn't there means none.
        registered: Namespaces registered at the start.
        extension_blocks_cluster: Whether an extension install makes other cluster writes fail with a conflict.
            No recording shows what Azure does; both can be tried.
        backup_delay: Longest time, in virtual seconds, that a scheduled backup starts after its scheduled moment; Azure
            takes up to two hours.
        graph_delay: Virtual seconds until Resource Graph sees a change.
        app_client_id: Client id of the app's identity.
    """

    subscriptions: tuple[str, ...] = ("00000000-0000-0000-0000-000000000000",)
    tenant: str = "00000014-0000-4000-8000-000000000014"
    time_scale: float = 1.0
    standing: bool = False
    seed: int = 1
    caller: Literal["app", "owner"] = "app"
    role_file: Path = REPOSITORY / "infra" / "role.json"
    further_role_files: tuple[Path, ...] = ()
    condition_file: Path = REPOSITORY / "infra" / "delegation-condition.txt"
    registered: tuple[str, ...] = REGISTERED_AT_FIRST + BACKUP_NAMESPACES
    extension_blocks_cluster: bool = False
    backup_delay: float = 13.0
    graph_delay: float = 0.0
    app_client_id: str = "5a9e0b5c-6f43-4c1e-9a57-1f0c6d1f4a01"
