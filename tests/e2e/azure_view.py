"""What Azure has, asked as the owner of the subscriptions, and what the simulation knows beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.stack import Owner

CLUSTERS_API: Final = "2024-09-01"
GROUPS_API: Final = "2024-11-01"
STORAGE_API: Final = "2024-01-01"
EXTENSIONS_API: Final = "2023-05-01"
BACKUP_API: Final = "2025-07-01"
ROLES_API: Final = "2022-04-01"


class AzureView:
    """The simulated Azure, seen by its owner; `app` is the object id of the app's identity."""

    def __init__(self, owner: Owner, app: str) -> None:
        self.owner = owner
        self._app = app

    async def seed(self, resource_id: str, body: Mapping[str, Any]) -> None:
        """Put any resource as it stands."""
        await self.owner.control("PUT", "/resources", {"id": resource_id, "body": body})

    async def get(self, path: str, api_version: str) -> Any:
        """A resource, as its owner sees it; it has to be there."""
        status, body = await self.owner.arm("GET", path, api_version)
        assert status == 200, f"GET {path}: {status} {body}"
        return body

    async def exists(self, path: str, api_version: str) -> bool:
        """Whether there is a resource."""
        status, _ = await self.owner.arm("GET", path, api_version)
        return status == 200

    async def instances(self, cluster: str) -> list[dict[str, Any]]:
        """The backup instances of a cluster, in any vault."""
        path = f"{cluster}/providers/Microsoft.DataProtection/backupInstances"
        found: list[dict[str, Any]] = (await self.get(path, BACKUP_API))["value"]
        return found

    async def extensions(self, cluster: str) -> list[dict[str, Any]]:
        """The extensions of a cluster."""
        path = f"{cluster}/providers/Microsoft.KubernetesConfiguration/extensions"
        found: list[dict[str, Any]] = (await self.get(path, EXTENSIONS_API))["value"]
        return found

    async def resources(self, kind: str, scope: str = "") -> list[dict[str, Any]]:
        """Resources of a type at or below a scope, whoever made them: `{id, type, body}`."""
        scope = f"&scope={scope}" if scope else ""
        found: list[dict[str, Any]] = await self.owner.control("GET", f"/resources?type={kind}{scope}")
        return found

    async def operations(self, within: str, kind: str | None = None) -> list[dict[str, Any]]:
        """Long-running operations on resources whose id contains a text."""
        found = await self.owner.control("GET", "/operations")
        return [
            item for item in found if within.casefold() in item["resource"].casefold() and kind in (None, item["kind"])
        ]

    async def requests(self, *within: str, since: int = 0) -> list[dict[str, Any]]:
        """Requests of the app after number `since` whose path contains one of the texts."""
        found = await self.owner.control("GET", f"/requests?principal={self._app}&since={since}")
        texts = [text.casefold() for text in within]
        return [item for item in found if not texts or any(text in item["path"].casefold() for text in texts)]

    async def last_request(self) -> int:
        """Number of the newest request of anybody."""
        found = await self.owner.control("GET", "/requests")
        return int(found[-1]["seq"]) if found else 0

    async def fault(self, path: str, action: str = "fail", **details: Any) -> None:
        """Order a fault for requests of the app whose path matches."""
        match = {"path": path, "principal": self._app}
        if "method" in details:
            match["method"] = details.pop("method")
        await self.owner.control("POST", "/faults", {"match": match, "action": action, **details})

    async def untouched(self, cluster: str) -> None:
        """Nothing was made for a cluster: no extension, no instance, no group, and no write was tried."""
        name = cluster.rsplit("/", 1)[-1]
        assert await self.resources("Microsoft.KubernetesConfiguration/extensions", cluster) == []
        for kind in ("Microsoft.DataProtection/backupVaults/backupInstances", "Microsoft.Resources/resourceGroups"):
            assert [
                item["id"] for item in await self.resources(kind) if f"{name}-" in item["id"].rsplit("/", 1)[-1]
            ] == []
        assert [item for item in await self.requests(f"/{name}/", f"-{name}-") if item["kind"] == "write"] == []
