"""All settings of the app's own, one line each: field of `Settings`, name, default, parser.

A default of None means that the setting is required; defaults are texts, and go through the parser as well.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from shared.settings import parsers as p
from shared.settings.values import CLOUDS, Auth, Inherit, Isolation, Mode, StorageNetwork, VaultTierFallback
from shared.settings.windows import quiet_windows


class Setting(NamedTuple):
    """One setting."""

    field: str
    name: str
    default: str | None
    parse: Callable[[str], Any]


_HOST = p.matching(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "the end of a host name, such as core.windows.net")
# "Use tags to organize your Azure resources": characters of a tag name
_TAG_NAME = p.matching(r"[^<>%&\\?/]{1,512}", "1 to 512 characters, none of < > % & \\ ? /")
_DEPLOYMENT_ID = p.matching(r"[a-z0-9]{1,12}", "1 to 12 lower-case letters and digits")
_FALLBACK = p.one_of(VaultTierFallback)
_CPU = p.matching(r"[1-9]\d{0,4}m|[1-9]\d{0,2}(\.\d)?", "processors or thousandths of one, such as 1 or 500m")
_MEMORY = p.matching(r"[1-9]\d{0,5}(Mi|Gi)", "an amount of memory, such as 512Mi or 2Gi")
_CAP = p.number(1, 500)

CATALOG = Setting("catalog", "AUTOPILOT_CATALOG", "backup-policies.yaml", p.file)

TABLE: tuple[Setting, ...] = (
    Setting("subscriptions", "AUTOPILOT_SUBSCRIPTIONS", "", p.subscriptions),
    Setting("management_groups", "AUTOPILOT_MANAGEMENT_GROUPS", "", p.management_groups),
    CATALOG,
    Setting("tag", "AUTOPILOT_TAG", "aks-backup", _TAG_NAME),
    Setting("mode", "AUTOPILOT_MODE", Mode.OPT_IN, p.one_of(Mode)),
    Setting("act", "AUTOPILOT_ACT", "auto", p.act),
    Setting("paused", "AUTOPILOT_PAUSED", "off", p.switch),
    Setting("max_onboardings", "AUTOPILOT_MAX_ONBOARDINGS_PER_HOUR", "", p.optional(_CAP)),
    Setting("max_rollovers", "AUTOPILOT_MAX_ROLLOVERS_PER_HOUR", "", p.optional(_CAP)),
    Setting("quiet_windows", "AUTOPILOT_QUIET_WINDOWS", "", quiet_windows),
    Setting("prices", "AUTOPILOT_PRICES", "", p.optional(p.file)),
    Setting("decision_log", "AUTOPILOT_DECISION_LOG", "decisions", p.container_or_off),
    Setting("vault_tier_fallback", "AUTOPILOT_VAULT_TIER_FALLBACK", VaultTierFallback.BLOCK, _FALLBACK),
    Setting("extension_cpu", "AUTOPILOT_EXTENSION_CPU", "", p.optional(_CPU)),
    Setting("extension_memory", "AUTOPILOT_EXTENSION_MEMORY", "", p.optional(_MEMORY)),
    Setting("storage_network", "AUTOPILOT_STORAGE_NETWORK", StorageNetwork.OPEN, p.one_of(StorageNetwork)),
    Setting("storage_subnets", "AUTOPILOT_STORAGE_SUBNETS", "", p.by_place(p.SUBNET, "a subnet")),
    Setting("private_subnets", "AUTOPILOT_PRIVATE_SUBNETS", "", p.by_place(p.SUBNET, "a subnet")),
    Setting("resource_guards", "AUTOPILOT_RESOURCE_GUARDS", "", p.by_place(p.GUARD_REQUEST, "a guard's request")),
    Setting("owner_tag", "AUTOPILOT_OWNER_TAG", "owner", _TAG_NAME),
    Setting("inherit", "AUTOPILOT_INHERIT", Inherit.NONE, p.one_of(Inherit)),
    Setting("default_policy", "AUTOPILOT_DEFAULT_POLICY", "", p.optional(p.plain)),
    Setting("isolation", "AUTOPILOT_ISOLATION", Isolation.CLUSTER, p.one_of(Isolation)),
    Setting("auth", "AUTOPILOT_AUTH", Auth.KEYS, p.one_of(Auth)),
    Setting("deployment_id", "AUTOPILOT_DEPLOYMENT_ID", "default", _DEPLOYMENT_ID),
    Setting("cloud", "AUTOPILOT_CLOUD", "public", p.word(*CLOUDS)),
    Setting("arm_endpoint", "AUTOPILOT_ARM_ENDPOINT", "", p.optional(p.https)),
    Setting("arm_audience", "AUTOPILOT_ARM_AUDIENCE", "", p.optional(p.https)),
    Setting("storage_suffix", "AUTOPILOT_STORAGE_SUFFIX", "", p.optional(_HOST)),
    Setting("wait_scale", "AUTOPILOT_WAIT_SCALE", "1", p.scale),
    Setting("grace_days", "AUTOPILOT_GRACE_DAYS", "7", p.number(0, 90)),
    Setting("release_per_hour", "AUTOPILOT_RELEASES_PER_HOUR", "10", p.number(1, 200)),
    Setting("release_percent", "AUTOPILOT_RELEASE_PERCENT", "5", p.number(1, 100)),
    Setting("resume_stopped", "AUTOPILOT_RESUME_STOPPED", "off", p.switch),
    Setting("run_command", "AUTOPILOT_RUN_COMMAND", "off", p.switch),
    Setting("rollout_seconds", "AUTOPILOT_ROLLOUT_SECONDS", "60", p.seconds),
    Setting("deep_check_share", "AUTOPILOT_DEEP_CHECK_SHARE", "7", p.nights),
    Setting("topic_endpoint", "AUTOPILOT_TOPIC_ENDPOINT", "", p.optional(p.topic)),
    Setting("topic_key", "AUTOPILOT_TOPIC_KEY", "", p.optional(p.plain)),
)
