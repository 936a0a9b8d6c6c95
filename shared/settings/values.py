"""What the settings become: frozen values. Imports nothing heavy, since every cold start brings it in."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from shared.settings.windows import QuietWindow


class Mode(StrEnum):
    """What a cluster without the tag means."""

    OPT_IN = "opt-in"
    OPT_OUT = "opt-out"


class Acting(StrEnum):
    """Whether the app changes anything in Azure."""

    AUTO = "auto"
    OBSERVE = "observe"


class Cloud(NamedTuple):
    """The addresses of one of Azure's clouds. Source: `az cloud list`."""

    arm: str
    storage_suffix: str


CLOUDS = {
    "public": Cloud("https://management.azure.com", "core.windows.net"),
    "china": Cloud("https://management.chinacloudapi.cn", "core.chinacloudapi.cn"),
    "usgov": Cloud("https://management.usgovcloudapi.net", "core.usgovcloudapi.net"),
}


class Act(NamedTuple):
    """What holds for the deployment, and what for single subscriptions (lower-case ids)."""

    default: Acting
    by_subscription: Mapping[str, Acting]

    def of(self, subscription: str) -> Acting:
        """What holds for the clusters of a subscription."""
        return self.by_subscription.get(subscription.lower(), self.default)


class Isolation(StrEnum):
    """How far the backups of two clusters are kept apart."""

    CLUSTER = "cluster"
    REGION = "region"


class Inherit(StrEnum):
    """Whose tag serves a cluster that has none itself."""

    NONE = "none"
    GROUP = "group"
    SUBSCRIPTION = "subscription"


class Auth(StrEnum):
    """What the HTTP functions take from their callers."""

    KEYS = "keys"
    """Keys of the Functions host: a function key reads, the master key changes."""

    ENTRA = "entra"
    """Entra ID by App Service Authentication: the app roles Autopilot.Read and Autopilot.Operate."""


class VaultTierFallback(StrEnum):
    """What becomes of a policy with a vault tier in a region that has none."""

    BLOCK = "block"
    OPERATIONAL = "operational"


class StorageNetwork(StrEnum):
    """From where clusters' storage accounts are reached."""

    OPEN = "open"
    DENY = "deny"


class StorageConnection(NamedTuple):
    """How to reach the queues and tables: a connection string, or service addresses and the managed identity."""

    connection_string: str | None
    queue_endpoint: str | None
    table_endpoint: str | None
    blob_endpoint: str | None
    client_id: str | None


class Settings(NamedTuple):
    """The deployment's settings. A named tuple: a data class would take five times as long at every cold start."""

    subscriptions: frozenset[str]
    """Lower-case ids of single subscriptions whose clusters may be touched; `Scope` has all that are allowed."""

    management_groups: tuple[str, ...]
    """Names of the management groups whose subscriptions are allowed too, with all groups below them."""

    catalog: Path
    """The backup policy catalog."""

    tag: str
    """Name of the tag that selects a cluster's policy; names of tags have no case in Azure."""

    mode: Mode
    act: Act
    """Whether passes write to Azure or only say what they would do."""

    paused: bool
    """No writes to Azure anywhere, whatever the switch in the app's own table says."""

    max_onboardings: int | None
    """Onboardings that may begin in any hour of Azure's time; None: as many as come."""

    max_rollovers: int | None
    """The same for protected clusters that move to another backup policy."""

    quiet_windows: tuple[QuietWindow, ...]
    """When nothing is installed in clusters, and neither onboardings nor rollovers begin."""

    prices: Path | None
    """Price file for the cost of plans; None: they show quantities only."""

    decision_log: str | None
    """Blob container of the decision log; None: there is none."""

    storage_network: StorageNetwork
    """Whether the accounts that the app makes are closed to all networks but named ones."""

    storage_subnets: Mapping[str, tuple[str, ...]]
    """Region -> subnets with a service endpoint for storage, from which its accounts are reached."""

    private_subnets: Mapping[str, tuple[str, ...]]
    """Region -> the subnet in which its accounts get a private endpoint."""

    resource_guards: Mapping[str, tuple[str, ...]]
    """Vault profile, region or `*` -> ids of a Resource Guard's requests, sent with what the guard may protect."""

    vault_tier_fallback: VaultTierFallback
    """Whether such clusters are backed up without their vault tier, or not at all."""

    extension_limits: Mapping[str, str]
    """Limits of the backup extension's pods: `cpu` and `memory`, as Kubernetes writes them."""

    owner_tag: str
    """Name of the cluster's tag whose value events carry as its owner."""

    inherit: Inherit
    """Where the tag of an untagged cluster is looked for: nowhere, in its resource group, then in its subscription."""

    default_policy: str | None
    """Policy of an untagged cluster in mode opt-out; None in mode opt-in."""

    isolation: Isolation
    auth: Auth
    deployment_id: str
    """Salt of the computed names and part of the ownership tag: two deployments never share a resource."""

    arm_endpoint: str
    """Azure Resource Manager's address without a trailing slash; the only host that ever gets a token of ours."""

    arm_audience: str
    storage_suffix: str
    """End of the host names of storage accounts, such as core.windows.net."""

    wait_scale: float
    """Factor on the app's own waits, not on Azure's Retry-After. 1 in Azure, less where time runs faster."""

    client_id: str | None
    """Client id of the user-assigned identity; None means the system-assigned one."""

    grace_days: int
    """Days between the loss of a tag and what the policy's `onRemoval` says."""

    release_per_hour: int
    """How many clusters may lose their protection within an hour, however large the fleet is."""

    release_percent: int
    """How many of a hundred may; one always may."""

    resume_stopped: bool
    """Whether protection that a person suspended or stopped is resumed; otherwise it is only reported."""

    run_command: bool
    """Whether restore readiness may list a cluster's volumes by a command that runs in it, when it is asked to."""

    rollout_seconds: float
    """Seconds of Azure's time between two clusters when a changed catalog moves many of them."""

    deep_check_share: int
    """In how many nights Azure is asked to validate a restore of each cluster once; 0 for never."""

    topic_endpoint: str | None
    """Event Grid topic that facts are published to; None: they are only logged."""

    topic_key: str | None
    """Access key of the topic; None: the managed identity is used."""

    storage: StorageConnection
