"""Backup policies (dp_backup_policy_create_and_delete.json)."""

from __future__ import annotations

import copy
import re
from typing import Any

from local.azure import regions
from local.azure.data_protection import schedules
from local.azure.data_protection.dialect import AKS, INSTANCES, POLICIES, invalid_input, not_found, user_error, vault_of
from local.azure.errors import ArmError, Json
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource
from local.azure.throttle import provider_budget

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,149}")
_MAX_POLICIES = 5000

_BUDGET, _DELETES = provider_budget(200), provider_budget(50)


def _checked(call: Call, vault: Resource) -> Json:
    """The policy as it is stored; the request's own `name` is dropped (wire facts)."""
    sent = call.body.get("properties")
    if not isinstance(sent, dict) or sent.get("objectType") != "BackupPolicy":
        raise invalid_input("properties must be an object of objectType BackupPolicy.")
    kinds = sent.get("datasourceTypes")
    if not isinstance(kinds, list) or len(kinds) != 1:
        raise invalid_input("datasourceTypes must name one type.")
    properties = _normalized(sent)
    if is_for_aks(properties):
        schedules.check(properties)
        region = regions.find(vault.location)
        if schedules.uses_vault_tier(properties) and region and not region.vault_tier:
            raise vault_tier_not_supported(region.display)
    return properties


def _normalized(sent: Json) -> Json:
    """What is kept of a policy: no name, no nulls, and an id for each tag (dp_backup_policy_manual.json)."""
    kept: Json = _without_nulls(sent)
    kept.pop("name", None)
    for rule in kept.get("policyRules") or []:
        trigger = rule.get("trigger") if isinstance(rule, dict) else None
        for tag in trigger.get("taggingCriteria") or [] if isinstance(trigger, dict) else []:
            info = tag.get("tagInfo") if isinstance(tag, dict) else None
            if isinstance(info, dict) and info.get("tagName"):
                info.setdefault("id", f"{info['tagName']}_")
    return kept


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else copy.deepcopy(value)


def is_for_aks(properties: Json) -> bool:
    """Whether a policy protects AKS clusters."""
    return [str(kind).lower() for kind in properties.get("datasourceTypes") or []] == [AKS.lower()]


def vault_tier_not_supported(region: str) -> ArmError:
    """The code is documented; the wording isn't recorded."""
    return user_error(
        "DppUserErrorVaultTierPolicyNotSupported",
        f"Backup policies with retention in the vault-standard datastore are not supported in {region}.",
        recommended=["Use a policy that keeps recovery points in the operational datastore only."],
    )


def _put(call: Call) -> Reply:
    if not _NAME.fullmatch(call.arguments["policy"]):
        raise invalid_input("A policy's name has 3 to 150 letters, digits and hyphens and starts with a letter.")
    vault = vault_of(call)
    properties = _checked(call, vault)
    existing = call.stored()
    if existing and existing.properties != properties and is_for_aks(existing.properties):
        # a policy for AKS can't be edited; the code isn't recorded
        raise user_error(
            "UserErrorBackupPolicyUpdateNotSupported",
            f"The backup policy {existing.name} can't be changed: policies for {AKS} can't be edited.",
            recommended=["Create a policy of another name and move the backup instances to it."],
        )
    if not existing and sum(1 for _ in call.cloud.store.of_type(POLICIES, vault.id)) >= _MAX_POLICIES:
        raise user_error("UserErrorMaxPolicyLimitReached", f"A vault holds at most {_MAX_POLICIES} policies.")
    body: Json = {
        "properties": properties,
        "id": existing.id if existing else call.id,
        "name": existing.name if existing else call.arguments["policy"],
        "type": POLICIES,
    }
    call.cloud.store.put(Resource(body["id"], POLICIES, body, existing.notes if existing else {}))
    return Reply(200, body)


def _get(call: Call) -> Reply:
    policy = call.stored()
    if policy is None:
        raise not_found()
    return Reply(200, policy.body)


def _list(call: Call) -> Reply:
    vault = vault_of(call)
    return Reply(200, {"value": [policy.body for policy in call.cloud.store.of_type(POLICIES, vault.id)]})


def _delete(call: Call) -> Reply:
    policy = call.stored()
    if policy is None:
        return Reply(204)
    for instance in call.cloud.store.children(vault_of(call).id, INSTANCES):
        if str(instance.properties["policyInfo"]["policyId"]).lower() == policy.id.lower():
            raise user_error(
                "UserErrorDppPolicyObjectInUse",
                f"The backup policy {policy.name} is used by the backup instance {instance.name}.",
                recommended=["Move the backup instances to another policy before you delete this one."],
            )
    call.cloud.store.remove(policy.id)
    return Reply(200)


ROUTES = (
    Route("PUT", "backupVaults/{vault}/backupPolicies/{policy}", _put, _BUDGET),
    Route("GET", "backupVaults/{vault}/backupPolicies/{policy}", _get, _BUDGET),
    Route("DELETE", "backupVaults/{vault}/backupPolicies/{policy}", _delete, _DELETES),
    Route("GET", "backupVaults/{vault}/backupPolicies", _list, _BUDGET),
)
