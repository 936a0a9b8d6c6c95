"""A policy in words: when, what, for how long, what it becomes in Azure, and what to know about it."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.catalog.caveats import SLIP, caveats, profile_caveats
from shared.catalog.model import Catalog, OnDemand, Policy, Schedule, VaultProfile, minutes
from shared.catalog.rendering import arm_name, render, render_contents, start_of
from shared.catalog.timeline import DAY, chart
from shared.catalog.wording import counted, every, listed, spoken, spoken_minutes, table

_REMOVAL = {
    "keep": "protection goes on as it is: a removed tag ends nothing",
    "suspend": "no more backups; points expire as before, but the newest one is kept for ever",
    "stop": "no more backups; all points are kept for ever, at their price, until somebody deletes them",
}
_REDUNDANCY = {
    "LocallyRedundant": "three copies in one data center",
    "ZoneRedundant": "copies in three zones of the region",
    "GeoRedundant": "copies in the region and in its pair",
}
_VOLUMES = {"AzureDisk": "Azure disks", "AzureFileShareSMB": "Azure file shares (SMB)"}
_RULES = (("daily", "day"), ("weekly", "week"), ("monthly", "month"), ("yearly", "year"))


def bucket_count(schedule: Schedule) -> int:
    """How many start times, and so ARM policies, a schedule has."""
    return schedule.buckets if schedule.spread else 1


def starts(schedule: Schedule, bucket: int, zone: str, day: date) -> list[str]:
    """When the backups of a bucket are due on a day, as times of day in a time zone, in the order of the schedule."""
    first = datetime.fromisoformat(start_of(schedule, bucket)).time()
    begin = datetime.combine(day, first, ZoneInfo(schedule.time_zone))
    count = DAY // minutes(schedule.every)
    moments = (begin + timedelta(minutes=minutes(schedule.every)) * number for number in range(count))
    return [f"{moment.astimezone(ZoneInfo(zone)):%H:%M}" for moment in moments]


def explain(name: str, catalog: Catalog, year: int) -> str:
    """Everything about one policy, as text.

    Args:
        name: of a policy of the catalog.
        catalog: where it stands.
        year: in which times of day are compared with UTC; time zones change over the years.
    """
    policy = catalog.policies[name]
    profile = catalog.profile_of(policy)
    sections = {
        "When": [] if policy.existing.policy else _when(name, policy, year),
        "Kept": [] if policy.existing.policy else list(_kept(policy)),
        "Backed up": list(_contents(policy)),
        "Expected": list(_expected(policy)),
        f"Vault profile {policy.vault_profile}": list(_profile(profile)),
        "In place of ours": list(_existing(policy)),
        "Recovery points of one cluster over time": [] if policy.existing.policy else chart(policy),
        "To know": list(_to_know(policy, catalog)),
        "ARM policy (first start time)": [] if policy.existing.policy else arm_json(policy).splitlines(),
        "Backup configuration of each instance": json.dumps(render_contents(policy), indent=2).splitlines(),
    }
    blocks = ["\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in sections.items() if lines]
    return "\n\n".join([f"{name}: {policy.description.strip() or 'no description'}", *blocks])


def arm_json(policy: Policy, bucket: int = 0) -> str:
    """The ARM policy of one start time as JSON, as `az dataprotection backup-policy create --policy` takes it."""
    return json.dumps(render(policy, bucket), indent=2)


def _when(name: str, policy: Policy, year: int) -> list[str]:
    schedule = policy.schedule
    winter, summer = date(year, 1, 15), date(year, 7, 15)
    start = f"{schedule.start} {schedule.time_zone}"
    lines = [
        f"a backup {every(schedule.every)}, counted from {start}; Azure starts it within {spoken_minutes(SLIP)}",
    ]
    if schedule.spread:
        lines.append(
            f"clusters are spread over {spoken(schedule.spread)} by a hash of their id: "
            f"{counted(schedule.buckets, 'start time')}, always the same one for a cluster"
        )
    zones = [("UTC", "UTC", winter)]
    if schedule.time_zone != "UTC":
        own, other = (starts(schedule, 0, "UTC", day) for day in (winter, summer))
        zones = [(schedule.time_zone, schedule.time_zone, winter), ("UTC in January", "UTC", winter)]
        zones += [("UTC in July", "UTC", summer)] if own != other else []
    rows = [["ARM policy", *(title for title, _, _ in zones)]]
    for bucket in range(bucket_count(schedule)):
        times = (" ".join(starts(schedule, bucket, zone, day)) for _, zone, day in zones)
        rows.append([arm_name(name, policy, bucket), *times])
    return [*lines, *table(rows)]


def _kept(policy: Policy) -> Iterator[str]:
    what = "snapshots of the volumes" if policy.contents.volume_snapshots else "no volumes"
    yield (
        f"operational tier, beside the cluster: each backup for {spoken(policy.operational_retention)} "
        f"({what}; Kubernetes resources in the storage account, {policy.account_sku})"
    )
    if policy.vault_tier is None:
        yield "vault tier: nothing"
    for rule, period in _RULES:
        kept = getattr(policy.vault_tier, rule, None)
        if kept:
            yield f"vault tier: the first backup of each {period} for {spoken(kept)}"


def _contents(policy: Policy) -> Iterator[str]:
    contents = policy.contents
    yield f"namespaces: {_choice(contents.included_namespaces, contents.excluded_namespaces)}"
    yield "never: kube-system, kube-node-lease, kube-public"
    yield f"resource types: {_choice(contents.included_resource_types, contents.excluded_resource_types)}"
    if contents.label_selectors:
        yield f"only what is labeled {listed(contents.label_selectors)}"
    yield f"cluster-scope resources: {'yes' if contents.cluster_scope_resources else 'no'}"
    if contents.volume_snapshots:
        kinds = listed(_VOLUMES[kind] for kind in contents.volume_types or ("AzureDisk",))
        yield f"volumes: {kinds}; others are skipped, and the backup still succeeds"
    else:
        yield "volumes: none"
    if contents.hooks:
        yield f"hooks: {listed(f'{hook.name} in {hook.namespace}' for hook in contents.hooks)}"


def _choice(included: tuple[str, ...], excluded: tuple[str, ...]) -> str:
    if included:
        return f"only {listed(included)}"
    return f"all but {listed(excluded)}" if excluded else "all"


def _expected(policy: Policy) -> Iterator[str]:
    if policy.rpo_target:
        yield f"the newest recovery point is at most {spoken(policy.rpo_target)} old"
    else:
        yield "no rpoTarget: the age of the newest recovery point is judged by the schedule"
    if policy.rto_target:
        yield f"a restore takes at most {spoken(policy.rto_target)}: restore readiness holds past ones against it"
    yield f"on demand: {listed(_on_demand(policy.on_demand)) if policy.on_demand else 'nothing by itself'}"
    yield f"when the tag is removed ({policy.on_removal}): {_REMOVAL[policy.on_removal]}"
    moved = "goes on beside the new one" if policy.on_move == "keep" else "is stopped, with all its points kept"
    yield f"when the policy moves to another vault ({policy.on_move}): the old backup instance {moved}"
    if policy.cost_ceiling is not None:
        yield f"a cluster costs at most {policy.cost_ceiling:g} a month"


def _on_demand(on_demand: OnDemand) -> Iterator[str]:
    if on_demand.after_protection:
        yield "once protected"
    if on_demand.catch_up:
        yield "when rpoTarget isn't kept"
    if on_demand.every:
        yield every(on_demand.every)
    for window in on_demand.before:
        yield f"{spoken(window.lead)} before {window.day} {window.time} UTC"
    yield f"{on_demand.reserve} of the 10 a day left to people"


def _profile(profile: VaultProfile) -> Iterator[str]:
    yield f"{profile.redundancy}: {_REDUNDANCY[profile.redundancy]}"
    if profile.cross_region_restore:
        yield "restore in the paired region: yes"
    days = "" if profile.soft_delete == "Off" else f", {profile.soft_delete_days} days"
    yield f"soft delete {profile.soft_delete}{days}; immutability {profile.immutability}"
    place = f"subscription {profile.subscription}" if profile.subscription else "the subscription of each cluster"
    yield f"vaults in {place}"


def _to_know(policy: Policy, catalog: Catalog) -> Iterator[str]:
    for caveat in caveats(policy, catalog):
        yield f"- {'.'.join(caveat.field)}: {caveat.text}"
    for caveat in profile_caveats(catalog.profile_of(policy)):
        yield f"- {'.'.join(caveat.field)} of {policy.vault_profile}: {caveat.text}"


def _existing(policy: Policy) -> Iterator[str]:
    given = policy.existing
    yield from (item for item in (given.vault, given.policy, given.storage_account) if item)


def this_year() -> int:
    """The year of the clock."""
    return datetime.now(UTC).year
