"""What of an imported policy gets lost or does nothing is said in comments."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from shared.catalog.importing import import_policy
from shared.catalog.loading import load, loads
from shared.catalog.model import Policy
from shared.catalog.rendering import render

SHIPPED = load(Path(__file__).resolve().parents[3] / "backup-policies.yaml")
PROFILE = "vaultProfiles:\n  standard: {redundancy: LocallyRedundant}\n"

Json = dict[str, Any]


def imported(printed: str, name: str = "imported") -> Policy:
    """The policy that an entry is, read as the app reads it."""
    return loads(printed + PROFILE, "c.yaml").policies[name]


def gold() -> Json:
    """The properties of a policy with a vault tier, to be changed."""
    return render(SHIPPED.policies["gold"])


def part(properties: Json, *path: str | int) -> Any:
    """A part of a policy."""
    found: Any = properties
    for step in path:
        found = found[step]
    return found


def retention(name: str, lifecycles: list[Json], *, default: bool = False) -> Json:
    """A retention rule."""
    return {"objectType": "AzureRetentionRule", "name": name, "isDefault": default, "lifecycles": lifecycles}


def lifecycle(store: str, duration: str) -> Json:
    """A lifecycle without a copy."""
    return {
        "deleteAfter": {"duration": duration, "objectType": "AbsoluteDeleteOption"},
        "sourceDataStore": {"dataStoreType": store, "objectType": "DataStoreInfoBase"},
    }


def _rule_without_tag(policy: Json) -> None:
    policy["policyRules"].append(retention("Weekly", [lifecycle("OperationalStore", "P30D")]))


def _tag_without_rule(policy: Json) -> None:
    tags = part(policy, "policyRules", 0, "trigger", "taggingCriteria")
    tags.insert(0, copy.deepcopy(tags[0]))
    tags[0]["tagInfo"] = {"tagName": "Weekly"}


def _two_backup_rules(policy: Json) -> None:
    policy["policyRules"].append({**copy.deepcopy(policy["policyRules"][0]), "name": "BackupNightly"})


def _two_starts(policy: Json) -> None:
    part(policy, "policyRules", 0, "trigger", "schedule", "repeatingTimeIntervals").append(
        "R/2023-01-04T10:00:00+00:00/PT4H"
    )


def _no_copy(policy: Json) -> None:
    del part(policy, "policyRules", 2, "lifecycles", 0)["targetDataStoreCopySettings"]


def _operational_rule(policy: Json) -> None:
    part(policy, "policyRules", 2)["lifecycles"] = [lifecycle("OperationalStore", "P60D")]


def _other_criteria(policy: Json) -> None:
    part(policy, "policyRules", 0, "trigger", "taggingCriteria", 0, "criteria", 0)["absoluteCriteria"] = ["AllBackup"]


def _twice_a_day(policy: Json) -> None:
    tags = part(policy, "policyRules", 0, "trigger", "taggingCriteria")
    tags.insert(1, copy.deepcopy(tags[0]))
    tags[1]["tagInfo"] = {"id": "Again_", "tagName": "Again"}
    policy["policyRules"].append({**copy.deepcopy(policy["policyRules"][2]), "name": "Again"})


def _odd_duration(policy: Json) -> None:
    part(policy, "policyRules", 2, "lifecycles", 1, "deleteAfter")["duration"] = "P1Y6M"


def _default_copies(policy: Json) -> None:
    policy["policyRules"][1]["lifecycles"] = copy.deepcopy(policy["policyRules"][2]["lifecycles"])


def _unknown_fields(policy: Json) -> None:
    policy["newFeature"] = {"enabled": True}
    part(policy, "policyRules", 0, "trigger", "schedule")["jitter"] = "PT5M"
    policy["empty"] = None


def _offset_without_zone(policy: Json) -> None:
    part(policy, "policyRules", 0, "trigger", "schedule")["repeatingTimeIntervals"] = [
        "R/2024-07-01T02:00:00+02:00/PT4H"
    ]


def _seconds(policy: Json) -> None:
    part(policy, "policyRules", 0, "trigger", "schedule")["repeatingTimeIntervals"] = ["R/2024-07-01T02:00:30Z/PT4H"]


def _other_names(policy: Json) -> None:
    policy["policyRules"][0]["name"] = "MyBackups"


def _weeks(policy: Json) -> None:
    part(policy, "policyRules", 1, "lifecycles", 0, "deleteAfter")["duration"] = "P4W"
    part(policy, "policyRules", 2, "lifecycles", 0, "deleteAfter")["duration"] = "P4W"


def _other_operational_retention(policy: Json) -> None:
    part(policy, "policyRules", 2, "lifecycles", 0, "deleteAfter")["duration"] = "P60D"


def _priorities(policy: Json) -> None:
    part(policy, "policyRules", 0, "trigger", "taggingCriteria", 0)["taggingPriority"] = 50


def _copy_on_expiry(policy: Json) -> None:
    part(policy, "policyRules", 2, "lifecycles", 0, "targetDataStoreCopySettings", 0)["copyAfter"] = {
        "objectType": "CopyOnExpiryOption"
    }


NOTED = {
    "a rule that no tag selects": (_rule_without_tag, "rule Weekly: no tag selects it, so it does nothing", "P90D"),
    "a tag without a rule": (
        _tag_without_rule,
        "tag Weekly: no retention rule has its name, so it keeps nothing apart",
        "P90D",
    ),
    "several backup rules": (
        _two_backup_rules,
        "rule BackupNightly: a policy of the catalog has one backup rule; BackupHourly is taken",
        "P90D",
    ),
    "several starts": (
        _two_starts,
        "a policy of the catalog has one start; R/2023-01-04T10:00:00+00:00/PT4H is left out",
        "P90D",
    ),
    "a copy that isn't declared": (
        _no_copy,
        (
            "rule Daily: its vault tier stays empty, because no copy to it is declared; to have one, add "
            "vaultTier: {daily: P90D}"
        ),
        None,
    ),
    "a rule of the operational tier": (_operational_rule, "rule Daily: it keeps nothing in the vault", None),
    "other criteria": (
        _other_criteria,
        "rule Daily: its tag selects AllBackup; wanted: one of FirstOfDay, FirstOfWeek, FirstOfMonth, FirstOfYear",
        None,
    ),
    "two rules for a day": (_twice_a_day, "rule Again: another rule is vaultTier.daily already", "P90D"),
    "a duration of two parts": (_odd_duration, "rule Daily: the vault keeps it for P1Y6M; wanted: days, weeks", None),
    "a default rule that copies": (_default_copies, "the default rule also copies to a vault", "P90D"),
    "an unknown field": (_unknown_fields, "properties.newFeature isn't known and is left out", "P90D"),
    "an unknown field further down": (
        _unknown_fields,
        "properties.policyRules[0].trigger.schedule.jitter isn't known and is left out",
        "P90D",
    ),
    "an offset without a zone": (
        _offset_without_zone,
        "schedule of BackupHourly: 2024-07-01T02:00:00+02:00 is written as 00:00 UTC",
        "P90D",
    ),
    "seconds": (_seconds, "the seconds of 2024-07-01T02:00:30Z are left out", "P90D"),
    "another name of the backup rule": (
        _other_names,
        "policyRules[MyBackups].name: MyBackups becomes nothing",
        "P90D",
    ),
    "weeks": (
        _weeks,
        "policyRules[Default].lifecycles[OperationalStore].deleteAfter.duration: P4W becomes P28D",
        "P90D",
    ),
    "another operational retention": (
        _other_operational_retention,
        "policyRules[Daily].lifecycles[OperationalStore].deleteAfter.duration: P60D becomes P30D",
        "P90D",
    ),
    "another priority": (
        _priorities,
        "policyRules[BackupHourly].trigger.taggingCriteria[Daily].taggingPriority: 50 becomes 25",
        "P90D",
    ),
    "another time of copying": (_copy_on_expiry, "CopyOnExpiryOption becomes ImmediateCopyOption", "P90D"),
}


@pytest.mark.parametrize(("change", "note", "daily"), NOTED.values(), ids=NOTED.keys())
def test_what_gets_lost_or_does_nothing_is_said(change: Any, note: str, daily: str | None) -> None:
    """In a comment; the rest becomes an entry that passes the check."""
    policy = gold()
    change(policy)
    printed = import_policy(json.dumps(policy), "p.json")
    comments, _, _ = printed.partition("policies:")
    assert comments.startswith("# From backup policy 'p.json'; what can't be expressed, or does nothing:\n# - ")
    assert note in comments
    assert "empty" not in comments.replace("stays empty", "")
    tier = imported(printed).vault_tier
    assert (tier and tier.daily) == daily


def test_comments_stay_comments() -> None:
    """A line break in a name of the policy can't become YAML."""
    policy = gold()
    policy["policyRules"].append(retention("x\npolicies: {}", []))
    printed = import_policy(json.dumps({"name": "a\nb: c", "properties": policy}), "p.json")
    assert next(line for line in printed.splitlines() if "policies: {}" in line).startswith("# - rule x policies: {}")
    assert imported(printed, "a-b-c").operational_retention == "P30D"
