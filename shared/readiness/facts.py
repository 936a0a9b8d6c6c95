"""Everything that one check has read, as frozen values. A fact is a value, or the error that kept it from being known.

A 404 is knowledge too: Azure says that something isn't there. Every other error leaves the fact unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.arm.ids import ClusterId, folded, same_id
from shared.backups.jobs import Job
from shared.catalog.model import Policy, VaultProfile
from shared.catalog.selection import Selection
from shared.errors import ArmError
from shared.fleet.records import Places
from shared.onboarding.cluster import Cluster
from shared.onboarding.desired import EXTENSION_TYPE
from shared.onboarding.readings import Extension, Grant, Instance, Vault
from shared.readiness.ask import Ask
from shared.readiness.restore_tests import Restoration
from shared.readiness.volumes import Volume

type Fact[T] = T | ArmError

PROTECTED = "ProtectionConfigured"
TAG = "aks-backup"
"""Name of the tag where no setting says otherwise."""

_NOT_READ = ArmError("it wasn't asked for", code="NotAsked")


@dataclass(frozen=True, slots=True)
class Stored:
    """A recovery point's copy in one store. Times are epoch seconds, 0 for not said."""

    store: str
    created: float
    expires: float
    state: str


@dataclass(frozen=True, slots=True)
class Point:
    """A recovery point; `id` is what a restore names it by, `time` epoch seconds, `policy` the ARM policy's name."""

    id: str
    time: float
    policy: str
    copies: tuple[Stored, ...]

    def copy_in(self, store: str) -> Stored | None:
        """Its copy in a store."""
        return next((copy for copy in self.copies if copy.store.casefold() == store.casefold()), None)


