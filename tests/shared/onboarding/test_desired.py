"""What is wanted for a cluster, from the catalog, the settings and the cluster alone."""

from pathlib import Path
from typing import Any

import pytest

from shared.arm.ids import ClusterId, name_of
from shared.catalog.loading import loads
from shared.fleet.records import Storage
from shared.onboarding.cluster import Cluster, read_cluster
from shared.onboarding.desired import Desired, desired_protection, extension_settings
from shared.onboarding.steps import steps_for
from shared.onboarding.steps.extension import storage_of
from shared.settings import load as load_settings

ROOT = Path(__file__).resolve().parents[3]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CENTRAL = "00000000-0000-0000-0000-0000000000cc"
ENVIRON = {"AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
CATALOG = """
vaultProfiles:
  standard: {redundancy: LocallyRedundant}
policies:
  one: {vaultProfile: standard}
"""


def cluster(name: str = "shop", group: str = "rg-apps", **body: Any) -> Cluster:
    """A cluster as ARM tells of it."""
    parent = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
    text = f"{parent}/providers/Microsoft.ContainerService/managedClusters/{name}"
    return read_cluster(ClusterId.parse(text), {"location": "West Europe", **body})


def desired(
    text: str = CATALOG, subject: Cluster | None = None, *, storage: Storage | None = None, **environ: str
) -> Desired:
    """What is wanted with policy `one`."""
    catalog = loads(text, "c.yaml")
    settings = load_settings(ENVIRON | environ)
    return desired_protection(
        subject or cluster(), ("one", catalog.policies["one"]), catalog, settings, storage=storage
    )


def test_the_same_inputs_give_the_same_names() -> None:
    """A repeat finds what it made, however the id is spelled."""
    one, other = desired(), desired(subject=cluster("SHOP", "RG-Apps"))
    assert (one.instance, one.container, one.vault) == (other.instance, other.container, other.vault)
    assert name_of(one.account) == name_of(other.account)
    assert one.cluster.location == "westeurope"


def test_clusters_of_one_name_in_two_groups_share_nothing_of_their_own() -> None:
    """Group, account, container and instance differ; the vault and its policy are shared."""
    one, other = desired(), desired(subject=cluster(group="rg-other"))
    for part in ("group", "account", "container", "instance"):
        assert getattr(one, part) != getattr(other, part)
    assert one.vault == other.vault


def test_two_deployments_share_nothing() -> None:
    """The deployment's id is in every name and in the ownership tag."""
    one, other = desired(), desired(AUTOPILOT_DEPLOYMENT_ID="second")
    for part in ("group", "account", "vault", "vault_group", "instance", "owner"):
        assert getattr(one, part) != getattr(other, part)


def test_two_redundancies_are_two_vaults() -> None:
    """Redundancy can't be changed, so a profile that changes it names another vault."""
    assert desired().vault != desired(CATALOG.replace("LocallyRedundant", "GeoRedundant")).vault


def test_a_central_subscription_holds_the_vault_and_nothing_else() -> None:
    """Account, container and snapshots stay in the cluster's subscription, as Azure demands."""
    text = CATALOG.replace("{redundancy: LocallyRedundant}", f"{{redundancy: ZoneRedundant, subscription: {CENTRAL}}}")
    wanted = desired(text)
    assert wanted.vault.startswith(f"/subscriptions/{CENTRAL}/")
    assert wanted.shared_place == (CENTRAL, "westeurope")
    for part in ("group", "account"):
        assert getattr(wanted, part).startswith(f"/subscriptions/{SUBSCRIPTION}/")


def test_a_profile_becomes_the_vault_that_it_describes() -> None:
    """Soft delete, immutability and cross-region restore are said only where they are wanted."""
    plain = desired().vault_body["properties"]
    assert plain["securitySettings"] == {"softDeleteSettings": {"state": "On", "retentionDurationInDays": 14.0}}
    assert "featureSettings" not in plain
    profile = "redundancy: GeoRedundant, crossRegionRestore: true, softDelete: AlwaysOn, softDeleteDays: 30"
    text = CATALOG.replace(
        "redundancy: LocallyRedundant", f"{profile}, immutability: Locked, confirmIrreversible: true"
    )
    full = desired(text).vault_body["properties"]
    assert full["securitySettings"]["softDeleteSettings"] == {"state": "AlwaysOn", "retentionDurationInDays": 30.0}
    assert full["securitySettings"]["immutabilitySettings"] == {"state": "Locked"}
    assert full["featureSettings"] == {"crossRegionRestoreSettings": {"state": "Enabled"}}


def test_patterns_name_things_and_places_override_them() -> None:
    """The narrowest rule wins; the digest that keeps names apart is appended whatever the pattern."""
    naming = f"""
naming:
  backupGroup: "bk-{{group}}-{{cluster}}"
  overrides:
    - {{region: westeurope, backupGroup: "eu-{{cluster}}"}}
    - {{subscription: {SUBSCRIPTION}, region: westeurope, vault: "special-{{region}}"}}
"""
    here = desired(CATALOG + naming)
    there = desired(CATALOG + naming, cluster(location="northeurope"))
    assert name_of(here.group).startswith("eu-shop-")
    assert name_of(there.group).startswith("bk-rg-apps-shop-")
    assert name_of(here.vault).startswith("special-westeurope-")
    assert name_of(there.vault).startswith("bv-standard-northeurope-")


def test_tags_are_fixed_or_copied_and_ours_stays() -> None:
    """A copied tag that the cluster lacks is left out; names of tags have no case."""
    text = CATALOG.replace(
        "vaultProfile: standard}", "vaultProfile: standard, tags: {fixed: {env: prod}, copied: [Owner, no]}}"
    )
    wanted = desired(text, cluster(tags={"owner": "team-a"}))
    assert wanted.tags == {"env": "prod", "owner": "team-a", "managed-by": "aks-backup-autopilot/default"}


def test_what_the_catalog_gives_is_used() -> None:
    """An existing vault, policy and account take the place of ours."""
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers"
    vault = f"{scope}/Microsoft.DataProtection/backupVaults/their-vault"
    account = f"{scope}/Microsoft.Storage/storageAccounts/theiraccount"
    given = f"existing: {{vault: {vault}, policy: {vault}/backupPolicies/their-policy, storageAccount: {account}}}"
    wanted = desired(CATALOG.replace("vaultProfile: standard}", f"vaultProfile: standard, {given}}}"))
    assert (wanted.vault, wanted.account) == (vault, account)
    assert wanted.policy == f"{vault}/backupPolicies/their-policy"
    assert (wanted.vault_given, wanted.policy_given, wanted.account_given) == (True, True, True)
    assert wanted.instance.startswith(f"{vault}/backupInstances/")


def test_a_foreign_extensions_storage_takes_the_place_of_ours() -> None:
    """Its settings are read in both forms, and lead back to the account that they name."""
    wanted = desired()
    wire = extension_settings(wanted, "tenant")
    found = storage_of(wire)
    assert found is not None
    assert found.account_id.casefold() == wanted.account.casefold()
    typed = {
        "blobContainer": "box",
        "storageAccount": "acc",
        "storageAccountResourceGroup": "rg",
        "storageAccountSubscriptionId": SUBSCRIPTION,
    }
    storage = storage_of(typed)
    assert storage is not None
    adopted = desired(storage=storage)
    assert (adopted.account, adopted.container, adopted.adopted) == (storage.account_id, "box", True)
    assert storage_of({"storageAccount": "acc"}) is None


@pytest.mark.parametrize(
    "hostile",
    [
        {"storageAccount": "acc/../../../../../providers/Microsoft.Authorization/elevateAccess?x="},
        {"storageAccountSubscriptionId": "mine"},
        {"storageAccountResourceGroup": "rg/providers/Microsoft.Compute/disks/d"},
        {"blobContainer": "box/../../../listKeys"},
    ],
    ids=lambda hostile: next(iter(hostile)),
)
def test_settings_that_are_no_names_lead_nowhere(hostile: dict[str, str]) -> None:
    """Who may install extensions in a cluster says nothing about where the app sends its requests."""
    good = {
        "blobContainer": "box",
        "storageAccount": "acc",
        "storageAccountResourceGroup": "rg(1)",
        "storageAccountSubscriptionId": SUBSCRIPTION,
    }
    assert storage_of(good) is not None
    assert storage_of(good | hostile) is None


@pytest.mark.parametrize(("tier", "roles"), [("", 4), (", vaultTier: {daily: P30D}", 7)])
def test_the_vault_tier_takes_three_more_roles(tier: str, roles: int) -> None:
    """Four role assignments, seven with the vault tier."""
    wanted = desired(CATALOG.replace("vaultProfile: standard}", f"vaultProfile: standard{tier}}}"))
    assert sum(step.name.startswith("role/") for step in steps_for(wanted)) == roles


def test_data_source_and_its_set_are_the_same_but_for_their_type() -> None:
    """Otherwise the instance ends in ProtectionError."""
    body = desired().instance_body
    source, source_set = dict(body["dataSourceInfo"]), dict(body["dataSourceSetInfo"])
    assert (source.pop("objectType"), source_set.pop("objectType")) == ("Datasource", "DatasourceSet")
    assert source == source_set


def test_a_clouds_storage_and_the_limits_stand_in_the_extensions_settings() -> None:
    """Where blobs are reached is the cloud's; limits are said only where they are set."""
    plain = extension_settings(desired(), "tenant")
    assert plain["configuration.backupStorageLocation.config.storageAccountURI"].endswith(".blob.core.windows.net/")
    assert not any(name.startswith("resources.") for name in plain)
    china = extension_settings(desired(AUTOPILOT_CLOUD="china", AUTOPILOT_EXTENSION_CPU="1"), "tenant")
    assert china["configuration.backupStorageLocation.config.storageAccountURI"].endswith(
        ".blob.core.chinacloudapi.cn/"
    )
    assert china["resources.limits.cpu"] == "1"
