"""The actual state of all clusters, from a few Resource Graph queries.

The graph is eventually consistent and doesn't hold everything (no trusted access bindings, no containers; extensions
are recorded for no cluster): what it shows is a reason to look, what it doesn't show proves nothing. Pages are reduced
to what decides something as they come, so that the memory for a large fleet stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

from shared import logs
from shared.arm.door import Door
from shared.arm.graph import Row, quoted, readable_pages
from shared.arm.ids import ClusterId, folded
from shared.catalog.selection import tag_value
from shared.errors import InvalidResourceId
from shared.onboarding.desired import EXTENSION_TYPE
from shared.onboarding.optout import without_expired
from shared.onboarding.steps.roles import ROLES
from shared.settings import Inherit, Settings

_CONTAINERS = """ResourceContainers
| where type =~ 'microsoft.resources/subscriptions'MORE
| project id, tags
| order by id asc"""
_TAGGED_GROUPS = " or (type =~ 'microsoft.resources/subscriptions/resourcegroups' and tostring(tags) contains TAG)"

_CLUSTERS = """Resources
| where type =~ 'microsoft.containerservice/managedclusters'
| project id, location, tags, identity, state = tostring(properties.provisioningState),
  power = tostring(properties.powerState.code), uid = tostring(properties.resourceUID)
| order by id asc"""

_VAULTS = """Resources
| where type =~ 'microsoft.dataprotection/backupvaults'
| project id, principal = tostring(identity.principalId)
| order by id asc"""

_INSTANCES = """RecoveryServicesResources
| where type =~ 'microsoft.dataprotection/backupvaults/backupinstances'
| where properties.dataSourceInfo.datasourceType =~ 'Microsoft.ContainerService/managedClusters'
| project id, cluster = tostring(properties.dataSourceInfo.resourceID),
  state = tostring(properties.currentProtectionState), policy = tostring(properties.policyInfo.policyId)
| order by id asc"""

# samples of the documentation spell the properties with a capital letter, ARM with a small one: either will do
_EXTENSIONS = f"""KubernetesConfigurationResources
| where type =~ 'microsoft.kubernetesconfiguration/extensions'
| where strcat(tostring(properties.extensionType), tostring(properties.ExtensionType)) =~ {quoted(EXTENSION_TYPE)}
| project id, state = strcat(tostring(properties.provisioningState), tostring(properties.ProvisioningState)),
  principal = strcat(tostring(properties.aksAssignedIdentity.principalId),
  tostring(properties.AksAssignedIdentity.principalId))
| order by id asc"""

# one row for a cluster and one for a resource group with everything in it, not one for an assignment; the column is
# named id since without one of that name an answer has no further pages
_GRANTS = f"""AuthorizationResources
| where type =~ 'microsoft.authorization/roleassignments'
| where properties.principalType =~ 'ServicePrincipal'
| extend role = tolower(extract('[^/]+$', 0, tostring(properties.roleDefinitionId))),
  at = tolower(tostring(properties.scope))
| where role in ({", ".join(sorted({quoted(role.id) for role in ROLES}))})
| extend place = iff(at contains '/managedclusters/', at,
  extract('^(/subscriptions/[^/]+(/resourcegroups/[^/]+)?)?', 0, at))
