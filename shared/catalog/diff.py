"""What another catalog would do to the clusters that use it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.catalog.explain import bucket_count
from shared.catalog.model import Catalog, Policy
from shared.catalog.naming import DEFAULTS, Naming
from shared.catalog.rendering import arm_name, start_of
from shared.catalog.value import CatalogValue
from shared.catalog.wording import counted, listed, spoken

NO_CHANGE = "no change for clusters"

_RENAMED: Mapping[str, str] = {
    "vault_group": "NEW vaults in a new group; each cluster gets a new backup instance beside its old one",
    "vault": "NEW vaults; each cluster gets a new backup instance beside its old one",
    "backup_group": "a NEW group for each cluster: its snapshots from now on, and the account of clusters to come",
    "regional_group": "a NEW snapshot group and account for each region, to be made by the deployment first",
    "storage_account": "a NEW storage account for each cluster to come",
    "container": "a NEW container for each cluster to come",
}
_NEW_VAULT = ("redundancy", "subscription")
_ADDED = "clusters whose tag names it are protected; until now they were rejected"
_REMOVED = (
    "clusters whose tag names it are rejected, visibly; what protects them stays, but isn't looked after",
    "their recovery points keep the retention that they were made with",
)
_LEFT = (
    "what is there under the old names stays, is billed and is left alone; nothing is moved or renamed",
    "an installed extension keeps its account and container; one that differs from the names is reported",
)
_RULES = ("daily", "weekly", "monthly", "yearly")
_FIELDS: Mapping[str, str] = {
    # a field of a policy, and what a change of it does by itself
    "contents": "instances are changed in place; the next backups hold what is said now, older points what they have",
    "tags": "for what is made from now on, and for instances when they are next written; the rest keeps its tags",
    "accountSku": "for storage accounts made from now on; those that are there keep theirs",
    "existing.storageAccount": "for clusters protected from now on; an installed extension keeps its account",
    "rpoTarget": "newest points are judged by it from now on",
    "rtoTarget": "restore readiness holds past restores against it from now on",
    "onDemand": "on-demand backups are started by it from now on",
    "onRemoval": "counts for tags that are removed from now on",
}


@dataclass(frozen=True, slots=True)
class Section:
    """What changes about one thing: a title, lines below it, and whether any cluster notices."""

    title: str
    lines: list[str]
    noticed: bool = True


@dataclass(frozen=True, slots=True)
class _Side:
    """A policy as it stands in one of the two catalogs."""

    name: str
    policy: Policy
    catalog: Catalog

    @property
    def arm_policies(self) -> list[str]:
        """Names of its ARM policies with their start times; of an existing one the id."""
        if self.policy.existing.policy:
            return [self.policy.existing.policy]
        schedule = self.policy.schedule
        starts = (start_of(schedule, bucket)[11:16] for bucket in range(bucket_count(schedule)))
        return [
            f"{arm_name(self.name, self.policy, bucket)} (from {start} {schedule.time_zone})"
            for bucket, start in enumerate(starts)
        ]


def differences(value: CatalogValue, other: CatalogValue, within: str = "") -> Iterator[tuple[str, str]]:
    """Each field that differs, by its path in the file, and both its values as `old -> new`."""
    for item in msgspec.structs.fields(type(value)):
        old, new = getattr(value, item.name), getattr(other, item.name)
        path = f"{within}.{item.encode_name}" if within else item.encode_name
        if old == new:
            continue
        if isinstance(old, CatalogValue) and isinstance(new, CatalogValue):
            yield from differences(old, new, path)
        else:
            yield path, f"{_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return "nothing"
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        plain = {key: item for key, item in plain.items() if item is not None}
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()


def diff(old: Catalog, new: Catalog) -> str:
    """What changes for clusters, as text; it ends with `NO_CHANGE` when nothing does."""
    found = list(_sections(old, new))
    blocks = ["\n  ".join([section.title, *section.lines]) for section in found]
    if not any(section.noticed for section in found):
        blocks.append(NO_CHANGE)
    return "\n\n".join(blocks)


def _sections(old: Catalog, new: Catalog) -> Iterator[Section]:
    yield from _naming(old.naming, new.naming)
    for name in sorted(old.vault_profiles.keys() & new.vault_profiles.keys()):
        yield from _profile(name, old, new)
    for name in sorted(old.policies.keys() | new.policies.keys()):
        before, after = (catalog.policies.get(name) for catalog in (old, new))
        if after is None:
            yield Section(f"policy {name}: REMOVED", list(_REMOVED))
        elif before is None:
            yield Section(
                f"policy {name}: added", ["clusters whose tag names it are protected; until now they were rejected"]
            )
        elif before != after or old.profile_of(before) != new.profile_of(after):
            yield _changed(_Side(name, before, old), _Side(name, after, new))


def _naming(old: Naming, new: Naming) -> Iterator[Section]:
    lines = []
    for kind, default in DEFAULTS.items():
        before, after = getattr(old, kind) or default, getattr(new, kind) or default
        if before != after:
            lines.append(f"{kind}: {before} -> {after}: {_RENAMED[kind]}")
    if old.overrides != new.overrides:
        lines.append(f"overrides: {_shown(old.overrides)} -> {_shown(new.overrides)}: the same, where they apply")
    if lines:
        title = "NAMING CHANGES: names are computed, so other names mean other resources"
        yield Section(title, [*lines, *_LEFT])


def _profile(name: str, old: Catalog, new: Catalog) -> Iterator[Section]:
    changed = dict(differences(old.vault_profiles[name], new.vault_profiles[name]))
    changed.pop("confirmIrreversible", None)
    if changed:
        moved = "NEW vaults: one that is there can't be changed so"
        later = "for vaults made from now on; those that are there stay as they are"
        yield Section(
            f"vault profile {name}: changed",
            [f"{field}: {values}: {moved if field in _NEW_VAULT else later}" for field, values in changed.items()],
        )


def _changed(old: _Side, new: _Side) -> Section:
    fields = dict(differences(old.policy, new.policy))
    effects = [line for effect in _EFFECTS for line in effect(old, new)]
    for field, meaning in _FIELDS.items():
        if any(path == field or path.startswith(f"{field}.") for path in fields):
            effects.append(f"{field}: {meaning}")
    lines = [f"{field}: {values}" for field, values in fields.items()]
    return Section(f"policy {new.name}: changed", [*lines, *(f"=> {line}" for line in effects)], noticed=bool(effects))


def _vault(old: _Side, new: _Side) -> Iterator[str]:
    """Why the clusters of a policy come to be in another vault, and what that means."""
    moved = _move(old, new)
    stops = new.policy.on_move == "stop"
    if moved:
        yield f"vault MOVES: {moved}"
        fate = "is stopped, with all its points kept" if stops else "goes on, with its points"
        yield f"each cluster gets a new backup instance; the old one beside it {fate} (onMove: {new.policy.on_move})"
    elif stops and old.policy.on_move != "stop":
        yield "onMove: old instances of earlier moves that still run are stopped, with all their points kept"


def _move(old: _Side, new: _Side) -> str | None:
    vaults = old.policy.existing.vault, new.policy.existing.vault
    if any(vaults):
        return None if vaults[0] == vaults[1] else f"from {vaults[0] or 'ours'} to {vaults[1] or 'ours'}"
    if old.policy.vault_profile != new.policy.vault_profile:
        return f"from those of profile {old.policy.vault_profile} to those of {new.policy.vault_profile}"
    before, after = (side.catalog.profile_of(side.policy) for side in (old, new))
    changed = [f"{field} {values}" for field, values in differences(before, after) if field in _NEW_VAULT]
    return listed(changed) if changed else None


def _arm_policies(old: _Side, new: _Side) -> Iterator[str]:
    """ARM policies that give way to others, by start time, and how instances follow."""
    before, after = old.arm_policies, new.arm_policies
    if before == after:
        return
    if len(before) == len(after):
        pairs = zip(before, after, strict=True)
        yield from (f"ARM policy {one} -> {other}" for one, other in pairs if one != other)
    else:
        many = [counted(len(names), "start time") for names in (before, after)]
        yield f"{many[0]} -> {many[1]}: clusters may get another start time"
        yield f"ARM policies {listed(before)} -> {listed(after)}"
    if not _move(old, new):
        yield "instances are moved by being written again whole; an old ARM policy of ours is deleted once unused"


def _retention(old: _Side, new: _Side) -> Iterator[str]:
    """Recovery points that are there keep the retention that they were made with."""
    for where, kept in _KEPT.items():
        before, after = kept(old.policy), kept(new.policy)
        if before != after:
            made = f"points made before keep {spoken(before)}" if before else "nothing was kept there"
            later = f"new ones are kept {spoken(after)}" if after else "no new ones are made"
            yield f"{where}: {made}; {later}"
    if new.policy.vault_tier and not old.policy.vault_tier:
        yield "the vault is given the roles that copies need"


def _copies(rule: str) -> Callable[[Policy], str | None]:
    return lambda policy: getattr(policy.vault_tier, rule, None)


_KEPT: Mapping[str, Callable[[Policy], str | None]] = {
    "operational tier": lambda policy: policy.operational_retention,
    **{f"vault tier, {rule}": _copies(rule) for rule in _RULES},
}
_EFFECTS: tuple[Callable[[_Side, _Side], Iterator[str]], ...] = (_vault, _arm_policies, _retention)
