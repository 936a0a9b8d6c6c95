"""A backup policy made with the public client -> a catalog entry; comments say what gets lost or does nothing.

Takes what `az dataprotection backup-policy show` prints, or only its `properties`.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from shared.catalog.armshape import POLICY, misshapen, unknown
from shared.catalog.loading import loads
from shared.catalog.model import MAX_OPERATIONAL_DAYS, NAME, Policy, Schedule, minutes
from shared.catalog.rendering import DATASOURCE_TYPE, render, start_of
from shared.catalog.selection import NONE
from shared.catalog.timeline import DAY
from shared.catalog.wording import listed
from shared.catalog.zones import iana_zone
from shared.errors import CatalogError

Json = dict[str, Any]

_INTERVAL = re.compile(r"R\d*/(?P<start>[^/]+)/(?P<every>P[^/]+)")
_FREQUENCIES = {"PT4H": "PT4H", "PT6H": "PT6H", "PT8H": "PT8H", "PT12H": "PT12H", "P1D": "P1D", "PT24H": "P1D"}
_RETENTION = re.compile(r"P[1-9][0-9]{0,3}[DWMY]")
_MARKERS = {"FirstOfDay": "daily", "FirstOfWeek": "weekly", "FirstOfMonth": "monthly", "FirstOfYear": "yearly"}
_OPERATIONAL, _VAULT = "OperationalStore", "VaultStore"


class _Unusable(Exception):
    """Why the policy can't become an entry of a catalog."""


def import_policy(text: str, source: str, *, name: str | None = None, profile: str = "standard") -> str:
    """A catalog entry as YAML, below `policies:`, with comments in front.

    Args:
        text: the policy as JSON.
        source: name of the file, for errors.
        name: of the entry; None makes one of the policy's name.
        profile: the vault profile that the entry names.

    Raises:
        CatalogError: it is no AKS backup policy, or one that the catalog can't express at all.
    """
    try:
        resource = _read(text)
        reader = _Reader(resource.get("properties", resource))
        entry = {"vaultProfile": profile, **reader.entry()}
    except _Unusable as error:
        raise CatalogError("Backup policy", [f"{source}: {error}"]) from error
    chosen = name or _name_of(resource)
    body = yaml.safe_dump({"policies": {chosen: entry}}, sort_keys=False, width=100)
    policy = _checked(body, chosen, profile, source)
    notes = [*reader.notes, *_differences(reader.kept, render(policy))]
    title = f"From backup policy {str(resource.get('name') or source)!r}"
    said = ["it renders to the same ARM policy."] if not notes else ["what can't be expressed, or does nothing:"]
    comments = [f"{title}; {said[0]}", *(f"- {note}" for note in notes)]
    return "".join(f"# {_one_line(line)}\n" for line in comments) + body