@dataclass(frozen=True, slots=True)
class Points:
    """The recovery points of the instance, newest first; `more` that Azure has older ones beyond its first page."""

    items: tuple[Point, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account as far as who may reach it.

    Attributes:
        keyless: access by key is off.
        crosses_tenants: cross-tenant replication is allowed.
        subnets: ids of the subnets that its rules let in.
        endpoints: ids of approved private endpoints.
    """

    id: str
    location: str
    state: str
    public: bool
    default_allow: bool
    bypass: str
    keyless: bool
    crosses_tenants: bool
    subnets: tuple[str, ...]
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """A management lock: CanNotDelete or ReadOnly."""

    id: str
    level: str
    notes: str

    def holds(self, scope: str) -> bool:
        """Whether it is on a scope or above it."""
        place = folded(self.id).partition("/providers/microsoft.authorization/locks/")[0]
        return f"{folded(scope)}/".startswith(f"{place}/")


@dataclass(frozen=True, slots=True)
class Binding:
    """A trusted access role binding."""

    id: str
    source: str
    roles: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of the node resource group.

    Attributes:
        size: GiB.
        claim: name of the volume claim that it was made for, "" for none.
        attached: a node uses it.
    """

    id: str
    sku: str
    size: int
    network: str
    public: bool
    claim: str
    namespace: str
    created: float
    attached: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot in the snapshot group, `source` the disk's id, `created` epoch seconds."""

    id: str
    source: str
    created: float


@dataclass(frozen=True, slots=True)
class Graph:
    """What Resource Graph says: jobs of the cluster, disks, young snapshots, tags that clusters may inherit.

    Attributes:
        tags: lower-cased id of a resource group or subscription -> its tags.
        locations: lower-cased id of a resource group -> its region.
        window: how far back snapshots were asked for, seconds.
    """

    jobs: tuple[Job, ...]
    disks: tuple[Disk, ...]
    snapshots: tuple[Snapshot, ...]
    tags: Mapping[str, Mapping[str, str]]
    locations: Mapping[str, str]
    window: float


@dataclass(frozen=True, slots=True)
class Side:
    """A cluster with what backup needs in it: the source, or the target of a restore."""

    id: ClusterId
    cluster: Fact[Cluster]
    extensions: Fact[Sequence[Extension]]
    bindings: Fact[Sequence[Binding]]
    grants: Fact[Sequence[Grant]]

    @property
    def extension(self) -> Fact[Extension | None]:
        """Its backup extension, under any name."""
        if isinstance(self.extensions, ArmError):
            return self.extensions
        return next((item for item in self.extensions if item.type == EXTENSION_TYPE), None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the tags ask for; `arm_policy` is the id of the backup policy that this cluster should have."""

    selection: Selection
    name: str
    policy: Policy | None
    profile: VaultProfile | None
    arm_policy: str
    tag: str = TAG


@dataclass(frozen=True, slots=True)
class Staging:
    """Where a restore from the vault stages: roles at group and account, and the account itself."""

    group_grants: Fact[Sequence[Grant]]
    account_grants: Fact[Sequence[Grant]]
    account: Fact[Account]


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it.

    Attributes:
        at: Azure's time, epoch seconds.
        places: where things are, as Azure says now.
        remembered: where they were when the app last saw the cluster protected.
        group_grants: role assignments at and above the snapshot group; so `account_grants` of the account.
        memberships: (subscription, principal id) -> all its role assignments there, those by way of groups included.
        locks: on the snapshot group and above.
        vault_locks: on the vault and above.
        since: when protection was first seen, epoch seconds; 0 for unknown.
        rpo: how old the newest point may get, seconds; None when nothing says.
        used: the catalog's policy that the instance has; None for one that isn't ours.
        past: real restores, newest first.
        volumes: what the cluster's own run-command told of its volumes; None when it wasn't asked.
        requests: how many were sent to Azure Resource Manager.
    """

    at: float
    ask: Ask
    places: Places
    source: Side
    instances: Fact[Sequence[Instance]]
    vault: Fact[Vault] = _NOT_READ
    points: Fact[Points] = _NOT_READ
    graph: Fact[Graph] = _NOT_READ
    group_grants: Fact[Sequence[Grant]] = _NOT_READ
    account_grants: Fact[Sequence[Grant]] = _NOT_READ
    memberships: Mapping[tuple[str, str], Fact[Sequence[Grant]]] = field(default_factory=dict)
    account: Fact[Account] = _NOT_READ
    container: Fact[bool] = _NOT_READ
    locks: Fact[Sequence[Lock]] = _NOT_READ
    vault_locks: Fact[Sequence[Lock]] = _NOT_READ
    target: Side | None = None
    staging: Staging | None = None
    wanted: Fact[Wanted] = _NOT_READ
    used: Policy | None = None
    used_name: str = ""
    since: float = 0.0
    rpo: float | None = None
    rto: float | None = None
    past: Sequence[Restoration] = ()
    volumes: Fact[Sequence[Volume]] | None = None
    remembered: Places | None = None
    requests: int = 0

    @property
    def instance(self) -> Fact[Instance | None]:
        """The backup instance that a restore would start from."""
        if isinstance(self.instances, ArmError):
            return self.instances
        return next((item for item in self.instances if same_id(item.id, self.places.instance)), None)

    @property
    def restored_to(self) -> Side:
        """Where a restore would go."""
        return self.target or self.source

    @property
    def point(self) -> Fact[Point | None]:
        """The recovery point that would be restored: the one asked for, or the newest of the tier."""
        if isinstance(self.points, ArmError):
            return self.points
        if self.ask.recovery_point:
            wanted = self.ask.recovery_point.casefold()
            return next((point for point in self.points.items if point.id.casefold() == wanted), None)
        return next((point for point in self.points.items if point.copy_in(self.ask.tier)), None)


def absent(fact: object) -> bool:
    """Whether Azure says that it isn't there."""
    return isinstance(fact, ArmError) and fact.status == 404  # noqa: PLR2004  # HTTP: not found


def choose(instances: Sequence[Instance], known: str) -> Instance | None:
    """The instance that protects the cluster: the one we know, unless only another one does."""
    ours = next((item for item in instances if same_id(item.id, known)), None)
    if ours is not None and ours.state == PROTECTED:
        return ours
    return next((item for item in instances if item.state == PROTECTED), ours or next(iter(instances), None))
