"""App settings: every fault is said, each with what is wanted."""

from pathlib import Path

import pytest

from shared.errors import ConfigurationError, SettingsError
from shared.settings import Isolation, Mode, load
from shared.startup import check

SUBSCRIPTION = "0ABCDEF0-0000-0000-0000-000000000001"
SUBNET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vn/subnets/aks"
GOOD = {"AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}


def test_defaults_need_only_subscriptions_and_storage() -> None:
    """A deployment starts with two settings; ids are folded to lower case."""
    settings = load(GOOD)
    assert settings.subscriptions == {SUBSCRIPTION.lower()}
    assert (settings.mode, settings.isolation, settings.tag) == (Mode.OPT_IN, Isolation.CLUSTER, "aks-backup")
    assert settings.catalog.name == "backup-policies.yaml"
    assert settings.wait_scale == 1


@pytest.mark.parametrize(
    ("extra", "arm", "audience", "suffix"),
    [
        ({}, "https://management.azure.com", "https://management.azure.com", "core.windows.net"),
        (
            {"AUTOPILOT_CLOUD": "china"},
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "core.chinacloudapi.cn",
        ),
        (
            {"AUTOPILOT_CLOUD": "usgov", "AUTOPILOT_ARM_AUDIENCE": "https://management.core.usgovcloudapi.net/"},
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "core.usgovcloudapi.net",
        ),
        (
            {"AUTOPILOT_ARM_ENDPOINT": "https://management.local.example", "AUTOPILOT_STORAGE_SUFFIX": "local.example"},
            "https://management.local.example",
            "https://management.azure.com",
            "local.example",
        ),
    ],
)
def test_a_cloud_is_one_word_or_its_addresses(extra: dict[str, str], arm: str, audience: str, suffix: str) -> None:
    """Addresses that are given count for more than the cloud's."""
    settings = load(GOOD | extra)
    assert (settings.arm_endpoint, settings.arm_audience, settings.storage_suffix) == (arm, audience, suffix)


def test_management_groups_do_without_subscriptions() -> None:
    """One of the two is enough."""
    settings = load({"AUTOPILOT_MANAGEMENT_GROUPS": "mg-a, mg-b", "AzureWebJobsStorage": "x"})
    assert (settings.subscriptions, settings.management_groups) == (frozenset(), ("mg-a", "mg-b"))


def test_all_faults_are_listed_at_once() -> None:
    """Correcting one setting doesn't reveal the next one."""
    with pytest.raises(SettingsError) as caught:
        load(
            {
                "AUTOPILOT_SUBSCRIPTIONS": "mine",
                "AUTOPILOT_MODE": "opt-sideways",
                "AUTOPILOT_TAGS": "x",
                "AUTOPILOT_ARM_ENDPOINT": "http://management.azure.com",
                "AUTOPILOT_WAIT_SCALE": "0",
                "AUTOPILOT_DEPLOYMENT_ID": "Way too long, and spaced",
            }
        )
    text = "\n".join(caught.value.faults)
    for name in ("SUBSCRIPTIONS", "MODE", "TAGS", "ARM_ENDPOINT", "WAIT_SCALE", "DEPLOYMENT_ID"):
        assert f"AUTOPILOT_{name} " in text
    assert "AzureWebJobsStorage is missing" in text
    assert "opt-in or opt-out" in text


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        ({"AUTOPILOT_MODE": "opt-out"}, "AUTOPILOT_DEFAULT_POLICY is missing"),
        ({"AUTOPILOT_DEFAULT_POLICY": "gold"}, "no effect in mode opt-in"),
        ({"AUTOPILOT_ARM_ENDPOINT": "https://management.azure.com/?x=1"}, "without path or query"),
        ({"AUTOPILOT_CATALOG": "nowhere.yaml"}, "a file that exists"),
        ({"AUTOPILOT_TAG": "a/b"}, "AUTOPILOT_TAG"),
        ({"AUTOPILOT_ACT": "perhaps"}, "auto or observe"),
        ({"AUTOPILOT_ACT": "auto,observe"}, "then single subscriptions"),
        ({"AUTOPILOT_ACT": "auto,mine=observe"}, "then single subscriptions"),
        ({"AUTOPILOT_PAUSED": "yes"}, "on or off"),
        ({"AUTOPILOT_MAX_ONBOARDINGS_PER_HOUR": "0"}, "a whole number, 1 to 500"),
        ({"AUTOPILOT_MAX_ROLLOVERS_PER_HOUR": "many"}, "a whole number, 1 to 500"),
        ({"AUTOPILOT_QUIET_WINDOWS": "always"}, "windows separated by semicolons"),
        ({"AUTOPILOT_PRICES": "nowhere.yaml"}, "a file that exists"),
        ({"AUTOPILOT_DECISION_LOG": "My Log"}, "the name of a blob container"),
        ({"AUTOPILOT_DECISION_LOG": "a--b"}, "the name of a blob container"),
        ({"AUTOPILOT_AUTH": "none"}, "keys or entra"),
        ({"AUTOPILOT_AUTH": "entra"}, "authentication is off"),
        ({"AUTOPILOT_AUTH": "entra", "WEBSITE_AUTH_ENABLED": "False"}, "authentication is off"),
        ({"AUTOPILOT_RESOURCE_GUARDS": "westeurope=guard"}, "with the ARM id of a guard's request"),
        ({"AUTOPILOT_VAULT_TIER_FALLBACK": "none"}, "block or operational"),
        ({"AUTOPILOT_EXTENSION_MEMORY": "2GB"}, "an amount of memory"),
        ({"AUTOPILOT_EXTENSION_CPU": "many"}, "processors"),
        ({"AUTOPILOT_STORAGE_NETWORK": "deny"}, "needs AUTOPILOT_STORAGE_SUBNETS or AUTOPILOT_PRIVATE_SUBNETS"),
        ({"AUTOPILOT_PRIVATE_SUBNETS": f"eastus={SUBNET}"}, "need AUTOPILOT_STORAGE_NETWORK=deny"),
        ({"AUTOPILOT_STORAGE_SUBNETS": "eastus=aks"}, "with the ARM id of a subnet"),
        ({"AUTOPILOT_CLOUD": "mars"}, "public or china or usgov"),
        ({"AUTOPILOT_STORAGE_SUFFIX": "https://x"}, "the end of a host name"),
        ({"AUTOPILOT_MANAGEMENT_GROUPS": "mg/../x"}, "of management groups"),
    ],
)
def test_each_fault_says_what_is_wanted(extra: dict[str, str], fault: str) -> None:
    """An error names the setting, its value and what is allowed."""
    with pytest.raises(SettingsError, match=fault.replace("?", r"\?")):
        load(GOOD | extra)