def _one_line(text: str) -> str:
    """Names of a policy can't become anything but part of a comment."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _read(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _Unusable(f"no JSON: {error}") from error
    if not isinstance(value, dict):
        raise _Unusable("wanted: one backup policy as a JSON object, as `az dataprotection backup-policy show` prints")
    properties = value.get("properties", value)
    faults = list(misshapen(properties, POLICY)) if isinstance(properties, dict) else ["properties: wanted: an object"]
    if faults:
        raise _Unusable(faults[0])
    kinds = properties.get("datasourceTypes")
    if not isinstance(kinds, list) or [str(kind).casefold() for kind in kinds] != [DATASOURCE_TYPE.casefold()]:
        protects = listed(map(str, kinds)) if isinstance(kinds, list) and kinds else "nothing that it names"
        raise _Unusable(f"properties.datasourceTypes: it protects {protects}; wanted: {DATASOURCE_TYPE}")
    return value


def _name_of(resource: Json) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", str(resource.get("name") or "").casefold()).strip("-")[:32].rstrip("-")
    return name if re.match(NAME, name) and name != NONE else "imported"


def _checked(body: str, name: str, profile: str, source: str) -> Policy:
    """The entry read back as a catalog reads it, so that whatever is printed passes the check."""
    frame = yaml.safe_dump({"vaultProfiles": {profile: {"redundancy": "LocallyRedundant"}}})
    return loads(body + frame, source).policies[name]


class _Reader:
    """Reads a policy's properties into an entry. `kept` is what of them the entry says, `notes` what is left out."""

    def __init__(self, properties: Json) -> None:
        self.kept: Json = _without_nulls(properties)
        self.notes = [f"{path} isn't known and is left out" for path in unknown(properties, POLICY)]
        self.kept.pop("name", None)

    def entry(self) -> Json:
        """Schedule and retention, as the catalog writes them."""
        backup = self._backup_rule()
        schedule = self._schedule(backup)
        operational, vault_tier = self._default(), self._vault_tier(backup)
        return {
            "schedule": schedule,
            "operationalRetention": operational,
            **({"vaultTier": vault_tier} if vault_tier else {}),
        }

    def _rules(self, kind: str) -> list[Json]:
        return [rule for rule in self.kept.get("policyRules") or [] if rule.get("objectType") == kind]

    def _drop(self, rule: Json, why: str) -> None:
        self.kept["policyRules"].remove(rule)
        self.notes.append(f"rule {rule.get('name')}: {why}")

    def _backup_rule(self) -> Json:
        scheduled = [
            rule for rule in self._rules("AzureBackupRule") if (rule.get("trigger") or {}).get("schedule") is not None
        ]
        if not scheduled:
            raise _Unusable("properties.policyRules: no AzureBackupRule with a schedule; the catalog has no other way")
        for rule in self._rules("AzureBackupRule"):
            if rule is not scheduled[0]:
                self._drop(rule, f"a policy of the catalog has one backup rule; {scheduled[0].get('name')} is taken")
        return scheduled[0]

    def _schedule(self, rule: Json) -> Json:
        where = f"schedule of {rule.get('name')}"
        schedule = rule["trigger"]["schedule"]
        intervals = [str(item) for item in schedule.get("repeatingTimeIntervals") or []]
        found = _INTERVAL.fullmatch(intervals[0]) if intervals else None
        if found is None or found["every"] not in _FREQUENCIES:
            raise _Unusable(f"{where}: {listed(intervals)}; wanted: R/start/frequency, one of {listed(_FREQUENCIES)}")
        for other in intervals[1:]:
            self.notes.append(f"{where}: a policy of the catalog has one start; {other} is left out")
        try:
            start, zone = _start(found["start"], schedule.get("timeZone"))
        except ValueError as error:
            raise _Unusable(f"{where}: {error}") from error
        written = {"start": f"{start:%H:%M}", **({"timeZone": zone} if zone else {})}
        if datetime.fromisoformat(found["start"]).utcoffset() not in (None, start.utcoffset()):
            self.notes.append(f"{where}: {found['start']} is written as {written['start']} {zone or 'UTC'}")
        if start.second or start.microsecond:
            self.notes.append(f"{where}: the seconds of {found['start']} are left out")
        # the day of the first start doesn't matter: compared is what the same time of day renders to
        rendered = start_of(Schedule(start=written["start"], time_zone=zone or "UTC"), 0)
        schedule["repeatingTimeIntervals"] = [f"R/{rendered}/{found['every']}"]
        return {"every": _FREQUENCIES[found["every"]], **written}

    def _default(self) -> str:
        rules = [rule for rule in self._rules("AzureRetentionRule") if rule.get("isDefault")]
        lifecycles = _by_store(rules[0]) if rules else {}
        duration = str(_duration(lifecycles.get(_OPERATIONAL)))
        days = minutes(duration) // DAY if _RETENTION.fullmatch(duration) else 0
        if not 0 < days <= MAX_OPERATIONAL_DAYS:
            what = f"keeps backups for {duration}" if rules else "is missing"
            raise _Unusable(
                f"the default retention rule {what} in the operational tier; wanted: 1 to {MAX_OPERATIONAL_DAYS} days"
            )
        for other in rules[1:]:
            self._drop(other, f"a second default rule; {rules[0].get('name')} is taken")
        if len(lifecycles) > 1 or lifecycles[_OPERATIONAL].get("targetDataStoreCopySettings"):
            self.notes.append("the default rule also copies to a vault; the catalog copies by day, week, month or year")
            rules[0]["lifecycles"] = [lifecycles[_OPERATIONAL]]
            lifecycles[_OPERATIONAL].pop("targetDataStoreCopySettings", None)
        return f"P{days}D"

    def _vault_tier(self, backup: Json) -> dict[str, str]:
        """Durations by field of the vault tier; what no tag selects or nothing fills is noted and dropped."""
        tags: list[Json] = backup["trigger"].get("taggingCriteria") or []
        by_name = {(tag.get("tagInfo") or {}).get("tagName"): tag for tag in tags if not tag.get("isDefault")}
        tier: dict[str, str] = {}
        for rule in [rule for rule in self._rules("AzureRetentionRule") if not rule.get("isDefault")]:
            tag = by_name.pop(rule.get("name"), None)
            field, why = _vault_rule(rule, tag, tier)
            if why is None:
                tier[field] = str(_duration(_by_store(rule).get(_VAULT)))
                continue
            self._drop(rule, why)
            if tag:
                tags.remove(tag)
        for name, tag in by_name.items():
            self.notes.append(f"tag {name}: no retention rule has its name, so it keeps nothing apart")
            tags.remove(tag)
        return {field: tier[field] for field in _MARKERS.values() if field in tier}