| summarize grants = make_set(strcat(tostring(properties.principalId), ' ', role)) by id = place
| order by id asc"""

_WITH_VAULTS = frozenset({"containers", "vaults", "instances"})
"""Parts of which something may stand in a central subscription."""

_EXTENSION_MARK = "/providers/microsoft.kubernetesconfiguration/"


@dataclass(frozen=True, slots=True)
class SeenInstance:
    """A backup instance, as the graph shows it."""

    state: str
    policy: str


@dataclass(frozen=True, slots=True)
class SeenExtension:
    """A backup extension, as the graph shows it; `principal` is "" while it shows none."""

    state: str
    principal: str


@dataclass(slots=True)
class Seen:
    """A cluster, as the graph shows it.

    `tags` holds the one that selects its policy, be it inherited; `uid` tells it from an earlier one of the same id.
    """

    id: ClusterId
    location: str
    tags: Mapping[str, str]
    principal: str
    uid: str
    state: str
    power: str
    instances: dict[str, SeenInstance] = field(default_factory=dict)
    extension: SeenExtension | None = None


@dataclass(slots=True)
class Inventory:
    """What the graph shows of the fleet. Keys are lower-cased ids.

    Attributes:
        clusters: all of them.
        vaults: principal ids of the vaults' identities.
        grants: scope -> principal id and role id of each role assignment at it or, for a resource group, in it; "" is
            everything above subscriptions.
        extensions: subscriptions in which the graph shows any backup extension at all.
        partial: what couldn't be read to its end, so that nothing may be concluded from what is missing in it.
        unread: subscription -> why its clusters couldn't be read.
    """

    clusters: dict[str, Seen] = field(default_factory=dict)
    vaults: dict[str, str] = field(default_factory=dict)
    grants: dict[str, frozenset[str]] = field(default_factory=dict)
    extensions: set[str] = field(default_factory=set)
    partial: dict[str, set[str]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def knows(self, part: str, subscription: str) -> bool:
        """Whether a part of the answer is whole for a subscription."""
        return subscription not in self.partial.get(part, ()) and subscription not in self.unread


class Reader:
    """Reads an inventory, one query after the other: 15 are allowed in 5 seconds."""

    def __init__(
        self, door: Door, settings: Settings, subscriptions: frozenset[str], central: frozenset[str] = frozenset()
    ) -> None:
        """Prepare to read.

        Args:
            door: to Azure.
            settings: name of the tag, and whose tag serves.
            subscriptions: whose clusters are wanted.
            central: further subscriptions in which their vaults may be.
        """
        self._door = door
        self._settings = settings
        self._subscriptions = subscriptions
        self._central = central - subscriptions
        self._inherited: dict[str, str] = {}
        self._found = Inventory()

    async def read(self, only: Container[str] | None = None) -> Inventory:
        """Everything that the graph shows, or only some parts; what it refuses is in the answer and in the log."""
        await self._containers()
        for part, kql, take in (
            ("clusters", _CLUSTERS, self._cluster),
            ("vaults", _VAULTS, self._vault),
            ("instances", _INSTANCES, self._instance),
            ("extensions", _EXTENSIONS, self._extension),
            ("grants", _GRANTS, self._grant),
        ):
            if only is None or part in only:
                await self._rows(part, kql, take)
        return self._found

    async def _rows(self, part: str, kql: str, take: Callable[[Row], None]) -> None:
        unread: dict[str, str] = {}
        everywhere = self._subscriptions | self._central if part in _WITH_VAULTS else self._subscriptions
        wanted = everywhere - self._found.unread.keys()
        if wanted:
            async for page in readable_pages(self._door, wanted, kql, unread):
                for row in page:
                    take(row)
        if unread:
            self._found.partial[part] = set(unread)
            logs.warning(
                "graph_not_read", part=part, subscriptions=",".join(sorted(unread)), codes=set(unread.values())
            )
        if part == "clusters":
            self._found.unread.update(unread)

    async def _containers(self) -> None:
        """Which subscriptions can be read at all, and the tags that their clusters may inherit.

        A subscription that this identity may no longer read is left out of every answer without a word.
        """
        readable: set[str] = set()

        def take(row: Row) -> None:
            key = folded(str(row["id"]))
            if key.count("/") == 2:  # noqa: PLR2004  # /subscriptions/{id}
                readable.add(key.rpartition("/")[2])
            value = tag_value(row["tags"], self._settings.tag)
            if value is not None:
                self._inherited[key] = value

        groups = "" if self._settings.inherit is Inherit.NONE else _TAGGED_GROUPS
        kql = _CONTAINERS.replace("MORE", groups.replace("TAG", quoted(self._settings.tag)))
        await self._rows("containers", kql, take)
        refused = self._found.partial.get("containers", set())
        for subscription in (self._subscriptions | self._central) - readable:
            self._found.unread[subscription] = "NotReadable" if subscription not in refused else "Refused"

    def _cluster(self, row: Row) -> None:
        try:
            cluster = ClusterId.parse(str(row["id"]))
        except InvalidResourceId as error:
            logs.warning("not_a_cluster", reason=error)
            return
        identity = row["identity"] or {}
        assigned = (identity.get("userAssignedIdentities") or {}).values()
        principals = [identity.get("principalId"), *(item.get("principalId") for item in assigned)]
        now = self._door.clock.now().timestamp()
        own = tag_value(without_expired(row["tags"] or {}, self._settings.tag, now), self._settings.tag)
        value = self._inherited_by(cluster) if own is None else own
        self._found.clusters[folded(str(cluster))] = Seen(
            id=cluster,
            location=str(row["location"]).replace(" ", "").casefold(),
            tags={} if value is None else {self._settings.tag: value},
            principal=next((str(item) for item in principals if item), ""),
            uid=str(row["uid"]),
            state=str(row["state"]),
            power=str(row["power"]),
        )

    def _inherited_by(self, cluster: ClusterId) -> str | None:
        group = f"/subscriptions/{cluster.subscription}/resourcegroups/{folded(cluster.group)}"
        value = None if self._settings.inherit is Inherit.NONE else self._inherited.get(group)
        if value is None and self._settings.inherit is Inherit.SUBSCRIPTION:
            value = self._inherited.get(f"/subscriptions/{cluster.subscription}")
        return value

    def _vault(self, row: Row) -> None:
        self._found.vaults[folded(str(row["id"]))] = str(row["principal"])

    def _instance(self, row: Row) -> None:
        seen = self._found.clusters.get(folded(str(row["cluster"])))
        if seen is not None:
            seen.instances[folded(str(row["id"]))] = SeenInstance(str(row["state"]), str(row["policy"]))

    def _extension(self, row: Row) -> None:
        seen = self._found.clusters.get(folded(str(row["id"])).partition(_EXTENSION_MARK)[0])
        if seen is not None:
            seen.extension = SeenExtension(str(row["state"]), str(row["principal"]))
            self._found.extensions.add(seen.id.subscription)

    def _grant(self, row: Row) -> None:
        self._found.grants[str(row["id"])] = frozenset(map(folded, row["grants"]))
