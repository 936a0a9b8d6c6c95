"""Management groups: which subscriptions lie in them, and who may know it."""

from __future__ import annotations

from local.azure.built_in_roles import OWNER
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION, Client

ROOT = "/providers/Microsoft.Management/managementGroups"
PARENT, CHILD = f"{ROOT}/mg-parent", f"{ROOT}/mg-child"


def _reign(azure: Client) -> None:
    """Make the owner of the subscriptions one of the whole tenant ("elevate access")."""
    role = azure.cloud.roles.get(OWNER)
    assert role is not None
    azure.cloud.assign(azure.cloud.owner, role, "/")


async def _descendants(azure: Client, group: str, caller: str = "owner") -> list[str]:
    answer = await azure.arm("GET", f"{group}/descendants", caller=caller, version="2020-05-01")
    assert answer.status == 200, answer.body
    return sorted(item["id"] for item in answer.body["value"])


async def test_descendants_are_the_groups_and_subscriptions_below(azure: Client) -> None:
    """At any depth; a subscription lies in one group only, and in the root while it lies in no other."""
    _reign(azure)
    root = f"{ROOT}/{azure.cloud.options.tenant}"
    assert await _descendants(azure, root) == [SUBSCRIPTION, OTHER_SUBSCRIPTION]
    await azure.arm("PUT", PARENT, {}, version="2020-05-01")
    below = {"properties": {"details": {"parent": {"id": PARENT}}}}
    await azure.arm("PUT", CHILD, below, version="2020-05-01")
    other = OTHER_SUBSCRIPTION.rsplit("/", 1)[-1]
    assert (await azure.arm("PUT", f"{CHILD}/subscriptions/{other}", {}, version="2020-05-01")).status == 200
    assert await _descendants(azure, PARENT) == [CHILD, OTHER_SUBSCRIPTION]
    assert await _descendants(azure, root) == [CHILD, PARENT, SUBSCRIPTION, OTHER_SUBSCRIPTION]
    assert (await azure.arm("PUT", f"{PARENT}/subscriptions/{other}", {}, version="2020-05-01")).status == 200
    assert await _descendants(azure, CHILD) == []


async def test_the_app_asks_only_with_its_role_at_the_group(azure: Client) -> None:
    """Its role at a subscription says nothing about the groups above."""
    _reign(azure)
    await azure.arm("PUT", PARENT, {}, version="2020-05-01")
    refused = await azure.arm("GET", f"{PARENT}/descendants", caller="app", version="2020-05-01")
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    missing = await azure.arm("GET", f"{ROOT}/mg-nowhere/descendants", version="2020-05-01")
    assert missing.status == 404