def test_managed_identity_storage_needs_both_services() -> None:
    """In Azure, storage is reached by addresses and identity; one address alone isn't enough."""
    services = {
        "AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION,
        "AzureWebJobsStorage__queueServiceUri": "https://x.queue.core.windows.net",
        "AzureWebJobsStorage__tableServiceUri": "https://x.table.core.windows.net",
        "AzureWebJobsStorage__clientId": "an-id",
    }
    with pytest.raises(SettingsError, match="blobServiceUri is missing; the decision log needs it"):
        load(services)
    assert load(services | {"AUTOPILOT_DECISION_LOG": "off"}).decision_log is None
    services["AzureWebJobsStorage__blobServiceUri"] = "https://x.blob.core.windows.net"
    assert load(services).storage.client_id == "an-id"
    del services["AzureWebJobsStorage__tableServiceUri"]
    with pytest.raises(SettingsError, match="__tableServiceUri"):
        load(services)


def test_a_broken_setting_does_not_hide_a_broken_catalog(tmp_path: Path) -> None:
    """The start lists what is wrong with both."""
    catalog = tmp_path / "policies.yaml"
    catalog.write_text("policies: {}\n")
    with pytest.raises(ConfigurationError) as caught:
        check({"AUTOPILOT_CATALOG": str(catalog)})
    text = "\n".join(caught.value.faults)
    assert "AUTOPILOT_SUBSCRIPTIONS is missing" in text
    assert "policies.yaml:1: the file: 'vaultProfiles' is missing" in text


def test_a_default_policy_must_be_in_the_catalog() -> None:
    """Mode opt-out can't start with a policy that doesn't exist."""
    with pytest.raises(ConfigurationError, match="wanted: one of bronze, gold, silver"):
        check(GOOD | {"AUTOPILOT_MODE": "opt-out", "AUTOPILOT_DEFAULT_POLICY": "platinum"})