def _start(text: str, windows: Any) -> tuple[datetime, str | None]:
    """The first start in the policy's time zone, and the zone's IANA name; None without a zone, in UTC."""
    moment = datetime.fromisoformat(text)
    if not windows:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC), None
    name = iana_zone(str(windows), moment)
    zone = ZoneInfo(name)
    return (moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)), name


def _by_store(rule: Json) -> dict[str, Json]:
    stores = [((item.get("sourceDataStore") or {}).get("dataStoreType"), item) for item in rule.get("lifecycles") or []]
    return {str(store): item for store, item in stores}


def _duration(lifecycle: Json | None) -> Any:
    return ((lifecycle or {}).get("deleteAfter") or {}).get("duration")


def _vault_rule(rule: Json, tag: Json | None, taken: dict[str, str]) -> tuple[str, str | None]:
    """The field of the vault tier that a retention rule is, or why it is none."""
    if tag is None:
        return "", "no tag selects it, so it does nothing"
    markers = [marker for item in tag.get("criteria") or [] for marker in item.get("absoluteCriteria") or []]
    field = _MARKERS.get(markers[0], "") if len(markers) == 1 else ""
    if not field:
        return "", f"its tag selects {listed(map(str, markers))}; wanted: one of {', '.join(_MARKERS)}"
    return field, _unkept(rule, field, taken)


def _unkept(rule: Json, field: str, taken: dict[str, str]) -> str | None:
    """Why a retention rule that a tag selects can't be a rule of the vault tier."""
    lifecycles = _by_store(rule)
    kept = _duration(lifecycles.get(_VAULT))
    copies = (lifecycles.get(_OPERATIONAL) or {}).get("targetDataStoreCopySettings") or []
    copied = any((item.get("dataStore") or {}).get("dataStoreType") == _VAULT for item in copies)
    if field in taken:
        return f"another rule is vaultTier.{field} already"
    if _VAULT not in lifecycles:
        return "it keeps nothing in the vault; the catalog keeps all backups alike in the operational tier"
    if not _RETENTION.fullmatch(str(kept)):
        return f"the vault keeps it for {kept}; wanted: days, weeks, months or years, such as P90D"
    if not copied:
        hint = f"to have one, add vaultTier: {{{field}: {kept}}}"
        return f"its vault tier stays empty, because no copy to it is declared; {hint}"
    return None


def _differences(kept: Json, rendered: Json) -> Iterator[str]:
    """What differs between the policy, without all that was noted, and what the entry renders to."""
    old, new = dict(_flat(kept, "")), dict(_flat(rendered, ""))
    for path in old | new:
        if old.get(path) != new.get(path):
            yield f"{path}: {old.get(path, 'nothing')} becomes {new.get(path, 'nothing')}"


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Plain values by path; what has a name in a list goes by it, so that order doesn't matter."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{_key(item) or index}]")
    elif value is not None:
        yield path, value


def _key(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    tag, store = item.get("tagInfo") or {}, item.get("sourceDataStore") or {}
    return item.get("name") or tag.get("tagName") or store.get("dataStoreType")
